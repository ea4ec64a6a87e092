"""prune: apply retention."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import datetime

from kino_backup_tui.core.archive.verify import read_archive
from kino_backup_tui.core.catalog.dates import known_dates
from kino_backup_tui.core.catalog.retention import counted, is_of_another_installation, removable
from kino_backup_tui.core.errors import ArchiveError
from kino_backup_tui.core.files import open_regular, storage_errors
from kino_backup_tui.core.jobs.job import Job, run_job
from kino_backup_tui.core.models import Backup, BackupStatus
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.delete import remove_archive
from kino_backup_tui.core.operations.indexing import strike
from kino_backup_tui.core.operations.proving import named
from kino_backup_tui.core.operations.session import Session, open_session
from kino_backup_tui.core.progress import Control, Stage


@dataclass(frozen=True, slots=True)
class Pruned:
    """What retention removed, or would remove."""

    removed: tuple[Backup, ...]
    counted: int
    """Scheduled backups that retention counted, the removed ones included."""
    keep: int
    note: str = ""
    """Why nothing could be removed, or what was left undone, if the admin should know."""


def prune(context: Context, control: Control, *, dry_run: bool = False) -> Pruned:
    """Remove scheduled backups beyond `keep`, oldest first; the newest verified one is re-read before.

    Raises `InvalidSettingsError` (the rule must be known), `LocationError`, `ArchiveDamagedError` if the
    newest verified backup does not read back, `BusyError`, `OperationCancelledError`.
    """
    session = open_session(context)
    session.require_settings()
    if dry_run:
        return _plan(session, context.clock.now())[0]
    with run_job(session.workspace, "prune", context.clock, control) as job:
        session = open_session(context)
        session.require_settings()
        pruned = apply_retention(session, job, context.clock.now())
        job.message = f"{len(pruned.removed)} removed"
        return pruned


def apply_retention(session: Session, job: Job, now: datetime, *, proven: Backup | None = None) -> Pruned:
    """The same inside a job that is already running, with the settings of the session.

    `proven` was made and read back by this very job: it stays, whatever dates others have, and is not read
    once more. Raises what `prune` raises.
    """
    plan, newest = _plan(session, now)
    if proven is not None:
        plan = replace(plan, removed=tuple(b for b in plan.removed if b.path != proven.path))
    if plan.removed and newest is not None and (proven is None or newest.path != proven.path):
        _read_again(session, newest, job)
    job.stage(Stage.DELETING)
    gone: list[Backup] = []
    try:
        for backup in plan.removed:
            job.cancel.raise_if_cancelled()
            remove_archive(backup)
            gone.append(backup)
    finally:
        warnings = strike(session, gone)
    return replace(plan, note=" ".join((plan.note, *warnings)).strip())


def _plan(session: Session, now: datetime) -> tuple[Pruned, Backup | None]:
    """What to remove, and the newest of those that stay."""
    backups, problem = session.scan()
    # Another disk at that place is no base for removing anything, be it as full of backups as it may.
    problem = problem or session.location_problem()
    if problem is not None:
        raise problem
    instance = session.workspace.instance()
    keep = session.settings.keep
    dates = known_dates(session.workspace, now)
    ours = counted(backups, instance, dates)
    others = sum(is_of_another_installation(backup, instance) for backup in backups)
    note = (
        f"{others} scheduled backups stay: they were made by another installation, or before this one's id "
        "was lost with the working folder."
        if others
        else ""
    )
    plan = Pruned(tuple(removable(backups, instance, keep, dates)), len(ours), keep, note)
    return plan, ours[0] if ours else None


def _read_again(session: Session, newest: Backup, job: Job) -> None:
    """Nothing is removed on the strength of a backup that has gone bad since it was verified."""
    job.stage(Stage.READING_BACK, newest.size_bytes)
    with storage_errors(newest.path, "read"), open_regular(newest.path) as archive:
        read = os.fstat(archive.fileno())
        try:
            read_archive(archive, job.advance)
        except ArchiveError as error:
            session.remember(
                newest.path, read, BackupStatus.DAMAGED, manifest=newest.manifest, problem=error.message
            )
            raise named(error, newest.filename) from error
