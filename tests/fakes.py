"""The one thing that is faked: the time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo


@dataclass
class FakeClock:
    """A clock that stands still until it is told to move."""

    instant: datetime = datetime(2026, 4, 26, 9, 0, tzinfo=UTC)
    place: str = "Europe/Berlin"

    def now(self) -> datetime:
        """The instant it was set to."""
        return self.instant

    def zone(self) -> tzinfo:
        """The zone it was set to."""
        return ZoneInfo(self.place)

    def advance(self, **span: float) -> None:
        """Move forward, as `timedelta(**span)` says."""
        self.instant += timedelta(**span)
