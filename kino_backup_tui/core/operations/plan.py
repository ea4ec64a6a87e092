"""The plan of a restore: what would happen, what it needs, and everything that forbids it, all at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, NamedTuple

from kino_backup_tui.core.archive.manifest import Manifest, is_raw
from kino_backup_tui.core.archive.peek import peek_manifest
from kino_backup_tui.core.archive.snapshot import live_facts
from kino_backup_tui.core.errors import (
    ArchiveError,
    BusyError,
    IncompatibleError,
    KinoBackupError,
    NoSpaceError,
    NotFoundError,
    NotPermittedError,
    OperationCancelledError,
    ServiceError,
)
from kino_backup_tui.core.files import free_bytes, storage_errors, user_name
from kino_backup_tui.core.jobs.job import run_unlocked
from kino_backup_tui.core.jobs.lock import current_holder
from kino_backup_tui.core.kino.database import DatabaseFacts
from kino_backup_tui.core.kino.home import SIDE_FILES
from kino_backup_tui.core.kino.running import KinoState, observe
from kino_backup_tui.core.kino.toml_file import LARGEST
from kino_backup_tui.core.kino.version import installed_version
from kino_backup_tui.core.models import Backup, EntryRole
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.examine import (
    Examined,
    examine,
    expected_bytes,
    not_saved,
    open_source,
    refuse_foreign,
)
from kino_backup_tui.core.operations.proving import named
from kino_backup_tui.core.operations.safety import assess_safety
from kino_backup_tui.core.operations.session import Session, open_session
from kino_backup_tui.core.operations.space import megabytes
from kino_backup_tui.core.progress import Control, Stage
from kino_backup_tui.core.restore.compare import (
    EFFECTS,
    access_changes,
    incompatibility,
    is_readable_config,
    newer_number,
    newer_version,
)
from kino_backup_tui.core.restore.folders import (
    OLD,
    movability_problem,
    moved_names,
    set_folder,
    work_folder,
)
from kino_backup_tui.core.restore.journal import Phase, Record, is_unsettled, read_record
from kino_backup_tui.core.restore.plan import RestorePlan, Safety, SpaceNeed, State
from kino_backup_tui.core.supervisors.base import Supervisor
from kino_backup_tui.core.supervisors.detect import find_supervisor

RESTORE, ROLLBACK = "restore", "rollback"


@dataclass(frozen=True, slots=True)
class RestoreOptions:
    """What the admin can decide about a restore."""

    safety_backup: bool = True
    """Whether the current state is saved as a pre-restore backup first."""
    health_seconds: float = 180.0
    """How long Kino may take until it is healthy; more while it can be seen to get on."""


DEFAULT_OPTIONS = RestoreOptions()
_LOOK_SECONDS = 3.0
"""How long a lock on the live database may hold up the comparison with it."""


class Present(NamedTuple):
    """Kino as it is before anything is replaced."""

    state: KinoState
    facts: DatabaseFacts | None
    """Of the live database; None if it is not there, or cannot be read."""
    installed: str | None
    """Kino's version, from the running or the installed program."""
    supervisor: Supervisor

    @property
    def side(self) -> State:
        """Its side of the comparison."""
        facts = self.facts
        return State(
            kino_version=self.installed,
            schema_version=facts.schema_version if facts else None,
            tables=facts.tables if facts else None,
        )


def look(context: Context, control: Control) -> Present:
    """Look at Kino, its database and whoever supervises it; changes nothing."""
    state = observe(context.kino)
    try:
        facts: DatabaseFacts | None = live_facts(context.kino.database, control.cancel, _LOOK_SECONDS)
    except OperationCancelledError:
        raise
    except KinoBackupError:
        # Damaged, locked, on a failing disk: it is to be replaced, and need not be readable for that.
        facts = None
    supervisor = find_supervisor(context.kino, os.environ)
    return Present(state, facts, state.version or installed_version(), supervisor)


