"""The schedule as plain text: what it removes, how its runs fail, what a change of the location moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kino_backup_tui.core.kino.settings import BackupSettings
    from kino_backup_tui.core.operations.failing import Failing
    from kino_backup_tui.core.operations.moving import Left


def removes_text(count: int, keep: int) -> str:
    """What retention will do to backups that were named."""
    what, it = ("This backup is", "it") if count == 1 else (f"These {count} backups are", "them")
    return f"{what} beyond the {keep} scheduled ones that are kept: the next run, or `prune`, removes {it}."


def failing_text(failing: Failing, settings: BackupSettings) -> str:
    """How often scheduled backups have failed, and why: the first words hold how bad it is."""
    return f"{failures_text(failing, settings)}: {failing.message}"


def failures_text(failing: Failing, settings: BackupSettings) -> str:
    """How often scheduled backups have failed, counted in nights if there is one every night."""
    nightly = settings.frequency.value == "daily"
    if failing.nights <= 1:
        return "The last scheduled backup failed"
    return f"Backups have failed for {failing.nights} {'nights' if nightly else 'runs'}"


def counted_text(count: int) -> str:
    """So many backups: "1 backup", "9 backups"."""
    return f"{count:,} backup" + ("" if count == 1 else "s")


def left_text(left: Left) -> str:
    """A backup that was not moved, and why."""
    return f"{left.backup.path}: {left.why}"
