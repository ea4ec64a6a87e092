"""When scheduled backups are due."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kino_backup_tui.core.kino.settings import BackupSettings, Frequency
from kino_backup_tui.core.schedule import latest_slot, next_slot, next_slots, slot_on

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
