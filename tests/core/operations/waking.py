"""What the tests of run-due share: the clock in words, night after night, and what is in the location."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.operations.run_due import DueRun
from tests.core.archive.archives import honest
from tests.fakes import FakeClock


def archives(kino: Kino) -> list[str]:
    """Names of the archives, oldest first."""
    return sorted(path.name for path in kino.default_location.glob("kino-backup-*"))


def at(clock: FakeClock, text: str) -> None:
    """Set the clock, in Berlin's local time."""
    clock.instant = datetime.fromisoformat(text).replace(tzinfo=clock.zone()).astimezone(UTC)


def by_kino(location: Path, local: str) -> None:
    """A scheduled archive as Kino itself makes them: it does not say of which installation."""
    day, time = local.split("T")
    created = f"{day}T{time.replace('-', ':')}+02:00"
    archive = location / f"kino-backup-scheduled-{local}-v0.4.2.tar.gz"
    archive.write_bytes(honest(kind="scheduled", created_at=created))


def nights(wake: Callable[[], DueRun], clock: FakeClock, count: int) -> list[DueRun]:
    """So many nights, one after the other."""
    runs = []
    for _ in range(count):
        runs.append(wake())
        clock.advance(days=1)
    return runs
