"""When a Kino is to be backed up, by the rules that it goes by itself: as documented, or as Kino 0.3 does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple, Protocol

from kino_backup_tui.core import schedule
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.settings import BackupSettings, Frequency

Instants = Callable[[], Iterable[datetime]]
"""Asked only where they matter."""


class Terms(NamedTuple):
    """What the words of the settings mean to Kino."""

    zone: tzinfo
    """Whose clock the time of day is of."""
    apart: Mapping[Frequency, timedelta]
    """The presets that mean no certain day, but so long after the last scheduled backup."""
    remarks: tuple[str, ...] = ()
    """What else an admin would not expect, in sentences."""


class Timetable(Protocol):
    """Says when backups are due. Settings under which nothing runs have no runs."""

    def terms(self, settings: BackupSettings) -> Terms:
        """What these settings mean."""
        ...

    def next_runs(self, settings: BackupSettings, after: datetime, count: int) -> tuple[datetime, ...]:
        """The first runs later than an instant, aware, in UTC."""
        ...

    def due(
        self,
        settings: BackupSettings,
        now: datetime,
        last_slot: datetime | None,
        served: Iterable[datetime] = (),
    ) -> datetime | None:
        """The slot that this program has to run now, aware, in UTC; None if nothing is due.

        `last_slot` is the slot that was served or given up last, as far as anybody remembers. `served` are
        the instants at which scheduled backups were made. What the clock dates after now says nothing.
        """
        ...

    def served_slot(
        self, settings: BackupSettings, now: datetime, served: Iterable[datetime]
    ) -> datetime | None:
        """The last slot that backups made at these instants have served; None if there is none."""
        ...


class DocumentedTimetable:
    """Slots by the wall clock of the host, as Kino's documentation has it; see `schedule`."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone

    def terms(self, settings: BackupSettings) -> Terms:
        """See `Timetable`, as for all the others."""
        return Terms(self._zone, {})

    def next_runs(self, settings: BackupSettings, after: datetime, count: int) -> tuple[datetime, ...]:
        """Whatever was made before."""
        return schedule.next_slots(settings, self._zone, after, count) if settings.runs else ()

    def due(
        self,
        settings: BackupSettings,
        now: datetime,
        last_slot: datetime | None,
        served: Iterable[datetime] = (),
    ) -> datetime | None:
        """From its instant on, until it is served or a later one has come."""
        return schedule.due_slot(settings, self._zone, now, last_slot, served)

    def served_slot(
        self, settings: BackupSettings, now: datetime, served: Iterable[datetime]
    ) -> datetime | None:
        """Each backup serves the slot before it."""
        return schedule.served_slot(settings, self._zone, now, served)


def timetable(kino: Kino, zone: tzinfo, listed: Instants) -> Timetable:
    """The timetable that a Kino goes by.

    `zone` is that of the host. `listed` gives the dates of the scheduled backups in Kino's own list, for a
    Kino that has one: it goes by that, and not by the files.
    """
    if not kino.layout.runs_schedule:
        return DocumentedTimetable(zone)
    from kino_backup_tui.core.shipped_timetable import ShippedTimetable  # its rules are of no other Kino

    return ShippedTimetable(listed)
