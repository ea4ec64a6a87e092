"""The restore dialog on Kino 0.3 as pictures. Behaviour is tested in `tests/tui`."""

from __future__ import annotations

from dataclasses import replace

from kino_backup_tui.core.restore.first_boot import FirstBoot
from kino_backup_tui.tui.app import KinoBackupApp
from tests.snapshots.test_restore_snapshots import WIDE, Compare, asking, planned
from tests.tui.prepared_first_boot import FINISHED, LIBRARY, MISSING, SOME_GONE, TORRENTS, shipped_plan
from tests.tui.prepared_restore import NO_ROOM

LOSSES = FirstBoot(TORRENTS, FINISHED, broken_off=1, library=SOME_GONE)


def test_first_boot(snap_compare: Compare) -> None:
    """What is lost comes first, also in 80 columns."""
    assert snap_compare(KinoBackupApp(planned(shipped_plan(LOSSES))), run_before=asking())


def test_first_boot_more(snap_compare: Compare) -> None:
    """One key further: what happens, and the settings that change."""
    assert snap_compare(KinoBackupApp(planned(shipped_plan(LOSSES))), run_before=asking("r", "m"))


def test_first_boot_wide(snap_compare: Compare) -> None:
    """With more room."""
    backend = planned(shipped_plan(FirstBoot(library=LIBRARY)))
    assert snap_compare(KinoBackupApp(backend), run_before=asking(), terminal_size=WIDE)


def test_library_missing(snap_compare: Compare) -> None:
    """Closing is the first choice, starting Kino without its library the second."""
    backend = planned(shipped_plan(FirstBoot(), MISSING))
    assert snap_compare(KinoBackupApp(backend), run_before=asking())


def test_library_missing_and_no_room(snap_compare: Compare) -> None:
    """Each can be gone without; the answers fit."""
    prepared = shipped_plan(FirstBoot(), MISSING)
    backend = planned(replace(prepared, blockers=(NO_ROOM, MISSING)))
    assert snap_compare(KinoBackupApp(backend), run_before=asking())
