"""When and why the sample's Kino made a backup, and what has happened to some of them since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from kino_backup_tui.core.clock import Clock
from kino_backup_tui.core.models import BackupKind


@dataclass(frozen=True, slots=True)
class Occasion:
    """A backup of the past."""

    at: datetime
    kind: BackupKind
    kino_version: str
    damaged: bool = False
    lost: bool = False
    """Whether somebody has deleted its archive."""


def evening(today: date, days_ago: int, at: time, clock: Clock) -> datetime:
    """A time of the wall clock so many days ago, in UTC."""
    return datetime.combine(today - timedelta(days=days_ago), at, tzinfo=clock.zone()).astimezone(UTC)


def damage(archive: Path) -> None:
    """Turn some bytes in the middle over, as a failing disk does."""
    with archive.open("r+b") as stream:
        middle = archive.stat().st_size // 2
        stream.seek(middle)
        worn = bytes(byte ^ 0xFF for byte in stream.read(64))
        stream.seek(middle)
        stream.write(worn)