def plan_restore(
    context: Context, source: Backup | Path, control: Control, options: RestoreOptions = DEFAULT_OPTIONS
) -> RestorePlan:
    """Read an archive to its end, compare it with Kino as it is, and say what a restore would do.

    Nothing is changed. What forbids the restore is in the plan. Raises `NotFoundError`, `LocationError` or
    `NotPermittedError` if the archive cannot be read at all, `OperationCancelledError`.
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
                        examined = examine(archive, context.kino, scratch, descriptor, job)
                    finally:
                        os.close(descriptor)
            except ArchiveError as error:
                problem = named(error, path.name)
            except (IncompatibleError, NoSpaceError) as error:
                problem = error
        present = look(context, control)
        plan = build_plan(context, session, present, path, examined, options, operation=operation)
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
    if examined is not None:
        blockers += _compatibility(examined, present, rollback=operation == ROLLBACK)
        warnings += _remarks(examined, session)
        staging = work_folder(session.workspace)
        folder = staging if staging.exists() else kino.data_path
        space.insert(0, SpaceNeed("Staging", folder, need, free_bytes(folder)))
        if not job and need > free_bytes(folder):
            blockers.append(_no_room("Staging", folder, need))
    return replace(
        plan,
        operation=operation,
        source=source,
        arriving=tuple(sorted(arriving)),
        backup=examined.state if examined else State(),
        space=tuple(space),
        changes=access_changes(_live_config(context), examined.config) if examined else (),
        warnings=tuple(warnings),
        blockers=tuple(blockers),
        archive_sha256=examined.read.checksum_sha256 if examined else "",
    )


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
    Raises `NotFoundError` if there is neither, `BusyError` or `ServiceError` if the newest
    restore has not ended, and what `plan_restore` raises.
    """
    session = open_session(context)
    record = earlier or read_record(session.workspace)
    if record is None or record.phase is not Phase.CONFIRMED:
        if problem := _unsettled_problem(session, job):
            raise problem
        raise NotFoundError(
            "There is no restore to undo.", hint="`kino-backup-tui jobs` shows what was done."
        )
    if kept := previous_names(session, record):
        plan = _frame(context, session, look(context, control), options, job)
        return replace(
            plan,
            operation=ROLLBACK,
            source=set_folder(session.workspace, record.transaction, OLD),
            arriving=tuple(name for name in kept if not name.startswith(f"{context.kino.layout.database}-")),
            backup=record.replaced,
            warnings=(
                *plan.warnings,
                f"What was changed in Kino since {record.source} was restored is lost.",
            ),
        )
    if not (record.leaving or record.way_back):
        raise NotFoundError(f"Before {record.source} was restored, there was nothing to go back to.")
    way_back = next((found for found in session.scan()[0] if found.filename == record.way_back), None)
    if way_back is None:
        raise NotFoundError(
            f"What {record.source} has replaced is gone: its files, and the pre-restore backup, too."
        )
    return _plan_from_archive(context, way_back, control, options, ROLLBACK)


def previous_names(session: Session, record: Record) -> tuple[str, ...]:
    """The files that the newest restore has replaced; none if not all of them are still kept."""
    folder = set_folder(session.workspace, record.transaction, OLD)
    beside = {f"{session.kino.layout.database}{end}" for end in SIDE_FILES}
    if not all(os.path.lexists(folder / name) for name in record.leaving if name not in beside):
        return ()
    # Whoever has opened the database there since may have worked its log into it, or begun another.
    names = moved_names(session.kino.layout)
    return tuple(
        name for name in names if name in {*record.leaving, *beside} and os.path.lexists(folder / name)
    )


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
            _rights_problem(context, session),
            _unsettled_problem(session, job),
            movability_problem(kino),
            present.supervisor.problem(),
        )
        if problem is not None
    ]
    warnings: list[str] = []
    if safety is not None:
        warnings += safety.warnings
        blockers += [safety.no_room] if safety.no_room else []
    if session.settings_problem is not None:
        warnings.append(f"{session.settings_problem.message} The restore goes on without these settings.")
    if present.facts is None and os.path.lexists(kino.database):
        warnings.append(
            f"{kino.database} cannot be read: versions are compared by number, and it is kept as it is."
        )
    if kino.config_file.is_symlink():
        warnings.append(f"{kino.config_file} is a link; a file takes its place, and what it leads to stays.")
    names = (kino.layout.database, kino.layout.config, kino.layout.secrets)
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
        effects=EFFECTS,
        warnings=tuple(warnings),
        blockers=tuple(blockers),
        health_seconds=options.health_seconds,
    )


