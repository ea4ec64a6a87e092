"""The schedule form on a Kino 0.3: it says what Kino does, and saves what Kino goes by."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Checkbox, Input, RadioSet, Static

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.tui.app import KinoBackupApp
from kino_backup_tui.tui.backend import Backend
from kino_backup_tui.tui.screens.schedule import ScheduleScreen
from tests.tui.driving import idle, line, loaded, page, toasts, until

COLUMNS = "backup_enabled, backup_schedule, backup_time, backup_location_path, backup_retention_count"


@pytest.fixture
def app(shipped_context: Context) -> KinoBackupApp:
    """The application on a Kino 0.3."""
    return KinoBackupApp(Backend(shipped_context))


def row(kino: Kino) -> tuple[object, ...]:
    """What Kino goes by."""
    with closing(sqlite3.connect(kino.database)) as connection:
        found: tuple[object, ...] = connection.execute(f"SELECT {COLUMNS} FROM config").fetchone()
        return found


def change(kino: Kino, sql: str) -> None:
    """Change the database by hand."""
    with closing(sqlite3.connect(kino.database)) as connection, connection:
        connection.execute(sql)


async def opened(pilot: Pilot[None]) -> ScheduleScreen:
    """Open the form and wait for its preview."""
    await loaded(pilot)
    await pilot.press("s")
    await until(pilot, lambda: isinstance(pilot.app.screen, ScheduleScreen))
    await previewed(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, ScheduleScreen)
    return screen


async def previewed(pilot: Pilot[None]) -> None:
    """Wait for the preview of what is in the form now."""
    await pilot.pause(0.2)
    await idle(pilot)


def said(screen: ScheduleScreen, name: str) -> str:
    """What a remark of the form says."""
    return str(screen.query_one(f"#{name}", Static).render())


async def test_the_time_is_shown_in_utc_and_as_it_is_here(app: KinoBackupApp) -> None:
    """In the form and in the second line of the page; the next runs are in the time of the host."""
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        assert said(screen, "time-remark") == "UTC = 05:00 +0200"
        assert said(screen, "next-runs").startswith("Mon 27 Apr 05:00 +0200 · Tue 28 Apr")
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is page(pilot))
        assert line(pilot, "#schedule-line").startswith("Daily at 03:00 UTC = 05:00 +0200 · next in ")


async def test_every_preset_can_be_seen_and_says_how_many_days_it_is(app: KinoBackupApp) -> None:
    """In 80 columns."""
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        buttons = list(screen.query("RadioButton"))
        labels = [str(button.render()).rstrip() for button in buttons]
        assert labels == ["(●) Daily", "( ) Weekly (6 d)", "( ) Monthly (28 d)", "( ) Off"]
        assert buttons[-1].region.right <= screen.query_one(RadioSet).region.right


async def test_switching_off_writes_off_and_switching_on_a_preset(app: KinoBackupApp, shipped: Kino) -> None:
    """The box and the preset are one thing to Kino, so one follows the other in the form."""
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        box, radio = screen.query_one("#enabled", Checkbox), screen.query_one(RadioSet)
        box.toggle()
        await previewed(pilot)
        assert radio.pressed_button is not None
        assert radio.pressed_button.name == "off"
        assert "Kino does not look at Enabled" in said(screen, "remarks")
        screen.query_one("#save", Button).press()
        await until(pilot, lambda: pilot.app.screen is page(pilot))
        assert row(shipped)[:2] == (0, "off")

        await idle(pilot)
        screen = await opened(pilot)
        box, radio = screen.query_one("#enabled", Checkbox), screen.query_one(RadioSet)
        assert not box.value
        box.toggle()
        await previewed(pilot)
        assert radio.pressed_button is not None
        assert radio.pressed_button.name == "daily"
        screen.query_one("#save", Button).press()
        await until(pilot, lambda: pilot.app.screen is page(pilot))
        assert row(shipped)[:2] == (1, "daily")


async def test_choosing_a_preset_ticks_the_box_and_off_clears_it(app: KinoBackupApp, shipped: Kino) -> None:
    """By the keys one would press."""
    change(shipped, "UPDATE config SET backup_schedule = 'off', backup_enabled = 0")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        box = screen.query_one("#enabled", Checkbox)
        await pilot.press("tab", "left", "left", "space")
        await previewed(pilot)
        assert box.value
        assert "every 28 days" in said(screen, "remarks")
        await pilot.press("right", "space")
        await previewed(pilot)
        assert not box.value


async def test_a_count_that_keeps_all_does_not_stop_the_rest_from_being_saved(
    app: KinoBackupApp, shipped: Kino
) -> None:
    """It can stay, and nobody can choose it."""
    change(shipped, "UPDATE config SET backup_retention_count = -1")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        assert "never removes any" in said(screen, "removes")
        screen.query_one("#time", Input).value = "04:30"
        await previewed(pilot)
        screen.query_one("#save", Button).press()
        await until(pilot, lambda: pilot.app.screen is page(pilot))
    assert row(shipped)[2] == "04:30"
    assert row(shipped)[4] == -1


async def test_a_box_that_kino_ignores_is_told(app: KinoBackupApp, shipped: Kino) -> None:
    """Kino's own page says that backups are disabled; they are made."""
    change(shipped, "UPDATE config SET backup_enabled = 0")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        assert screen.query_one("#enabled", Checkbox).value
        assert "Kino does not look at that box" in said(screen, "remarks")


async def test_what_is_saved_is_told_with_its_clock(app: KinoBackupApp) -> None:
    """A time without a clock would be taken for one of the host."""
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await opened(pilot)
        screen.query_one("#time", Input).value = "04:30"
        await previewed(pilot)
        screen.query_one("#save", Button).press()
        await until(pilot, lambda: "Schedule saved: Daily at 04:30 UTC = 06:30 +0200" in toasts(pilot))
