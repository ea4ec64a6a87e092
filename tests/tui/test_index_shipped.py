"""What Kino's own list of backups and the files do not have in common, on the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.index import index_of
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.tui.app import KinoBackupApp
from kino_backup_tui.tui.backend import Backend
from kino_backup_tui.tui.screens.confirm import ConfirmScreen
from tests.tui.driving import drawn_text, idle, line, loaded, page, shown_names, until, words


async def test_an_entry_without_a_file_can_be_removed_and_not_restored(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """r does nothing on it; d asks, and then the entry is gone from Kino's list and from the page."""
    archive = back_up_as_kino()
    archive.unlink()

    async with KinoBackupApp(Backend(shipped_context)).run_test(size=(80, 24)) as pilot:
        await loaded(pilot)
        assert shown_names(pilot) == [archive.name]
        assert line(pilot, "#detail-inside").startswith("Only the entry is left")
        await pilot.press("r", "v", "e")
        await idle(pilot)
        assert pilot.app.screen is page(pilot)

        await pilot.press("d")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmScreen))
        assert "Remove this entry?" in drawn_text(pilot)
        assert "from Kino's own list?" in words(pilot.app.screen)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: not shown_names(pilot))

    assert index_of(shipped).rows() == ()


async def test_a_backup_that_kinos_page_lacks_says_so_on_ours(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """In the line on what is inside."""
    archive = back_up_as_kino()
    index_of(shipped).forget([archive.name])

    async with KinoBackupApp(Backend(shipped_context)).run_test(size=(80, 24)) as pilot:
        await loaded(pilot)
        await until(pilot, lambda: "not on Kino's own page" in line(pilot, "#detail-inside"))
