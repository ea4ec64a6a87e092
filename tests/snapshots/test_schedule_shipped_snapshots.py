"""The schedule form on a Kino 0.3, in 80 columns, as pictures."""

from __future__ import annotations

from dataclasses import replace
from datetime import time

from textual.pilot import Pilot
from textual.widgets import Checkbox

from kino_backup_tui.core.kino.home import KINO_0_3, Kino
from kino_backup_tui.core.kino.settings import KEEP_ALL, BackupSettings, Frequency
from kino_backup_tui.core.kino.settings_store import settings_store
from kino_backup_tui.core.operations.schedule import SchedulePreview
from kino_backup_tui.core.operations.status import Status
from kino_backup_tui.core.shipped_timetable import ShippedTimetable
from kino_backup_tui.tui.app import KinoBackupApp
from tests.snapshots.test_snapshots import Compare, loaded, pressing, settled
from tests.tui.prepared import DATA_PATH, NOW, ZONE, PreparedBackend, household

TIMETABLE = ShippedTimetable(lambda: (NOW.replace(hour=3, minute=0),))
"""Kino has made its backup of today."""


class ShippedBackend(PreparedBackend):
    """The prepared household with the schedule of a Kino 0.3."""

    remarks: tuple[str, ...] = ()

    def status(self) -> Status:
        """The head of the page by the rules of Kino."""
        runs = TIMETABLE.next_runs(self.settings, NOW, 1)
        return replace(
            super().status(),
            terms=TIMETABLE.terms(self.settings),
            next_run=runs[0].astimezone(ZONE) if runs else None,
        )

    def meant(self, before: BackupSettings, wanted: BackupSettings) -> BackupSettings:
        """As for Kino."""
        return settings_store(Kino(DATA_PATH, KINO_0_3)).meant(before, wanted)

    def preview(self, settings: BackupSettings, *, move: bool = False) -> SchedulePreview:
        """Five runs by the rules of Kino."""
        runs = TIMETABLE.next_runs(settings, NOW, 5)
        return replace(
            super().preview(settings, move=move),
            terms=TIMETABLE.terms(settings),
            next_runs=tuple(run.astimezone(ZONE) for run in runs),
            remarks=self.remarks,
        )


def test_shipped_page(snap_compare: Compare) -> None:
    """The second line says the time in UTC, and what that is here."""
    assert snap_compare(KinoBackupApp(ShippedBackend(household())), run_before=loaded)


def test_shipped_schedule(snap_compare: Compare) -> None:
    """The form with the next five runs in the time of the host."""
    assert snap_compare(KinoBackupApp(ShippedBackend(household())), run_before=pressing("s"))


def test_shipped_schedule_monthly(snap_compare: Compare) -> None:
    """All that Kino does not go by, at once, fits the screen."""
    backend = ShippedBackend(household())
    backend.settings = BackupSettings(frequency=Frequency.MONTHLY, time=time(23, 30), keep=KEEP_ALL)
    backend.remarks = (
        "Kino's own page says that backups are disabled, but Kino does not look at that box, and makes them. "
        "Saving ticks it.",
        "The sandbox of kino.service does not let Kino write there: `systemctl edit kino.service`, [Service] "
        "ReadWritePaths=/mnt/nas/kino",
    )
    assert snap_compare(KinoBackupApp(backend), run_before=pressing("s"))


def test_shipped_schedule_off(snap_compare: Compare) -> None:
    """Clearing the box takes the preset with it."""

    async def clear_box(pilot: Pilot[None]) -> None:
        await loaded(pilot)
        await pilot.press("s")
        await settled(pilot)
        pilot.app.screen.query_one("#enabled", Checkbox).toggle()
        await settled(pilot)

    assert snap_compare(KinoBackupApp(ShippedBackend(household())), run_before=clear_box)
