"""show: everything known of one backup."""

from __future__ import annotations

from kino_backup_tui.core.models import Backup
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.listing import complete
from kino_backup_tui.core.operations.session import open_session
from kino_backup_tui.core.progress import Control


def show_backup(context: Context, backup: Backup, control: Control) -> Backup:
    """Return the backup with its manifest read, however far inside the archive that is.

    Raises `OperationCancelledError`; an archive that proves damaged is returned as such.
    """
    if not backup.needs_reading:
        return backup
    return complete(open_session(context), backup, lambda _count: control.cancel.raise_if_cancelled())
