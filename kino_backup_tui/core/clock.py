"""The time of day and the zone of this host, in one replaceable place."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Protocol


class Clock(Protocol):
    """What the core asks for the time."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        ...

    def zone(self) -> tzinfo:
        """The zone of this host; `str()` of it is the IANA name."""
        ...


class SystemClock:
    """The clock and zone of the machine."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        return datetime.now(UTC)

    def zone(self) -> tzinfo:
        """The zone of this host; `str()` of it is the IANA name."""
        # Imported here: the zone database costs a headless verb more than all else it loads.
        import tzlocal

        return tzlocal.get_localzone()
