"""A restore and its undoing on real files, with a worker of its own, through the keys alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup
from kino_backup_tui.tui.app import KinoBackupApp
from kino_backup_tui.tui.backend import Backend
from kino_backup_tui.tui.screens.error import ErrorScreen
from kino_backup_tui.tui.screens.path import PathScreen
from kino_backup_tui.tui.screens.plan import PlanScreen
from kino_backup_tui.tui.screens.result import ResultScreen
from kino_backup_tui.tui.widgets.backup_table import BackupTable
from tests.tui.driving import drawn_text, idle, loaded, page, until, words

Create = Callable[..., Backup]


def forget(kino: Kino) -> None:
    """Lose what is in the library."""
    with sqlite3.connect(kino.database) as connection:
        connection.execute("DELETE FROM film")
    connection.close()


def films(kino: Kino) -> int:
    """How many films there are."""
    connection = sqlite3.connect(kino.database)
    try:
        count: int = connection.execute("SELECT count(*) FROM film").fetchone()[0]
    finally:
        connection.close()
    return count


async def confirmed(pilot: Pilot[None], key: str) -> str:
    """Press a key that restores, say yes, and return what the end says."""
    await pilot.press(key)
    await until(pilot, lambda: isinstance(pilot.app.screen, PlanScreen))
    await pilot.press("y")
    await until(pilot, lambda: isinstance(pilot.app.screen, (ResultScreen, ErrorScreen)))
    await pilot.pause()
    return words(pilot.app.screen)


async def test_a_restore_and_its_undoing(backend: Backend, create: Create, kino: Kino) -> None:
    """What was lost is back, the list shows the way back, and u leads there."""
    create()
    before = films(kino)
    forget(kino)

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        restored = await confirmed(pilot, "r")
        films_then = films(kino)
        await pilot.press("enter")
        await idle(pilot)
        state = str(page(pilot).query_one(BackupTable).get_row_at(0)[5]).strip()
        undone = await confirmed(pilot, "u")

    assert before > 0
    assert "✓ Restored" in restored
    assert films_then == before
    assert state == "↩ way back"
    assert "✓ The restore was undone" in undone
    assert films(kino) == 0


async def test_a_file_from_elsewhere_can_be_restored(
    backend: Backend, create: Create, kino: Kino, tmp_path: Path
) -> None:
    """Its path is typed, or pasted on the page."""
    before = films(kino)
    moved = tmp_path / "from [elsewhere].tar.gz"
    create().path.rename(moved)
    forget(kino)

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        page(pilot)._restore_file(str(moved))
        await until(pilot, lambda: isinstance(pilot.app.screen, PathScreen))
        await idle(pilot)
        restored = await confirmed(pilot, "enter")

    assert "✓ Restored from [elsewhere].tar.gz" in restored
    assert films(kino) == before
    assert moved.exists()


async def test_a_damaged_archive_is_refused_before_anything_is_touched(
    backend: Backend, create: Create, kino: Kino
) -> None:
    """The dialog says why, and has no button that goes on."""
    backup = create()
    data = bytearray(backup.path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    backup.path.write_bytes(data)
    before = kino.database.read_bytes()

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("r")
        await until(pilot, lambda: isinstance(pilot.app.screen, PlanScreen))
        await pilot.pause()
        drawn = drawn_text(pilot)
        await pilot.press("y", "enter")
        await until(pilot, lambda: pilot.app.screen is page(pilot))

    assert "This cannot be restored now" in drawn
    assert "[ Restore ]" not in drawn
    assert kino.database.read_bytes() == before
