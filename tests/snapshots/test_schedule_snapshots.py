"""What the page shows of nights that fail or that nobody runs, and the form with backups to move."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from textual.pilot import Pilot
from textual.widgets import Checkbox, Input

from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.core.operations.failing import Failing
from kino_backup_tui.tui.app import KinoBackupApp
from tests.snapshots.test_snapshots import pressing, settled
from tests.tui.driving import loaded
from tests.tui.prepared import LOCATION, NOW, PreparedBackend, household

Compare = Callable[..., bool]


def failing_backend() -> PreparedBackend:
    """Two nights without room."""
    backend = PreparedBackend(household()[1:])
    backend.failing = Failing(
        since=NOW - timedelta(hours=30),
        last=NOW - timedelta(hours=6),
        nights=2,
        code="no_space",
        message=f"The archive needs 31.4 MB in {LOCATION}; 12.0 MB are free.",
        hint="Free space there, or move the backup location to a larger volume.",
    )
    return backend


def test_page_failing(snap_compare: Compare) -> None:
    """The status line tells how often and why."""
    assert snap_compare(KinoBackupApp(failing_backend()), run_before=loaded)


def test_page_failing_in_full(snap_compare: Compare) -> None:
    """And p since when, and what to do."""
    assert snap_compare(KinoBackupApp(failing_backend()), run_before=pressing("p"))


def test_page_unattended(snap_compare: Compare) -> None:
    """Nothing runs the schedule: the line names the key, which comes first below."""
    backend = PreparedBackend(household())
    backend.unattended = True
    assert snap_compare(KinoBackupApp(backend), run_before=loaded)


def test_install_timer(snap_compare: Compare) -> None:
    """What would run, and what would be written."""
    assert snap_compare(KinoBackupApp(PreparedBackend(household())), run_before=pressing("t"))


def test_schedule_move(snap_compare: Compare) -> None:
    """Another location, its backups to follow, and what retention would remove there."""
    backend = PreparedBackend(household())
    backend.movable = tuple(household()[:9])
    backend.removes = tuple(one for one in backend.movable if one.kind is BackupKind.SCHEDULED)[-2:]

    async def choose(pilot: Pilot[None]) -> None:
        await loaded(pilot)
        await pilot.press("s")
        await settled(pilot)
        pilot.app.screen.query_one("#location", Input).value = "/mnt/nas/kino"
        pilot.app.screen.query_one("#keep", Input).value = "3"
        await settled(pilot)
        offer = pilot.app.screen.query_one("#move", Checkbox)
        offer.value = True
        offer.focus()
        await settled(pilot)

    assert snap_compare(KinoBackupApp(backend), run_before=choose)
