"""delete: remove one backup or leftover."""

from __future__ import annotations

import os

from kino_backup_tui.core.errors import BusyError, NotFoundError, UsageError
from kino_backup_tui.core.files import storage_errors, sync_folder
from kino_backup_tui.core.jobs.job import run_job
from kino_backup_tui.core.kino.index import index_of
from kino_backup_tui.core.models import Backup, EntryRole
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.indexing import strike
from kino_backup_tui.core.operations.session import Session, open_session
from kino_backup_tui.core.progress import Control, Stage
from kino_backup_tui.core.workspace import is_abandoned, workspace_of


def delete_backup(context: Context, backup: Backup, control: Control) -> tuple[str, ...]:
    """Remove the file; works on a full disk. The question is the front end's. Returns what to warn of.

    Of a backup without a file, what goes is its entry in Kino's own list.
    Raises `UsageError` for a foreign file, `NotFoundError`, `BusyError`, `NotPermittedError`.
    """
    if backup.role is EntryRole.FOREIGN:
        raise UsageError(f"{backup.filename} is not a backup.", hint="It is not ours to delete.")
    with run_job(workspace_of(context.kino), "delete", context.clock, control) as job:
        session = open_session(context)
        job.stage(Stage.DELETING)
        job.message = backup.filename
        if backup.role is EntryRole.MISSING:
            _forget(session, backup)
            return ()
        if backup.role is EntryRole.LEFTOVER and not is_abandoned(backup.path):
            raise BusyError(f"{backup.filename} is being written.", hint="Wait for that to end.")
        remove_archive(backup)
        return () if backup.role is EntryRole.LEFTOVER else strike(session, [backup])


def remove_archive(backup: Backup) -> None:
    """Unlink an archive and make that durable; raises `NotFoundError` if it is gone, `NotPermittedError`."""
    with storage_errors(backup.path, "delete"):
        try:
            backup.path.unlink()
        except FileNotFoundError as error:
            raise NotFoundError(f"{backup.path} is already gone.") from error
        sync_folder(backup.path.parent)


def _forget(session: Session, backup: Backup) -> None:
    if os.path.lexists(backup.path):
        raise BusyError(f"{backup.path} is there again.", hint="Look at the list again.")
    index_of(session.kino).forget([backup.filename])
