"""When Kino 0.3 runs, and what it has missed: against a Kino that looks at its clock once a minute.

That Kino is written down here a second time, by hours and minutes, so that the rule is not compared with
itself.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kino_backup_tui.core.kino.settings import BackupSettings, Frequency
from kino_backup_tui.core.shipped_schedule import (
    PATIENCE,
    last_window,
    missed_window,
    next_run,
    next_runs,
    window_on,
)

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
QUARTER = timedelta(minutes=15)
START = datetime(2026, 4, 26, tzinfo=UTC)
SECONDS_APART = {"daily": 23 * 3600, "weekly": 6 * 86400, "monthly": 28 * 86400}

PRESETS = st.sampled_from([Frequency.DAILY, Frequency.WEEKLY, Frequency.MONTHLY])
TIMES = st.times().map(lambda at: at.replace(second=0, microsecond=0))
INSTANTS = st.integers(0, 40 * 24 * 60).map(lambda minutes: START + minutes * MINUTE)


def schedule(frequency: Frequency, at: time = time(3, 0)) -> BackupSettings:
    """The settings of a preset."""
    return BackupSettings(frequency=frequency, time=at)


def kino_begins(preset: BackupSettings, now: datetime, newest: datetime | None) -> bool:
    """The rule by hours and minutes."""
    passed = now.hour * 60 + now.minute - (preset.time.hour * 60 + preset.time.minute)
    if not 0 <= passed < 60:
        return False
    return newest is None or (now - newest).total_seconds() >= SECONDS_APART[preset.frequency.value]


@settings(deadline=None, max_examples=40)
@given(PRESETS, TIMES, INSTANTS, st.none() | INSTANTS)
def test_the_next_run_is_the_first_look_that_begins_one(
    frequency: Frequency, at: time, after: datetime, newest: datetime | None
) -> None:
    """Minute by minute until then."""
    preset, now = schedule(frequency, at), after + MINUTE
    run = next_run(preset, after, newest)
    while not kino_begins(preset, now, newest):
        now += MINUTE
    assert run == now


@pytest.mark.parametrize(
    ("frequency", "days"),
    [(Frequency.DAILY, [27, 28, 29]), (Frequency.WEEKLY, [27, 33, 39]), (Frequency.MONTHLY, [27, 55, 83])],
)
def test_weekly_is_every_six_days_and_monthly_every_28(frequency: Frequency, days: list[int]) -> None:
    """From the first window after the schedule is switched on, whatever the day."""
    runs = next_runs(schedule(frequency), START + 5 * timedelta(hours=1), None, 3)
    first = datetime(2026, 4, 1, 3, tzinfo=UTC)
    assert runs == tuple(first + (day - 1) * DAY for day in days)


def test_the_clock_is_that_of_utc() -> None:
    """Whatever the zone of the instant that is asked about."""
    berlin = datetime(2026, 4, 26, 3, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    assert next_run(schedule(Frequency.DAILY), berlin, None) == datetime(2026, 4, 26, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("process", "at"), [("Pacific/Kiritimati", time(12, 30)), ("Pacific/Pago_Pago", time(3, 0))]
)
def test_the_zone_of_the_process_does_not_matter(
    process_zone: Callable[[str], None], process: str, at: time
) -> None:
    """Where the date is another one than that of UTC, the window is still that of UTC's."""
    process_zone(process)
    preset, window = schedule(Frequency.DAILY, at), window_on(START.date(), at)

    runs = [next_run(preset, window.start - PATIENCE, None), next_run(preset, window.start, None)]

    assert runs == [window.start, window.start + MINUTE]
    assert [run.tzinfo for run in runs if run] == [UTC, UTC]
    assert last_window(preset, window.start) == window


def test_the_next_look_is_a_minute_after_the_last() -> None:
    """Kino has just looked, within its window, and its newest backup is old enough."""
    preset, looked = schedule(Frequency.DAILY), START + timedelta(hours=3, minutes=10)
    assert next_run(preset, looked, None) == looked + MINUTE
    assert next_run(preset, looked, START - 9 * DAY) == looked + MINUTE


