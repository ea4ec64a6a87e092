"""What bringing Kino's own list in step has done, as text and as a JSON-ready object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kino_backup_tui.presentation.objects import backup_object
from kino_backup_tui.presentation.shapes import JsonObject

if TYPE_CHECKING:
    from kino_backup_tui.core.operations.reindex import Reindexed


def reindexed_text(done: Reindexed, *, dry_run: bool) -> str:
    """In a sentence."""
    if not done.is_kept:
        return "This Kino keeps no list of backups: the files are all there is to know."
    if not (done.added or done.removed or done.relisted):
        return "Kino's own list is in step with the files."
    parts = {"added": done.added, "removed": done.removed, "changed to manual": done.relisted}
    counts = ", ".join(f"{len(found)} {what}" for what, found in parts.items() if found)
    return f"Of the entries in Kino's own list, {counts}{' (nothing was changed yet)' if dry_run else ''}."


def reindexed_object(done: Reindexed, *, dry_run: bool) -> JsonObject:
    """Backups that were added, names of entries that were removed, and what is left as it was."""
    return {
        "dry_run": dry_run,
        "kept": done.is_kept,
        "added": [backup_object(backup) for backup in done.added],
        "removed": [row.filename for row in done.removed],
        "relisted": [row.filename for row in done.relisted],
        "left": [{"filename": backup.filename, "reason": why} for backup, why in done.left],
    }
