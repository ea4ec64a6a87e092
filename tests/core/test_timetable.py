"""A timetable answers by the rules of the Kino it is for."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kino_backup_tui.core.kino.home import DOCUMENTED, KINO_0_3, Kino
from kino_backup_tui.core.kino.settings import BackupSettings, Frequency
from kino_backup_tui.core.shipped_timetable import ShippedTimetable
from kino_backup_tui.core.timetable import Timetable, timetable

ZONE = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 4, 27, 12, tzinfo=UTC)
WINDOW = datetime(2026, 4, 27, 3, tzinfo=UTC)
DAILY = BackupSettings()
DAY = timedelta(days=1)


def documented() -> Timetable:
    """The timetable of a Kino as documented, on a host in Berlin."""
    return timetable(Kino(Path("/kino"), DOCUMENTED), ZONE, lambda: ())


def test_the_same_settings_are_local_time_to_one_kino_and_utc_to_the_other() -> None:
    """03:00 in Berlin is 01:00 of UTC in summer."""
    for layout, hour, zone in ((DOCUMENTED, 1, ZONE), (KINO_0_3, 3, UTC)):
        table = timetable(Kino(Path("/kino"), layout), ZONE, lambda: ())
        (run,) = table.next_runs(DAILY, NOON, 1)
        assert run == datetime(2026, 4, 28, hour, tzinfo=UTC)
        assert table.terms(DAILY).zone is zone


def test_a_window_that_was_given_up_is_not_tried_again() -> None:
    """The next one is."""
    table = ShippedTimetable(lambda: ())
    assert table.due(DAILY, NOON, None) == WINDOW
    assert table.due(DAILY, NOON, WINDOW) is None
    assert table.due(DAILY, NOON + DAY, WINDOW) == WINDOW + DAY


def test_weekly_what_was_served_by_us_counts_though_its_archive_is_gone() -> None:
    """Six days from the slot that is remembered."""
    weekly = BackupSettings(frequency=Frequency.WEEKLY)
    table = ShippedTimetable(lambda: ())
    assert [table.due(weekly, NOON + days * DAY, WINDOW) is not None for days in range(8)] == [
        *[False] * 6,
        True,
        True,
    ]


def test_a_slot_or_a_backup_of_the_future_says_nothing() -> None:
    """It was noted while the clock was wrong; Kino itself waits for it, and the next run says so."""
    future = NOON + 30 * DAY
    table = ShippedTimetable(lambda: (future,))
    assert table.due(DAILY, NOON, future, [future]) == WINDOW
    assert table.next_runs(DAILY, NOON, 1) == (datetime(2026, 5, 29, 3, tzinfo=UTC),)


def test_a_backup_in_kinos_list_serves_as_one_in_the_location_does() -> None:
    """Each serves the window before it."""
    made = WINDOW + timedelta(minutes=1)
    assert ShippedTimetable(lambda: (made,)).due(DAILY, NOON, None) is None
    assert ShippedTimetable(lambda: ()).due(DAILY, NOON, None, [made]) is None
    assert ShippedTimetable(lambda: ()).served_slot(DAILY, NOON, [made]) == WINDOW
    assert ShippedTimetable(lambda: ()).served_slot(DAILY, NOON, [NOON + DAY]) is None


def test_a_backup_made_this_very_instant_serves_its_window() -> None:
    """No second one is due in the same second."""
    for table, made in ((ShippedTimetable(lambda: (NOON,)), []), (ShippedTimetable(lambda: ()), [NOON])):
        assert table.due(DAILY, NOON, None, made) is None
    assert ShippedTimetable(lambda: ()).served_slot(DAILY, NOON, [NOON]) == WINDOW


def test_as_documented_what_is_due_and_served_goes_by_the_local_day() -> None:
    """The newest slot, until it is remembered as served or a backup was made behind it."""
    table, slot = documented(), datetime(2026, 4, 27, 1, tzinfo=UTC)
    before, behind = slot - timedelta(minutes=1), slot + timedelta(minutes=1)
    assert table.due(DAILY, NOON, None) == slot
    assert table.due(DAILY, NOON, slot - DAY, [before]) == slot
    assert table.due(DAILY, NOON, slot) is None
    assert table.due(DAILY, NOON, None, [behind]) is None
    assert table.served_slot(DAILY, NOON, [before]) == slot - DAY
    assert table.served_slot(DAILY, NOON, [before, behind, NOON + DAY]) == slot
    assert table.served_slot(DAILY, NOON, []) is None


def test_what_is_switched_off_has_no_runs() -> None:
    """By either timetable, whatever the preset says."""
    off = BackupSettings(enabled=False)
    for table in (documented(), ShippedTimetable(lambda: ())):
        assert table.next_runs(off, NOON, 3) == ()
        assert table.due(off, NOON, None) is None


def test_kinos_weekly_and_monthly_are_distances() -> None:
    """As documented they are days."""
    assert documented().terms(DAILY).apart == {}
    assert ShippedTimetable(lambda: ()).terms(DAILY).apart == {
        Frequency.WEEKLY: 6 * DAY,
        Frequency.MONTHLY: 28 * DAY,
    }


REMARKS = [
    (DAILY, ()),
    (BackupSettings(time=time(23, 0)), ()),
    (BackupSettings(time=time(23, 30)), ("Kino tries for 30 min only: until midnight UTC.",)),
    (
        BackupSettings(frequency=Frequency.WEEKLY),
        ("Kino's weekly is every 6 days, so the weekday moves.",),
    ),
    (
        BackupSettings(frequency=Frequency.MONTHLY),
        ("Kino's monthly is every 28 days, so the day of it moves.",),
    ),
    (
        BackupSettings(enabled=False, time=time(23, 30)),
        ("Kino does not look at Enabled: its schedule is set to off.",),
    ),
]


@pytest.mark.parametrize(("preset", "remarks"), REMARKS)
def test_what_kino_does_otherwise_than_one_thinks_is_said(
    preset: BackupSettings, remarks: tuple[str, ...]
) -> None:
    """A late time leaves less than an hour; a preset is a number of days; off is off."""
    assert ShippedTimetable(lambda: ()).terms(preset).remarks == remarks
