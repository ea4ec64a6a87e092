"""Each due slot exactly once: in every zone, over ten years, and whatever happens to the machine.

The slots are worked out a second time here, from the spans in which a zone's offset is constant, so that the
rule is not compared with itself.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from itertools import cycle, groupby, pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kino_backup_tui.core.kino.settings import BackupSettings, Frequency
from kino_backup_tui.core.schedule import due_slot, latest_slot, next_slot, served_slot, was_ahead

DAY = timedelta(days=1)
QUARTER = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)
BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
ODD_YEARS = datetime(2006, 1, 1, tzinfo=UTC), datetime(2018, 1, 1, tzinfo=UTC)
"""Samoa lost a day in these, Venezuela and North Korea moved by half an hour, Egypt changed four times."""


class Span(NamedTuple):
    """A time in which the offset of a zone is constant."""

    begin: datetime
    end: datetime
    offset: timedelta


def spans(zone: tzinfo, begin: datetime, end: datetime) -> tuple[Span, ...]:
    """The spans of a zone; its changes are found to the minute, which all of them fall on."""

    def offset(at: datetime) -> timedelta:
        found = at.astimezone(zone).utcoffset()
        assert found is not None
        return found

    found, since, step = [], begin, timedelta(days=4)
    while since < end:
        before = offset(since)
        later = since
        while later < end and offset(later) == before:
            later += step
        early, late = later - step, later
        while offset(later) != before and late - early > MINUTE:
            middle = early + max(MINUTE, (late - early) // 2 // MINUTE * MINUTE)
            early, late = (middle, late) if offset(middle) == before else (early, middle)
        found.append(Span(since, min(late, end), before))
        since = late
    return tuple(found)


@cache
def different_zones(begin: datetime, end: datetime) -> tuple[tuple[str, tuple[Span, ...]], ...]:
    """Every zone there is, those that run alike in that time once, each with its spans."""
    alike: dict[tuple[Span, ...], str] = {}
    for name in sorted(zoneinfo.available_timezones()):
        alike.setdefault(spans(ZoneInfo(name), begin, end), name)
    return tuple((name, found) for found, name in alike.items())


def slots_of(found: tuple[Span, ...], at: time) -> Iterator[datetime]:
    """The daily slots: when the wall clock, running forward, first reaches or passes a time of a date."""
    day, before = date.min, None
    for span in found:
        starts, ends = ((edge + span.offset).replace(tzinfo=None) for edge in span[:2])
        first = min(starts, before) if before else starts
        current = max(first.date(), day + DAY if day > date.min else first.date())
        while (target := datetime.combine(current, at)) < ends:
            if target >= starts:
                yield (target - span.offset).replace(tzinfo=UTC)
                day = current
            elif before is not None and target >= before:
                # In the gap. A date of which there is neither a moment before it nor one after it is none.
                if current in ((before - MINUTE).date(), starts.date()):
                    yield span.begin
                day = current
            current += DAY
        before = ends


@dataclass
class Machine:
    """A machine that is woken, remembers its last slot, and has the archives it has made."""

    settings: BackupSettings
    zone: tzinfo
    last_slot: datetime | None = None
    archives: list[datetime] = field(default_factory=list)
    runs: list[datetime] = field(default_factory=list)
    """The slots it has made a backup for."""

    def wake(self, now: datetime) -> datetime | None:
        """Make a backup if one is due."""
        noted = [*self.archives, *([self.last_slot] if self.last_slot else [])]
        if any(was_ahead(instant, now) for instant in noted):
            # What is dated after now is not believed any more, also when the clock gets there.
            self.archives = [made for made in self.archives if made <= now]
            if self.last_slot is None or was_ahead(self.last_slot, now):
                self.last_slot = served_slot(self.settings, self.zone, now, self.archives)
        slot = due_slot(self.settings, self.zone, now, self.last_slot, self.archives)
        if slot is not None:
            self.runs.append(slot)
            self.archives = [*self.archives[-6:], now]
            self.last_slot = slot
        return slot


def test_ten_years_in_every_zone() -> None:
    """Day by day, woken at the slot: that very slot is due, and by that it is no longer."""
    zones = different_zones(BEGIN, END)
    assert len(zones) > 50
    times = cycle([time(2, 30), time(3), time(23, 45), time(0)])
    for (name, found), at in zip(zones, times, strict=False):
        machine, zone = Machine(BackupSettings(time=at), ZoneInfo(name)), ZoneInfo(name)
        due = [slot for slot in slots_of(found, at) if slot >= BEGIN + DAY]
        assert len(due) >= 3649
        for slot in due:
            assert machine.wake(slot) == slot, (name, at, slot)
            assert due_slot(machine.settings, zone, slot, slot) is None
        assert machine.runs == due


@pytest.mark.parametrize(("begin", "end"), [(BEGIN, END), ODD_YEARS], ids=["to come", "odd years"])
def test_each_change_of_each_zone_at_each_time_of_night(begin: datetime, end: datetime) -> None:
    """Gaps, folds and dates that do not exist, woken just before, at and after each slot around them."""
    changes = 0
    for name, found in different_zones(begin, end):
        zone = ZoneInfo(name)
        # What a rule does once it does every year; two of a kind are enough.
        kinds: dict[object, int] = {}
        for before, after in pairwise(found):
            local = before.end.astimezone(zone)
            kind = (after.offset - before.offset, local.month, local.hour)
            kinds[kind] = kinds.get(kind, 0) + 1
            if kinds[kind] > 2:
                continue
            changes += 1
            around = (
                Span(max(before.begin, before.end - 4 * DAY), before.end, before.offset),
                Span(after.begin, min(after.end, after.begin + 4 * DAY), after.offset),
            )
            for quarter in [*range(4 * 4), *range(22 * 4, 24 * 4), 12 * 4]:
                _check_around(zone, around, time(quarter // 4, quarter % 4 * 15))
    assert changes > 120


def _check_around(zone: tzinfo, around: tuple[Span, Span], at: time) -> None:
    expected = [slot for slot in slots_of(around, at) if slot >= around[0].begin + 2 * DAY]
    machine = Machine(BackupSettings(time=at), zone, last_slot=expected[0] - DAY)
    for slot in expected:
        assert machine.wake(slot - timedelta(seconds=1)) is None
        assert machine.wake(slot) == slot, (zone, at, slot)
        assert machine.wake(slot + QUARTER) is None
    assert machine.runs == expected


INSTANTS = st.integers(0, int((END - BEGIN).total_seconds())).map(
    lambda second: BEGIN + timedelta(seconds=second)
)
ZONES = st.sampled_from(sorted(zoneinfo.available_timezones())).map(ZoneInfo)
FREQUENCIES = st.sampled_from([Frequency.DAILY, Frequency.DAILY, Frequency.WEEKLY, Frequency.MONTHLY])
TIMES = st.integers(0, 1439).map(lambda minutes: time(minutes // 60, minutes % 60))
SETTINGS = st.builds(lambda frequency, at: BackupSettings(frequency=frequency, time=at), FREQUENCIES, TIMES)
AWAKE = st.just(QUARTER)
ASLEEP = st.integers(1, 40 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes))


@settings(max_examples=300, deadline=None)
@given(
    plan=SETTINGS,
    zone=ZONES,
    begin=INSTANTS,
    steps=st.lists(AWAKE | ASLEEP | st.just(DAY) | st.just(40 * DAY), min_size=1, max_size=60),
    forgets=st.sets(st.integers(0, 60)),
)
def test_whenever_it_is_woken_each_slot_is_served_once_and_the_latest_never_skipped(
    plan: BackupSettings, zone: tzinfo, begin: datetime, steps: list[timedelta], forgets: set[int]
) -> None:
    """Asleep for minutes or for forty days, restarted, its memory lost again and again."""
    machine, seen, now = Machine(plan, zone), [], begin
    for number, step in enumerate(steps):
        now += step
        if number in forgets:
            machine.last_slot = None
        machine.wake(now)
        seen.append(latest_slot(plan, zone, now))

    assert machine.runs == [slot for slot, _ in groupby(seen)]


@settings(max_examples=60, deadline=None)
@given(plan=SETTINGS, zone=ZONES, begin=INSTANTS, hour=st.integers(0, 23), on=st.integers(1, 60))
def test_a_machine_that_is_on_for_a_while_each_day_misses_no_day(
    plan: BackupSettings, zone: tzinfo, begin: datetime, hour: int, on: int
) -> None:
    """Started every day at the same hour, for less than an hour: nothing depends on being on at the slot."""
    machine, started = Machine(plan, zone), begin.replace(hour=hour)
    for _ in range(40):
        for minute in range(0, on, 15):
            machine.wake(started + timedelta(minutes=minute))
        started += DAY

    first = machine.runs[0]
    wanted, slot = [first], next_slot(plan, zone, first)
    while slot is not None and slot <= started - DAY + timedelta(minutes=(on - 1) // 15 * 15):
        wanted.append(slot)
        slot = next_slot(plan, zone, slot)
    # Two daily slots can lie between two starts only where a clock change brings them closer than a day.
    assert machine.runs == wanted or len(wanted) - len(machine.runs) <= 1


CHANGES = st.lists(st.tuples(st.integers(1, 300), ZONES, TIMES), max_size=6)


@settings(max_examples=60, deadline=None)
@given(begin=INSTANTS, zone=ZONES, at=TIMES, changes=CHANGES)
def test_moving_to_other_zones_and_times_neither_runs_twice_nor_leaves_a_gap(
    begin: datetime, zone: tzinfo, at: time, changes: list[tuple[int, tzinfo, time]]
) -> None:
    """Runs are for slots twelve hours apart or more, and never further apart than 12 and 27 hours."""
    machine, now, hours = Machine(BackupSettings(time=at), zone), begin, []
    for wait, *change in [*changes, (200, zone, at)]:
        for _ in range(wait):
            now += timedelta(hours=1)
            if machine.wake(now):
                hours.append(now)
        machine.zone, machine.settings = change[0], BackupSettings(time=change[1])  # type: ignore[assignment,arg-type]

    assert all(later - earlier >= timedelta(hours=12) for earlier, later in pairwise(machine.runs))
    assert all(later - earlier <= timedelta(hours=40) for earlier, later in pairwise(hours))


@settings(max_examples=100, deadline=None)
@given(
    begin=INSTANTS,
    zone=ZONES,
    at=TIMES,
    error=st.integers(-50 * 365 * 24, 50 * 365 * 24) | st.integers(-72, 72),
    lasts=st.integers(1, 100),
    forgets=st.booleans(),
)
def test_a_clock_that_jumps_and_comes_back_makes_neither_a_storm_nor_a_silence(
    begin: datetime, zone: tzinfo, at: time, error: int, lasts: int, forgets: bool
) -> None:
    """Ahead or behind by hours or by decades, for some time, and then right again."""
    machine, made = Machine(BackupSettings(time=at), zone), []
    for hour in range(lasts + 400):
        wrong = 100 <= hour < 100 + lasts
        real = begin + timedelta(hours=hour)
        if forgets and hour == 100 + lasts:
            machine.last_slot = None
        if machine.wake(real + timedelta(hours=error) if wrong else real):
            made.append(hour)

    # One for each day, one for the jump, one for the way back.
    assert len(made) <= (lasts + 400) / 21 + 3
    # What is less than 25 hours ahead is not told from a slot of now. From each jump on that is all there is.
    marks = sorted({*made, 100, 100 + lasts, lasts + 400})
    assert max(later - earlier for earlier, later in pairwise(marks)) <= 25 + 27


def test_a_jump_of_minutes_across_a_slot_and_back_is_one_run() -> None:
    """A clock that is corrected by the network just after the slot."""
    zone = ZoneInfo("Europe/Berlin")
    machine = Machine(BackupSettings(), zone)
    for local in ("02:59", "03:00", "02:58", "03:00", "03:15"):
        machine.wake(datetime.fromisoformat(f"2026-04-26T{local}").replace(tzinfo=zone).astimezone(UTC))

    assert [str(slot.astimezone(zone)) for slot in machine.runs] == [
        "2026-04-25 03:00:00+02:00",
        "2026-04-26 03:00:00+02:00",
    ]


def test_off_is_never_due() -> None:
    """By the switch, and by the frequency."""
    for off in (BackupSettings(enabled=False), BackupSettings(frequency=Frequency.OFF)):
        assert due_slot(off, UTC, BEGIN, None) is None
