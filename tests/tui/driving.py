"""Driving the application: waiting for what a key started, and reading what is on the screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Static

from kino_backup_tui.tui.screens.backups import BackupsScreen
from kino_backup_tui.tui.widgets.backup_table import BackupTable
from kino_backup_tui.tui.widgets.lines import Line

_MOST_ROUNDS = 2_000


async def until(pilot: Pilot[None], happened: Callable[[], bool]) -> None:
    """Let the application work until something has happened; fails if it never does."""
    for _ in range(_MOST_ROUNDS):
        if happened():
            return
        await pilot.pause(0.005)
    raise AssertionError("it did not happen")


async def loaded(pilot: Pilot[None]) -> None:
    """Wait until the list has been read."""
    await until(pilot, lambda: page(pilot).status is not None)
    await idle(pilot)


async def idle(pilot: Pilot[None]) -> None:
    """Wait until no thread is at work."""
    busy = {"load", "job", "look", "preview", "read", "show"}
    await until(pilot, lambda: not any(w.group in busy and not w.is_finished for w in pilot.app.workers))
    await pilot.pause()


def page(pilot: Pilot[None]) -> BackupsScreen:
    """The page, whatever is open above it."""
    screen = pilot.app.screen_stack[0]
    assert isinstance(screen, BackupsScreen)
    return screen


def shown_names(pilot: Pilot[None]) -> list[str]:
    """The keys of the rows in the list, without their folder."""
    table = page(pilot).query_one(BackupTable)
    return [str(key.value).rpartition("/")[2] for key in table.rows]


def line(pilot: Pilot[None], selector: str) -> str:
    """The text of a line of the page."""
    return page(pilot).query_one(selector, Line).left


def words(screen: Screen[Any]) -> str:
    """Everything the texts of a screen say."""
    return "\n".join(str(widget.render()) for widget in screen.query(Static))


def toasts(pilot: Pilot[None]) -> list[str]:
    """What the notifications say."""
    return [notification.message for notification in pilot.app._notifications]


def drawn_text(pilot: Pilot[None]) -> str:
    """Every character of the screen as it goes to the terminal, row by row."""
    rows = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in row) for row in rows)
