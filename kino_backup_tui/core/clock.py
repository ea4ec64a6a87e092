"""The time of day and the zone of this host, in one replaceable place."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple, Protocol

_SETTLING_SECONDS = 30 * 60
_TIMEX_BYTES = 512
"""More than `struct timex` takes on any architecture."""
_TIME_ERROR = 5
"""What adjtimex(2) returns while the clock is not synchronised."""


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
        """The zone of this host; `str()` of it is the IANA name, or the rule that TZ gives instead of one."""
        wanted = os.environ.get("TZ")
        return (_wanted_zone(wanted) if wanted else None) or _host_zone()

    def settled(self) -> bool:
        """Whether the time can be relied on: false while a host that has just booted waits to be told it.

        A small board without a battery begins in the past. One that is still not told after half an hour
        never will be, and has to do with what it has.
        """
        return _uptime_seconds() > _SETTLING_SECONDS or not _is_unsynchronised()


class FixedClock(NamedTuple):
    """A clock that stands still: a given instant in place of the current one."""

    instant: datetime
    place: tzinfo

    def now(self) -> datetime:
        """That instant, in UTC."""
        return self.instant.astimezone(UTC)

    def zone(self) -> tzinfo:
        """The zone it was given."""
        return self.place


def is_settled(clock: Clock) -> bool:
    """Whether a clock can be relied on; only that of the machine can be yet to be set."""
    return not isinstance(clock, SystemClock) or clock.settled()


def zone_problem() -> str:
    """Why the zone is not the one TZ asks for, as a sentence; empty if it is."""
    wanted = os.environ.get("TZ")
    if not wanted or _wanted_zone(wanted) is not None:
        return ""
    return f"TZ is {wanted!r}, which is no time zone here: times are in {_host_zone()}."


class _LibraryZone(tzinfo):
    """The zone of this process as the C library has it, which alone reads the rules of tzset(3)."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __str__(self) -> str:
        return self._name

    def fromutc(self, dt: datetime) -> datetime:
        """The local time of an instant, with the fold of PEP 495."""
        instant = dt.replace(tzinfo=UTC, microsecond=0)
        # Naive, so that Python asks the C library.
        local = datetime.fromtimestamp(instant.timestamp())  # noqa: DTZ006
        return local.replace(microsecond=dt.microsecond, tzinfo=self)

    def utcoffset(self, dt: datetime | None) -> timedelta | None:
        """The offset at a local time, which its fold makes unique."""
        if dt is None:
            return None
        wall = dt.replace(tzinfo=None, microsecond=0)
        return wall - datetime.fromtimestamp(wall.timestamp(), UTC).replace(tzinfo=None)

    def dst(self, dt: datetime | None) -> timedelta | None:
        """Not known."""
        return None

    def tzname(self, dt: datetime | None) -> str:
        """The name, at any time."""
        return self._name


def _wanted_zone(wanted: str) -> tzinfo | None:
    """What TZ asks for: the name or file of a zone, or a rule in POSIX's words; None for anything else."""
    import re

    found = _found_zone()
    if found is not None:
        return found
    name = "[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>"
    span = "[+-]?[0-9]{1,3}(?::[0-9]{2}){0,2}"
    rule = f"(?:{name}){span}(?:(?:{name})(?:{span})?(?:,[0-9MJ.,:/+-]+)?)?"
    wanted = wanted.removeprefix(":")
    return _LibraryZone(wanted) if re.fullmatch(rule, wanted) else None


def _host_zone() -> tzinfo:
    """The zone of the host itself, whatever TZ says."""
    linked = _linked_zone()
    if linked is not None:
        return linked
    if os.environ.get("TZ"):
        return UTC  # nothing can be asked any more: both tzlocal and the C library go by TZ
    return _found_zone() or _LibraryZone("/".join(dict.fromkeys(time.tzname)))


def _linked_zone() -> tzinfo | None:
    """What /etc/localtime points to (localtime(5)), the answer on nearly every host.

    tzlocal finds the same, but loading it takes a headless verb longer than listing its backups.
    """
    import zoneinfo

    try:
        target = os.readlink("/etc/localtime")  # noqa: PTH115 - a Path would resolve nothing more
        return zoneinfo.ZoneInfo(target.partition("/zoneinfo/")[2])
    except (OSError, ValueError, zoneinfo.ZoneInfoNotFoundError):
        return None


def _found_zone() -> tzinfo | None:
    """What tzlocal finds: in TZ if it is set, else in the places that distributions have for it."""
    import zoneinfo

    import tzlocal

    try:
        return tzlocal.get_localzone()
    except (OSError, ValueError, zoneinfo.ZoneInfoNotFoundError):
        return None


def _uptime_seconds() -> float:
    """How long the host has been running, the time it slept not counted; monotonic time begins at boot."""
    return time.monotonic() if sys.platform == "linux" else float("inf")


def _is_unsynchronised() -> bool:
    """Whether the kernel says that nobody has set its clock; not known counts as no."""
    import ctypes

    try:
        adjtimex = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return False
    # All zero: it is asked, and not told anything, which needs no right.
    return bool(adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)) == _TIME_ERROR)
