"""delete: remove one backup or leftover."""

from __future__ import annotations

from kino_backup_tui.core.errors import BusyError, NotFoundError, UsageError
from kino_backup_tui.core.files import storage_errors, sync_folder
from kino_backup_tui.core.jobs.job import run_job
from kino_backup_tui.core.models import Backup, EntryRole
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.session import open_session
from kino_backup_tui.core.progress import Control, Stage
from kino_backup_tui.core.workspace import is_abandoned


def delete_backup(context: Context, backup: Backup, control: Control) -> None:
    """Remove the file; works on a full disk. The question is the front end's.

    Raises `UsageError` for a foreign file, `NotFoundError`, `BusyError`, `NotPermittedError`.
    """
    if backup.role is EntryRole.FOREIGN:
        raise UsageError(f"{backup.filename} is not a backup.", hint="It is not ours to delete.")
    with run_job(open_session(context).workspace, "delete", context.clock, control) as job:
        job.stage(Stage.DELETING)
        if backup.role is EntryRole.LEFTOVER and not is_abandoned(backup.path):
            raise BusyError(f"{backup.filename} is being written.", hint="Wait for that to end.")
        remove_archive(backup)
        job.message = backup.filename


def remove_archive(backup: Backup) -> None:
    """Unlink an archive and make that durable; raises `NotFoundError` if it is gone, `NotPermittedError`."""
    with storage_errors(backup.path, "delete"):
        try:
            backup.path.unlink()
        except FileNotFoundError as error:
            raise NotFoundError(f"{backup.path} is already gone.") from error
        sync_folder(backup.path.parent)
