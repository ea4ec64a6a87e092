"""A timetable answers by the rules of the Kino it is for."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from kino_backup_tui.core.kino.home import DOCUMENTED, KINO_0_3, Kino
from kino_backup_tui.core.kino.settings import BackupSettings, Frequency
from kino_backup_tui.core.shipped_timetable import ShippedTimetable
from kino_backup_tui.core.timetable import timetable

ZONE = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 4, 27, 12, tzinfo=UTC)
WINDOW = datetime(2026, 4, 27, 3, tzinfo=UTC)
DAILY = BackupSettings()
DAY = timedelta(days=1)


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


def test_what_kino_does_otherwise_than_one_thinks_is_said() -> None:
    """A late time leaves less than an hour; a preset is a number of days; off is off."""
    terms = ShippedTimetable(lambda: ()).terms
    assert terms(DAILY).remarks == ()
    assert "30 min only" in " ".join(terms(BackupSettings(time=time(23, 30))).remarks)
    assert "every 28 days" in " ".join(terms(BackupSettings(frequency=Frequency.MONTHLY)).remarks)
    assert "Enabled" in " ".join(terms(BackupSettings(enabled=False)).remarks)
