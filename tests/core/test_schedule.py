"""When scheduled backups are due."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kino_backup_tui.core.kino.settings import BackupSettings, Frequency
from kino_backup_tui.core.schedule import (
    CLOCK_ERROR,
    due_slot,
    latest_slot,
    next_slot,
    next_slots,
    slot_on,
    was_ahead,
)

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu", "UTC"]


def daily(text: str) -> BackupSettings:
    """Every day at a time."""
    return BackupSettings(time=time.fromisoformat(text))


TABLE = [
    ("an ordinary night", "Europe/Berlin", "2026-04-26", "03:00", "2026-04-26T01:00:00"),
    ("skipped: when the gap ends", "Europe/Berlin", "2026-03-29", "02:30", "2026-03-29T01:00:00"),
    ("the first minute behind the gap", "Europe/Berlin", "2026-03-29", "03:00", "2026-03-29T01:00:00"),
    ("repeated: the first time", "Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T00:30:00"),
    ("a gap of half an hour", "Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03T15:30:00"),
    ("a gap at midnight", "Africa/Cairo", "2026-04-24", "00:00", "2026-04-23T22:00:00"),
    ("a date that does not exist", "Pacific/Apia", "2011-12-30", "03:00", None),
]


@pytest.mark.parametrize(
    ("zone", "day", "at", "slot"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_the_slot_of_a_day(zone: str, day: str, at: str, slot: str | None) -> None:
    """Ordinary nights, gaps, folds and a missing day."""
    found = slot_on(date.fromisoformat(day), daily(at), ZoneInfo(zone))

    assert found == (datetime.fromisoformat(slot).replace(tzinfo=UTC) if slot else None)


def test_the_end_of_a_gap_is_found_to_the_second() -> None:
    """Whichever minute of the hour is skipped, it is due at three."""
    slots = {slot_on(date(2026, 3, 29), daily(f"02:{minute:02}"), BERLIN) for minute in range(60)}

    assert slots == {datetime(2026, 3, 29, 1, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("process", "asked", "at", "slot"),
    [
        ("Pacific/Kiritimati", "Pacific/Pago_Pago", "23:45", datetime(2026, 4, 26, 10, 45, tzinfo=UTC)),
        ("Pacific/Pago_Pago", "Pacific/Kiritimati", "00:15", datetime(2026, 4, 26, 10, 15, tzinfo=UTC)),
    ],
)
def test_the_zone_of_the_process_does_not_matter(
    process_zone: Callable[[str], None], process: str, asked: str, at: str, slot: datetime
) -> None:
    """Only the one that is asked about does, though its date is two days away."""
    process_zone(process)
    zone = ZoneInfo(asked)
    in_a_gap = slot_on(date(2026, 3, 29), daily("02:30"), BERLIN)

    found = [next_slot(daily(at), zone, slot - timedelta(minutes=1)), latest_slot(daily(at), zone, slot)]

    assert found == [slot, slot]
    assert [each.tzinfo for each in (*found, in_a_gap) if each] == [UTC, UTC, UTC]


def test_the_next_slots_are_as_many_as_asked_for() -> None:
    """Each the next after the one before it."""
    first = datetime(2026, 4, 26, 1, tzinfo=UTC)

    found = next_slots(daily("03:00"), BERLIN, first - timedelta(seconds=1), 3)

    assert found == (first, first + timedelta(days=1), first + timedelta(days=2))


SLOT = datetime(2026, 4, 26, 1, tzinfo=UTC)
NIGHTLY = daily("03:00")


@pytest.mark.parametrize(("hours", "minutes", "due"), [(12, 0, True), (11, 59, False)])
def test_a_slot_is_another_one_from_twelve_hours_on(hours: int, minutes: int, due: bool) -> None:
    """Nearer ones are the same, moved by a change of the time of day."""
    before = SLOT - timedelta(hours=hours, minutes=minutes)

    assert due_slot(NIGHTLY, BERLIN, SLOT, before) == (SLOT if due else None)


def test_a_remembered_slot_of_the_far_future_says_nothing() -> None:
    """It was noted while the clock was wrong, and must not put off the backups until then."""
    assert due_slot(NIGHTLY, BERLIN, SLOT, SLOT + timedelta(days=400)) == SLOT


def test_a_backup_made_this_very_instant_serves_its_slot() -> None:
    """No second one is due in the same second."""
    assert due_slot(NIGHTLY, BERLIN, SLOT, None, [SLOT]) is None


def test_an_instant_was_ahead_if_no_slot_could_be_that_far_away() -> None:
    """That far away exactly, one could be."""
    assert not was_ahead(SLOT + CLOCK_ERROR, SLOT)
    assert was_ahead(SLOT + CLOCK_ERROR + timedelta(seconds=1), SLOT)


def test_weekly_is_sunday_and_monthly_the_first() -> None:
    """Only those days have a slot."""
    weekly, monthly = BackupSettings(frequency=Frequency.WEEKLY), BackupSettings(frequency=Frequency.MONTHLY)
    days = [date(2026, 3, 1) + timedelta(days=n) for n in range(61)]

    assert {day.isoweekday() for day in days if slot_on(day, weekly, BERLIN)} == {7}
    assert [day for day in days if slot_on(day, monthly, BERLIN)] == [date(2026, 3, 1), date(2026, 4, 1)]


def test_off_has_no_slots() -> None:
    """Neither a next nor a latest one."""
    off = BackupSettings(frequency=Frequency.OFF)
    now = datetime(2026, 4, 26, tzinfo=UTC)

    assert (next_slot(off, BERLIN, now), latest_slot(off, BERLIN, now), next_slots(off, BERLIN, now, 5)) == (
        None,
        None,
        (),
    )


INSTANTS = st.integers(0, 25 * 366 * 86400).map(
    lambda second: datetime(2010, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
)


@given(
    instant=INSTANTS,
    zone=st.sampled_from(ZONES),
    minutes=st.integers(0, 1439),
    frequency=st.sampled_from([Frequency.DAILY, Frequency.WEEKLY, Frequency.MONTHLY]),
)
def test_next_and_latest_enclose_any_instant(
    instant: datetime, zone: str, minutes: int, frequency: Frequency
) -> None:
    """The latest slot is not later, the next one is, and there is none between them."""
    settings = BackupSettings(frequency=frequency, time=time(minutes // 60, minutes % 60))
    place = ZoneInfo(zone)

    before, after = latest_slot(settings, place, instant), next_slot(settings, place, instant)

    assert before is not None
    assert after is not None
    assert before <= instant < after
    assert next_slot(settings, place, before) == after
    assert latest_slot(settings, place, after) == after


@given(instant=INSTANTS, zone=st.sampled_from(ZONES), minutes=st.integers(0, 1439))
def test_daily_slots_are_about_a_day_apart(instant: datetime, zone: str, minutes: int) -> None:
    """Across every change of the clock, 21 to 27 hours; two days where a date does not exist."""
    slots = next_slots(BackupSettings(time=time(minutes // 60, minutes % 60)), ZoneInfo(zone), instant, 10)
    gaps = [later - earlier for earlier, later in pairwise(slots)]

    assert all(
        timedelta(hours=21) <= gap <= timedelta(hours=27) or gap == timedelta(days=1) * 2 for gap in gaps
    )
