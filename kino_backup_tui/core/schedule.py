"""When scheduled backups are due: pure functions of settings, zone and time.

The slot of a local date is the first instant at which the wall clock reaches or passes the configured time
on that date. A time that a clock change skips is due when the gap ends, one that it repeats is due once, the
first time, as in Debian's cron(8). A date that does not exist in the zone (Apia, 30 December 2011) has no
slot. Weekly means Sunday, monthly the 1st. Instants are computed in UTC: adding a day to a local time is
wrong twice a year.

A slot is due from its instant on until it has been served, or a later one has come: one run makes up for any
number of slots that were missed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo

from kino_backup_tui.core.kino.settings import BackupSettings, Frequency

_SUNDAY = 6
_DAY = timedelta(days=1)
_DAYS_TO_LOOK_AT = 2 * 31 + 3
"""Among so many in a row there are two slots of the rarest schedule, should one fall on a missing date."""
_SAME_SLOT = timedelta(hours=12)
"""Neighbouring slots are 21 hours or more apart, in every zone; what is nearer is the same slot, moved by a
change of the zone or of the time of day."""
CLOCK_ERROR = timedelta(hours=25)
"""What lies further in the future than any slot could has been noted while the clock was wrong."""


def slot_on(day: date, settings: BackupSettings, zone: tzinfo) -> datetime | None:
    """The slot of a local date, aware, in UTC; None if the schedule has none that day."""
    if not _is_slot_day(day, settings.frequency):
        return None
    wall = datetime.combine(day, settings.time)
    first = wall.replace(tzinfo=zone).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == wall:
        return first
    # The clock skipped this time. PEP 495: its first fold lies behind the gap, its second one before it.
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if first - before >= _DAY:
        return None
    return _transition(before, first, zone)


def next_slot(settings: BackupSettings, zone: tzinfo, after: datetime) -> datetime | None:
    """The first slot later than an instant, aware, in UTC; None if nothing is scheduled."""
    # A day earlier than the local date: a slot that a gap moves belongs to the date before its instant.
    day = after.astimezone(zone).date() - _DAY
    for _ in range(_DAYS_TO_LOOK_AT):
        slot = slot_on(day, settings, zone)
        if slot is not None and slot > after:
            return slot
        day += _DAY
    return None


def latest_slot(settings: BackupSettings, zone: tzinfo, at: datetime) -> datetime | None:
    """The last slot not later than an instant, aware, in UTC; None if nothing is scheduled."""
    day = at.astimezone(zone).date() + _DAY
    for _ in range(_DAYS_TO_LOOK_AT):
        slot = slot_on(day, settings, zone)
        if slot is not None and slot <= at:
            return slot
        day -= _DAY
    return None


def next_slots(settings: BackupSettings, zone: tzinfo, after: datetime, count: int) -> tuple[datetime, ...]:
    """The first `count` slots later than an instant; empty if nothing is scheduled."""
    slots: list[datetime] = []
    while len(slots) < count:
        slot = next_slot(settings, zone, slots[-1] if slots else after)
        if slot is None:
            break
        slots.append(slot)
    return tuple(slots)


def due_slot(
    settings: BackupSettings,
    zone: tzinfo,
    now: datetime,
    last_slot: datetime | None,
    served: Iterable[datetime] = (),
) -> datetime | None:
    """The slot to run now, aware, in UTC; None if nothing is due.

    `last_slot` is the slot that was served or given up last, as far as anybody remembers. `served` are the
    instants at which scheduled backups were made: each serves the slot before it, whoever made it, so that a
    lost memory costs nothing. What the clock dates after now says nothing.
    """
    slot = latest_slot(settings, zone, now) if settings.runs else None
    if slot is None:
        return None
    remembered = None if last_slot is None or was_ahead(last_slot, now) else last_slot
    before = (remembered, served_slot(settings, zone, now, served))
    return slot if all(one is None or slot >= one + _SAME_SLOT for one in before) else None


def served_slot(
    settings: BackupSettings, zone: tzinfo, now: datetime, served: Iterable[datetime]
) -> datetime | None:
    """The last slot that backups made at these instants have served; None if there is none."""
    made = max((instant for instant in served if instant <= now), default=None)
    return None if made is None else latest_slot(settings, zone, made)


def was_ahead(noted: datetime, now: datetime) -> bool:
    """Whether an instant can only have been noted while the clock was ahead of what it says now.

    A last slot like that has to be replaced when it is noticed: a day later it would be believed again.
    """
    return noted > now + CLOCK_ERROR


def _is_slot_day(day: date, frequency: Frequency) -> bool:
    if frequency is Frequency.DAILY:
        return True
    if frequency is Frequency.WEEKLY:
        return day.weekday() == _SUNDAY
    return frequency is Frequency.MONTHLY and day.day == 1


def _transition(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """The instant between two at which the offset of the zone changes, to the second."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after
