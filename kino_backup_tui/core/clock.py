"""The time of day and the zone of this host, in one replaceable place."""

from __future__ import annotations

import os
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
        return _linked_zone() or _asked_zone()


def _linked_zone() -> tzinfo | None:
    """What /etc/localtime points to (localtime(5)), the answer on nearly every host.

    tzlocal finds the same, but loading it takes a headless verb longer than listing its backups.
    """
    import zoneinfo

    if "TZ" in os.environ:
        return None
    try:
        target = os.readlink("/etc/localtime")  # noqa: PTH115 - a Path would resolve nothing more
        return zoneinfo.ZoneInfo(target.partition("/zoneinfo/")[2])
    except (OSError, ValueError, zoneinfo.ZoneInfoNotFoundError):
        return None


def _asked_zone() -> tzinfo:
    import tzlocal

    return tzlocal.get_localzone()
