"""The plan of a restore: what would happen, what it needs, and everything that forbids it, all at once."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from kino_backup_tui.core.errors import (
    ArchiveError,
    IncompatibleError,
    KinoBackupError,
    NoSpaceError,
    NotFoundError,
)
from kino_backup_tui.core.files import free_bytes
from kino_backup_tui.core.jobs.job import run_unlocked
from kino_backup_tui.core.kino.command import command_for
from kino_backup_tui.core.models import Backup, EntryRole
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.examine import (
    Examined,
    examine,
    expected_bytes,
    is_vacant,
    peek,
    refuse_foreign,
)
from kino_backup_tui.core.operations.foresight import path_remarks, setting_changes, with_first_boot
from kino_backup_tui.core.operations.index_view import listed_problem
from kino_backup_tui.core.operations.last_restore import is_being_replaced, unsettled_problem
from kino_backup_tui.core.operations.obstacles import (
    edition_remarks,
    incompatibilities,
    no_room,
    remarks,
    require_room,
    restore_in_effect,
    rights_problem,
)
from kino_backup_tui.core.operations.open_archive import open_source
from kino_backup_tui.core.operations.present import Present, look
from kino_backup_tui.core.operations.proving import named
from kino_backup_tui.core.operations.safety import assess_safety
from kino_backup_tui.core.operations.session import Session, open_session
from kino_backup_tui.core.progress import RESTORE, ROLLBACK, Control, Stage
from kino_backup_tui.core.restore.compare import effects_of, row_changes
from kino_backup_tui.core.restore.first_boot import FirstBoot, rows_at_rest
from kino_backup_tui.core.restore.folders import (
    OLD,
    movability_problem,
    set_folder,
    work_folder,
)
from kino_backup_tui.core.restore.journal import Phase, Record, kept_names, read_record
from kino_backup_tui.core.restore.plan import RestorePlan, Safety, SpaceNeed, State
from kino_backup_tui.core.workspace import workspace_of


@dataclass(frozen=True, slots=True)
class RestoreOptions:
    """What the admin can decide about a restore."""

    safety_backup: bool = True
    """Whether the current state is saved as a pre-restore backup first."""
    health_seconds: float = 180.0
    """How long Kino may take until it is healthy; more while it can be seen to get on."""
    library_missing_ok: bool = False
    """Whether Kino is started even if the library of its database is not there."""


DEFAULT_OPTIONS = RestoreOptions()


def plan_restore(
    context: Context, source: Backup | Path, control: Control, options: RestoreOptions = DEFAULT_OPTIONS
) -> RestorePlan:
    """Read an archive to its end, compare it with Kino as it is, and say what a restore would do.

    Nothing is changed. What forbids the restore is in the plan. Raises what
    `open_source` raises if the archive cannot be read at all, and `OperationCancelledError`.
    """
    return _plan_from_archive(context, source, control, options, RESTORE)


def _plan_from_archive(
    context: Context, source: Backup | Path, control: Control, options: RestoreOptions, operation: str
) -> RestorePlan:
    session = open_session(context)
    path = source.path if isinstance(source, Backup) else source.absolute()
    with (
        run_unlocked(RESTORE, context.clock, control) as job,
        open_source(path) as archive,
    ):
        size = os.fstat(archive.fileno()).st_size
        job.stage(Stage.CHECKING_ARCHIVE, size)
        problem: KinoBackupError | None = None
        examined: Examined | None = None
        known = source.manifest if isinstance(source, Backup) else peek(archive)
        if isinstance(source, Backup) and source.role is not EntryRole.BACKUP:
            problem = refuse_foreign(source.problem, path)
        elif problem is None:
            try:
                with session.workspace.scratch_folder() as scratch:
                    require_room(scratch, expected_bytes(known, size))
                    descriptor = os.open(scratch, os.O_RDONLY | os.O_DIRECTORY)
                    try:
                        examined = examine(archive, context.kino, scratch, descriptor, job, durable=False)
                    finally:
                        os.close(descriptor)
            except ArchiveError as error:
                problem = named(error, path.name)
            except (IncompatibleError, NoSpaceError) as error:
                problem = error
            if examined is not None and examined.layout != context.kino.layout:
                context = context.of_layout(examined.layout)
                session = open_session(context)
        present = look(context, control)
        plan = build_plan(context, session, present, path, examined, options, control, operation=operation)
    if examined is None and isinstance(source, Backup):
        told = State(source.created_at, source.kind, source.kino_version, source.schema_version)
        plan = replace(plan, backup=told)
    return replace(plan, blockers=(problem, *plan.blockers)) if problem else plan


def build_plan(
    context: Context,
    session: Session,
    present: Present,
    source: Path,
    examined: Examined | None,
    options: RestoreOptions,
    control: Control,
    *,
    operation: str = RESTORE,
    job: str = "",
) -> RestorePlan:
    """Put the plan together from what was read; `examined` is None for an archive that cannot be used.

    `job` is the restore that asks, once it has unpacked the archive to where it stays.
    """
    kino = context.kino
    contents = examined.read.contents if examined else ()
    arriving = {content.path.partition("/")[0] for content in contents}
    need = sum(content.size for content in contents)
    plan = _frame(context, session, present, options, job, staged_bytes=0 if job else need)
    warnings = list(plan.warnings)
    blockers = list(plan.blockers)
    space = list(plan.space)
    boot: FirstBoot | None = None
    if examined is not None:
        if (differs := listed_problem(session, source, examined.read)) is not None:
            blockers.append(named(differs, source.name))
        blockers += incompatibilities(examined, present, session, rollback=operation == ROLLBACK)
        if operation != ROLLBACK:
            warnings += edition_remarks(examined, present)
        warnings += remarks(examined, session)
        warnings += path_remarks(examined.rows, present, kino)
        boot = present.first_boot(examined.rows, control)
        staging = work_folder(session.workspace)
        folder = staging if staging.exists() else kino.data_path
        space.insert(0, SpaceNeed("Staging", folder, need, free_bytes(folder)))
        if not job and need > free_bytes(folder):
            blockers.append(no_room("Staging", folder, need))
    plan = replace(
        plan,
        operation=operation,
        source=source,
        arriving=tuple(sorted(arriving)),
        backup=examined.state if examined else State(),
        space=tuple(space),
        changes=setting_changes(context.kino, present, examined) if examined else (),
        warnings=tuple(warnings),
        blockers=tuple(blockers),
        archive_sha256=examined.read.checksum_sha256 if examined else "",
    )
    return with_first_boot(plan, boot, start_anyway=options.library_missing_ok)


def plan_rollback(
    context: Context,
    control: Control,
    options: RestoreOptions = DEFAULT_OPTIONS,
    *,
    earlier: Record | None = None,
    job: str = "",
) -> RestorePlan:
    """Say what going back to the state from before the newest restore would do.

    The files that restore replaced are put back; if they are gone by now, its pre-restore backup is restored.
    `earlier` is that restore, and `job` the rollback that asks, once it has begun.
    Raises `NotFoundError` if there is neither, `BusyError` or `UndecidedError` if the newest
    restore has not ended, `NotPermittedError`, and what `plan_restore` raises.
    """
    workspace = workspace_of(context.kino)
    workspace.require_open()
    record = earlier or read_record(workspace)
    if record is not None and is_vacant(context.kino):
        context = context.of_layout(record.known_layout())
    session = open_session(context)
    if record is None or record.phase is not Phase.CONFIRMED:
        if problem := unsettled_problem(session.workspace, job):
            raise problem
        raise NotFoundError(
            "There is no restore to undo.",
            hint=f"`{command_for(context.kino, 'jobs')}` shows what was done.",
        )
    undoes = "" if record.operation == ROLLBACK else record.source
    if kept := kept_names(session.workspace, record):
        present = look(context, control)
        folder = set_folder(session.workspace, record.transaction, OLD)
        layout = context.kino.layout
        rows = rows_at_rest(folder / layout.database, layout, session.workspace, control.cancel)
        plan = replace(
            _frame(context, session, present, options, job),
            operation=ROLLBACK,
            source=folder,
            changes=row_changes(present.rows, rows),
            arriving=tuple(name for name in kept if not name.startswith(f"{layout.database}-")),
            backup=record.replaced,
            undoes=undoes,
            undone_at=record.since,
        )
        return with_first_boot(
            plan, present.first_boot(rows, control), start_anyway=options.library_missing_ok
        )
    if not (record.leaving or record.way_back):
        raise NotFoundError(f"Before {record.source} was restored, there was nothing to go back to.")
    way_back = next((found for found in session.scan()[0] if found.filename == record.way_back), None)
    if way_back is None:
        raise NotFoundError(
            f"What {record.source} has replaced is gone: its files, and the pre-restore backup, too."
        )
    plan = _plan_from_archive(context, way_back, control, options, ROLLBACK)
    return replace(plan, undoes=undoes, undone_at=record.since)


def _frame(
    context: Context,
    session: Session,
    present: Present,
    options: RestoreOptions,
    job: str,
    staged_bytes: int = 0,
) -> RestorePlan:
    """What is the same whatever arrives: Kino now, its supervisor, the safety backup, the rights.

    `staged_bytes` will be taken by the new set before the safety backup is made.
    """
    kino = context.kino
    safety = assess_safety(context, session, staged_bytes) if options.safety_backup else None
    blockers = [
        problem
        for problem in (
            rights_problem(context, session),
            unsettled_problem(session.workspace, job),
            movability_problem(kino),
            present.supervisor.problem(),
        )
        if problem is not None
    ]
    warnings: list[str] = []
    if safety is not None:
        warnings += safety.warnings
        blockers += [safety.no_room] if safety.no_room else []
    if session.settings_problem is not None and not is_vacant(kino):
        warnings.append(f"{session.settings_problem.message} The restore goes on without these settings.")
    if present.facts is None and os.path.lexists(kino.database) and not is_being_replaced(kino):
        warnings.append(
            f"{kino.database} cannot be read: versions are compared by number, and it is kept as it is."
        )
    if kino.layout.config and kino.config_file.is_symlink():
        warnings.append(f"{kino.config_file} is a link; a file takes its place, and what it leads to stays.")
    names = (kino.layout.database, kino.layout.config, kino.layout.secrets)
    last = restore_in_effect(session)
    return RestorePlan(
        operation=RESTORE,
        source=Path(),
        data_path=kino.data_path,
        replaced=tuple(name for name in names if name and os.path.lexists(kino.data_path / name)),
        arriving=(),
        backup=State(),
        now=present.side,
        supervisor=present.supervisor.name,
        controls=present.supervisor.controls,
        running=present.state.running,
        safety=safety.safety if safety else Safety.NONE,
        safety_location=safety.location if safety else None,
        space=safety.space if safety else (),
        layout=kino.layout.name,
        effects=effects_of(kino.layout),
        warnings=tuple(warnings),
        blockers=tuple(blockers),
        health_seconds=options.health_seconds,
        after=last.transaction if last else "",
    )