def _compatibility(examined: Examined, present: Present, *, rollback: bool) -> Iterator[KinoBackupError]:
    manifest = examined.read.manifest
    if is_raw(manifest) and not rollback:
        yield IncompatibleError(
            "This backup keeps a database as it was found, damaged: it can only undo the restore before "
            "which it was made.",
            hint="Choose another backup, or `kino-backup-tui rollback`.",
        )
    problem: KinoBackupError | None
    if rollback or present.facts is None or examined.facts is None:
        # The state from before was this Kino's own; the restored one may be of an older Kino.
        problem = newer_version(manifest.kino_version, present.installed)
    elif examined.facts.migrations and present.facts.migrations:
        problem = incompatibility(examined.facts.migrations, present.facts.migrations, manifest.kino_version)
    else:
        problem = newer_number(manifest.schema_version, present.facts.schema_version or None)
    if problem is not None:
        yield problem


def _remarks(examined: Examined, session: Session) -> Iterator[str]:
    manifest = examined.read.manifest
    if not manifest.contents:
        yield "The archive records no digests: there was nothing to compare its contents with."
    if manifest.instance and manifest.instance != session.workspace.instance():
        yield f"It was made by another installation, on {manifest.host or 'a host that is not named'}."
    for item in not_saved(manifest):
        yield f"{item.path} is not in the backup: {item.reason}."
    if not is_readable_config(examined.config):
        yield "The backup's config.toml is not valid TOML: Kino may refuse to start with it."


def _rights_problem(context: Context, session: Session) -> KinoBackupError | None:
    owner = context.kino.owner.uid
    if session.workspace.fallback:
        return NotPermittedError(
            f"{context.kino.data_path} cannot be written by {user_name()}.",
            hint="Run as root or as Kino's own user; a disk mounted read-only has to be remounted first.",
        )
    if os.geteuid() in (0, owner):
        return None
    return NotPermittedError(
        f"Files in {context.kino.data_path} belong to another user; you are {user_name()}.",
        hint="Run as root or as Kino's own user, for example with sudo.",
    )


def _unsettled_problem(session: Session, job: str) -> KinoBackupError | None:
    try:
        record = read_record(session.workspace)
    except KinoBackupError as error:
        return error
    if record is None or not is_unsettled(record) or record.job == job:
        return None
    what = f"A {record.operation} of {record.source}"
    holder = current_holder(session.workspace)
    if holder is not None and holder.job == record.job:
        return BusyError(
            f"{what} is running, process {holder.pid}.", hint="`kino-backup-tui watch` shows it."
        )
    return ServiceError(
        f"{what} was interrupted and is not settled.",
        hint="`kino-backup-tui apply` finishes or undoes it; then retry.",
    )


def _live_config(context: Context) -> bytes | None:
    try:
        with context.kino.config_file.open("rb") as stream:
            return stream.read(LARGEST + 1)
    except OSError:
        return None


def peek(archive: BinaryIO) -> Manifest | None:
    """What an open archive says of itself at its beginning; what is wrong with it is told when it is read."""
    try:
        return peek_manifest(archive)
    except (ArchiveError, OSError):
        return None
    finally:
        archive.seek(0)


def require_room(folder: Path, size: int) -> None:
    """Raise `NoSpaceError` unless so many bytes can be unpacked there."""
    with storage_errors(folder, "measure the free space of"):
        if free_bytes(folder) < size:
            raise _no_room("Staging", folder, size)


def _no_room(step: str, folder: Path, size: int) -> NoSpaceError:
    free = free_bytes(folder)
    return NoSpaceError(
        f"{step} needs {megabytes(size)} in {folder}; {megabytes(free)} are free.",
        hint="Free space there, then retry.",
    )
