"""How long the files that a restore has replaced are kept, for a way back."""

from __future__ import annotations

from datetime import datetime

from kino_backup_tui.core.restore.folders import OLD, remove_transaction, set_folder, transactions
from kino_backup_tui.core.restore.journal import Record
from kino_backup_tui.core.workspace import Workspace

KEPT_SECONDS = 7 * 24 * 3600
"""Replaced files are kept until the next restore, and at least so long."""


def needless_transactions(workspace: Workspace, record: Record, now: datetime) -> list[str]:
    """The restores whose files nobody can go back to any more, now that the newest one is over."""
    needless = []
    for transaction in transactions(workspace):
        old = set_folder(workspace, transaction, OLD)
        kept = old.is_dir() and any(old.iterdir())
        if transaction == record.transaction and kept:
            continue
        if not kept or now.timestamp() - old.stat().st_mtime > KEPT_SECONDS:
            needless.append(transaction)
    return needless


def remove_needless(workspace: Workspace, record: Record, now: datetime) -> None:
    """Remove them. Best effort."""
    for transaction in needless_transactions(workspace, record, now):
        remove_transaction(workspace, transaction)
