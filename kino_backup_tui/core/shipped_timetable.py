"""The timetable of Kino 0.3, which runs its schedule by itself; this program runs what Kino has missed.

See `shipped_schedule` for the rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from kino_backup_tui.core import schedule, shipped_schedule
from kino_backup_tui.core.kino.settings import BackupSettings, Frequency
from kino_backup_tui.core.timetable import Instants, Terms


class ShippedTimetable:
    """See `Timetable`."""

    def __init__(self, listed: Instants) -> None:
        self._listed = listed

    def terms(self, settings: BackupSettings) -> Terms:
        """UTC, and distances instead of days."""
        apart = {each: shipped_schedule.LEAST_AGE[each] for each in (Frequency.WEEKLY, Frequency.MONTHLY)}
        return Terms(UTC, apart, tuple(_remarks(settings)))

    def next_runs(self, settings: BackupSettings, after: datetime, count: int) -> tuple[datetime, ...]:
        """As Kino decides it, from its own list."""
        if not settings.runs:
            return ()
        return shipped_schedule.next_runs(settings, after, max(self._listed(), default=None), count)

    def due(
        self,
        settings: BackupSettings,
        now: datetime,
        last_slot: datetime | None,
        served: Iterable[datetime] = (),
    ) -> datetime | None:
        """From the end of Kino's window on, if that has passed without a scheduled backup."""
        if not settings.runs:
            return None
        remembered = () if last_slot is None or schedule.was_ahead(last_slot, now) else (last_slot,)
        made = [instant for instant in (*served, *self._listed()) if instant <= now]
        missed = shipped_schedule.missed_window(settings, now, max((*made, *remembered), default=None))
        return missed.start if missed else None

    def served_slot(
        self, settings: BackupSettings, now: datetime, served: Iterable[datetime]
    ) -> datetime | None:
        """The window that began last before the newest of them."""
        made = max((instant for instant in served if instant <= now), default=None)
        window = None if made is None else shipped_schedule.last_window(settings, made)
        return window.start if window else None


def _remarks(settings: BackupSettings) -> Iterable[str]:
    if not settings.runs:
        yield "Kino does not look at Enabled: its schedule is set to off."
    if settings.frequency is Frequency.WEEKLY:
        yield "Kino's weekly is every 6 days, so the weekday moves."
    if settings.frequency is Frequency.MONTHLY:
        yield "Kino's monthly is every 28 days, so the day of it moves."
    window = shipped_schedule.window_on(date.min, settings.time)
    if settings.runs and window.end - window.start < shipped_schedule.WINDOW:
        minutes = (window.end - window.start) // timedelta(minutes=1)
        yield f"Kino tries for {minutes} min only: until midnight UTC."
