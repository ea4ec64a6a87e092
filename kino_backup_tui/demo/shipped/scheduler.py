"""When Kino 0.3 makes a scheduled backup: in UTC, within an hour, and whatever its "Enabled" says."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.demo.shipped.backing_up import back_up

_LEAST_APART = {"daily": timedelta(hours=23), "weekly": timedelta(days=6), "monthly": timedelta(days=28)}
_WINDOW_MINUTES = 60
_WARNING = 3
_LOG = "INSERT INTO log_entry (ts_us, level, target, message) VALUES (?, ?, 'kino::backup', ?)"


def is_due(connection: sqlite3.Connection, now: datetime) -> bool:
    """Whether Kino would start a scheduled backup in this minute."""
    preset, at = connection.execute(
        "SELECT lower(trim(backup_schedule)), trim(backup_time) FROM config WHERE id = 1"
    ).fetchone()
    try:
        target = datetime.strptime(at, "%H:%M").replace(tzinfo=UTC)
    except ValueError:
        return False
    now = now.astimezone(UTC)
    minutes = 60 * (now.hour - target.hour) + now.minute - target.minute
    if preset not in _LEAST_APART or not 0 <= minutes < _WINDOW_MINUTES:
        return False
    (last,) = connection.execute("SELECT max(created_at) FROM backup WHERE kind = 'scheduled'").fetchone()
    return last is None or now - datetime.fromisoformat(last) >= _LEAST_APART[preset]


def run_if_due(connection: sqlite3.Connection, data_path: Path, version: str, now: datetime) -> bool:
    """Make the scheduled backup if one is due; True if there is a new one.

    A failure is a line in the log and nothing more: the next minute is the next attempt.
    """
    try:
        if not is_due(connection, now):
            return False
        back_up(connection, data_path, BackupKind.SCHEDULED, version, now)
    except (OSError, sqlite3.Error) as error:
        connection.execute(_LOG, (int(now.timestamp() * 1e6), _WARNING, f"scheduled backup failed: {error}"))
        return False
    return True
