"""When Kino 0.3 backs itself up: pure functions of settings and instants.

Kino looks once a minute. It compares the time of its settings with the clock of UTC, and makes a backup
within the hour that begins at that time and ends at midnight of UTC at the latest, if its newest scheduled
backup is old enough: 23 hours for daily, 6 days for weekly, 28 days for monthly. It knows neither days of the
week nor of the month. A window that passes unused (Kino was down, the disk was full) is not made up for; the
next day's is as good, if the newest backup is still old enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from kino_backup_tui.core.kino.settings import BackupSettings, Frequency

LEAST_AGE = {
    Frequency.DAILY: timedelta(hours=23),
    Frequency.WEEKLY: timedelta(days=6),
    Frequency.MONTHLY: timedelta(days=28),
}
"""How old the newest scheduled backup has to be."""
WINDOW = timedelta(minutes=60)
PATIENCE = timedelta(minutes=30)
"""For so long after its window a backup that Kino began at the very end of it may not be finished."""

_DAY = timedelta(days=1)
_LOOK = timedelta(minutes=1)
"""From one look of Kino's to the next."""


class Window(NamedTuple):
    """The instants of one day at which Kino would begin; aware, in UTC."""

    start: datetime
    end: datetime
    """The first instant that is too late."""


def window_on(day: date, at: time) -> Window:
    """The window of a day of UTC, for a time of its clock in hours and minutes."""
    start = datetime.combine(day, at, UTC)
    return Window(start, min(start + WINDOW, datetime.combine(day, time(), UTC) + _DAY))


def next_run(settings: BackupSettings, after: datetime, newest: datetime | None) -> datetime | None:
    """The first instant at which Kino, which has just looked, would begin; aware, in UTC, None if never.

    A backup dated in the future holds Kino up until it is old enough.
    """
    least = LEAST_AGE.get(settings.frequency)
    if least is None:
        return None
    try:
        ready = (after + _LOOK if newest is None else max(after + _LOOK, newest + least)).astimezone(UTC)
        for window in _windows_from(ready.date(), settings.time):
            instant = max(window.start, ready)
            if instant < window.end:
                return instant
    except OverflowError:
        pass  # it would not be old enough on the last day of the calendar
    return None


def next_runs(
    settings: BackupSettings, after: datetime, newest: datetime | None, count: int
) -> tuple[datetime, ...]:
    """The first `count` of them, if each of them is made and none besides; empty if nothing is scheduled."""
    runs: list[datetime] = []
    while len(runs) < count:
        run = next_run(settings, after, runs[-1] if runs else newest)
        if run is None:
            break
        runs.append(run)
    return tuple(runs)


def last_window(settings: BackupSettings, at: datetime) -> Window | None:
    """The window that began last; None if nothing is scheduled."""
    if settings.frequency not in LEAST_AGE:
        return None
    today = window_on(at.astimezone(UTC).date(), settings.time)
    return today if today.start <= at else _before(today, settings)


def missed_window(settings: BackupSettings, now: datetime, newest: datetime | None) -> Window | None:
    """The window that Kino has let pass although a backup was due in it; None if there is none.

    `newest` is the newest scheduled backup, whoever made it. With a daily schedule there is to be one each
    day: where a backup that was made up late keeps Kino from the next day's window, that is missed, too.
    """
    window = last_window(settings, now)
    if window is not None and now < window.end + PATIENCE:
        window = _before(window, settings)
    if window is None or newest is None:
        return window
    least = WINDOW if settings.frequency is Frequency.DAILY else LEAST_AGE[settings.frequency]
    return None if newest + least >= window.end else window


def _before(window: Window, settings: BackupSettings) -> Window:
    return window_on(window.start.date() - _DAY, settings.time)


def _windows_from(day: date, at: time) -> Iterator[Window]:
    """Three are enough: that of today may be over, and that of tomorrow be cut short by midnight."""
    for days in range(3):
        yield window_on(day + days * _DAY, at)