def test_old_enough_at_the_end_of_a_window_is_too_late_for_it() -> None:
    """The hour ends before its last instant; the next day's is taken."""
    preset, end = schedule(Frequency.DAILY), START + timedelta(hours=4)
    newest = end - timedelta(hours=23)
    assert next_run(preset, START, newest - MINUTE) == end - MINUTE
    assert next_run(preset, START, newest) == START + DAY + timedelta(hours=3)


def test_the_last_window_begins_at_its_first_instant() -> None:
    """A second earlier it was that of the day before."""
    preset, window = schedule(Frequency.DAILY), window_on(START.date(), time(3, 0))
    assert last_window(preset, window.start) == window
    assert last_window(preset, window.start - timedelta(seconds=1)) == window_on(
        START.date() - DAY, time(3, 0)
    )


def test_a_window_ends_at_midnight() -> None:
    """At 23:30 Kino tries for half an hour only."""
    window = window_on(date(2026, 4, 26), time(23, 30))
    assert window == (datetime(2026, 4, 26, 23, 30, tzinfo=UTC), datetime(2026, 4, 27, tzinfo=UTC))


def test_a_backup_of_the_future_holds_kino_up() -> None:
    """Until it is old enough; for this program it says nothing, so the caller leaves it out."""
    future = START + 10 * DAY
    assert next_run(schedule(Frequency.DAILY), START, future) == START + 11 * DAY + timedelta(hours=3)


def test_a_backup_at_the_end_of_the_calendar_holds_kino_up_for_ever() -> None:
    """There is no later date to name."""
    for newest in (datetime(9999, 12, 30, 3, 30, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)):
        assert next_runs(schedule(Frequency.DAILY), START, newest, 5) == ()


def test_off_has_no_runs() -> None:
    """And misses none."""
    preset = schedule(Frequency.OFF)
    assert next_run(preset, START, None) is None
    assert next_runs(preset, START, None, 5) == ()
    assert last_window(preset, START) is None
    assert missed_window(preset, START, None) is None


def test_a_window_counts_as_missed_only_when_a_late_backup_would_be_there() -> None:
    """Kino may begin in its last minute, and write for a while."""
    preset, newest = schedule(Frequency.DAILY), START - DAY + timedelta(hours=3)
    window = window_on(START.date(), time(3, 0))
    assert missed_window(preset, window.end + PATIENCE - MINUTE, newest) is None
    assert missed_window(preset, window.end + PATIENCE, newest) == window


def test_kino_has_its_patience_after_midnight_too() -> None:
    """A window that midnight cuts short is that of the day before, and not missed for half an hour more."""
    preset = schedule(Frequency.DAILY, time(23, 30))
    before, last = (window_on(START.date() - days * DAY, time(23, 30)) for days in (2, 1))
    assert missed_window(preset, START + PATIENCE - MINUTE, None) == before
    assert missed_window(preset, START + PATIENCE - MINUTE, before.start) is None
    assert missed_window(preset, START + PATIENCE, before.start) == last


def test_while_a_window_lasts_the_one_before_it_may_be_missed() -> None:
    """Kino was down then, and may not come up in time for this one."""
    preset, now = schedule(Frequency.DAILY), START + timedelta(hours=3, minutes=30)
    yesterday = window_on(START.date() - DAY, time(3, 0))
    assert missed_window(preset, now, None) == yesterday
    assert missed_window(preset, now, yesterday.start - DAY) == yesterday
    assert missed_window(preset, now, yesterday.start) is None


def test_a_window_in_which_no_backup_was_old_enough_yet_is_not_missed() -> None:
    """Old enough at its last instant is too late for Kino."""
    preset, window = schedule(Frequency.WEEKLY), window_on(START.date(), time(3, 0))
    now, newest = START + DAY / 2, window.end - 6 * DAY
    assert missed_window(preset, now, newest) is None
    assert missed_window(preset, now, newest - MINUTE) == window


@pytest.mark.parametrize("frequency", list(SECONDS_APART))
def test_without_any_scheduled_backup_the_last_window_was_missed(frequency: str) -> None:
    """As at the first run after the schedule was switched on."""
    preset = schedule(Frequency(frequency))
    assert missed_window(preset, START + 12 * timedelta(hours=1), None) == window_on(START.date(), time(3, 0))
    assert missed_window(preset, START + timedelta(hours=1), None) == window_on(
        (START - DAY).date(), time(3, 0)
    )


class Days:
    """Kino and this program on one host, minute by minute; each is up or not."""

    def __init__(self, preset: BackupSettings) -> None:
        self.preset = preset
        self.now = START
        self.kinos: list[datetime] = []
        self.ours: list[datetime] = []

    @property
    def newest(self) -> datetime | None:
        """The newest scheduled backup, whoever made it."""
        return max([*self.kinos, *self.ours], default=None)

    def pass_time(self, span: timedelta, *, kino: bool, program: bool) -> None:
        """Let time go by."""
        end = self.now + span
        while self.now < end:
            if kino and kino_begins(self.preset, self.now, self.newest):
                self.kinos.append(self.now)
            awake = program and (self.now - START) % QUARTER == timedelta()
            if awake and missed_window(self.preset, self.now, self.newest):
                self.ours.append(self.now)
            self.now += MINUTE


@settings(deadline=None, max_examples=10)
@given(PRESETS, TIMES)
def test_nothing_is_missed_while_kino_is_up(frequency: Frequency, at: time) -> None:
    """Once the first window has passed, this program makes none."""
    days = Days(schedule(frequency, at))
    days.pass_time(2 * DAY, kino=True, program=False)
    days.pass_time(60 * DAY, kino=True, program=True)
    assert days.kinos
    assert not days.ours


@settings(deadline=None, max_examples=10)
@given(TIMES, st.lists(st.tuples(st.integers(1, 50), st.booleans()), min_size=3, max_size=15))
def test_daily_there_is_one_backup_each_day_whenever_kino_is_up(
    at: time, hours: list[tuple[int, bool]]
) -> None:
    """As long as this program is woken; the first may be one for the day before."""
    days = Days(schedule(Frequency.DAILY, at))
    for span, kino in hours:
        days.pass_time(timedelta(hours=span), kino=kino, program=True)
    made = sorted([*days.kinos, *days.ours])
    longest = DAY + timedelta(hours=1) + PATIENCE + QUARTER
    gaps = [later - earlier for earlier, later in pairwise(made)]
    assert all(gap <= longest for gap in gaps)
    assert all(gap >= timedelta(hours=22) for gap in gaps[1:])


@settings(deadline=None, max_examples=8)
@given(st.sampled_from([Frequency.WEEKLY, Frequency.MONTHLY]), TIMES)
def test_while_kino_is_down_each_of_its_runs_is_made_up_once(frequency: Frequency, at: time) -> None:
    """At the distance that Kino keeps, and a window more at most."""
    days = Days(schedule(frequency, at))
    days.pass_time(90 * DAY, kino=False, program=True)
    least = timedelta(seconds=SECONDS_APART[frequency.value])
    gaps = [later - earlier for earlier, later in pairwise(days.ours)]
    assert gaps
    longest = least + DAY + timedelta(hours=1) + PATIENCE + QUARTER
    assert all(least <= gap <= longest for gap in gaps)
    assert not days.kinos


@settings(deadline=None, max_examples=8)
@given(st.sampled_from([Frequency.WEEKLY, Frequency.MONTHLY]), TIMES)
def test_kino_takes_over_again_when_it_is_back(frequency: Frequency, at: time) -> None:
    """What was made up counts for it, too, so there are never two for one."""
    days = Days(schedule(frequency, at))
    days.pass_time(40 * DAY, kino=False, program=True)
    before = len(days.ours)
    days.pass_time(70 * DAY, kino=True, program=True)
    least = timedelta(seconds=SECONDS_APART[frequency.value])
    made = sorted([*days.kinos, *days.ours])
    assert all(later - earlier >= least for earlier, later in pairwise(made))
    assert len(days.ours) == before
    assert days.kinos
