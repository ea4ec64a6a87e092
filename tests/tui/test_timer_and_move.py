"""The key that installs the timer, the failures behind p, and a change of the location with its backups."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Checkbox, Input

from kino_backup_tui.core.errors import NotPermittedError, ServiceError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.failing import Failing
from kino_backup_tui.core.operations.service_plan import plan_service
from kino_backup_tui.tui.app import KinoBackupApp
from kino_backup_tui.tui.backend import Backend
from kino_backup_tui.tui.screens.confirm import ConfirmScreen
from kino_backup_tui.tui.screens.error import ErrorScreen
from kino_backup_tui.tui.screens.schedule import ScheduleScreen
from kino_backup_tui.tui.widgets.key_bar import KeyBar
from tests.as_user import NOBODY, let_others_in, run_as
from tests.tui.driving import idle, line, loaded, page, toasts, until, words
from tests.tui.prepared import NOW, SERVICE_PLAN, TIMER, PreparedBackend, household

Create = Callable[..., Backup]


def keys(pilot: Pilot[None]) -> list[str]:
    """The keys in the bar of the page."""
    return [key[0] for key in page(pilot).query_one(KeyBar).keys]


async def test_t_shows_what_is_written_and_then_installs() -> None:
    """The alarm is gone afterwards, and the toast says what was done."""
    backend = PreparedBackend(household())
    backend.unattended = True

    async with KinoBackupApp(backend).run_test(notifications=True) as pilot:
        await loaded(pilot)
        assert line(pilot, "#schedule-line").startswith("Nothing runs the schedule: press t")
        assert keys(pilot)[0] == "t"
        await pilot.press("t")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmScreen))
        asked = words(pilot.app.screen)
        assert pilot.app.screen.focused is not None
        assert pilot.app.screen.focused.id == "cancel"
        await pilot.press("right", "enter")
        await until(pilot, lambda: line(pilot, "#schedule-line").startswith("Daily at 03:00"))

        assert "Every 15 minutes" in asked
        assert "as kino" in asked
        assert all(str(file) in asked for file in SERVICE_PLAN.files)
        assert "uninstall-service" in asked
        assert backend.told == ["install kino-backup-tui.timer"]
        assert any("Enabled and started kino-backup-tui.timer." in said for said in toasts(pilot))


async def test_leaving_the_question_installs_nothing() -> None:
    """Cancel has the focus: Enter is a no."""
    backend = PreparedBackend(household())

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("t")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmScreen))
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is page(pilot))

    assert backend.told == []


async def test_without_the_right_to_install_the_command_is_named() -> None:
    """Nothing is asked that could not be done."""
    backend = PreparedBackend(household())
    problem = NotPermittedError(
        "anna may not install a timer.", hint="Run: sudo kino-backup-tui install-service"
    )
    backend.service_plan = replace(SERVICE_PLAN, problem=problem)

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("t")
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorScreen))

        assert "Run: sudo kino-backup-tui install-service" in words(pilot.app.screen)


async def test_a_timer_that_cannot_be_installed_says_why() -> None:
    """The screen stays until it was read."""
    backend = PreparedBackend(
        household(), error=ServiceError("systemd refuses.", hint="Look at its journal.")
    )

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("t")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmScreen))
        await pilot.press("right", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorScreen))

        assert "The timer was not installed" in words(pilot.app.screen)
        assert "systemd refuses." in words(pilot.app.screen)


async def test_t_where_a_timer_is_says_so() -> None:
    """The key has nothing to do, and does not do it silently."""
    backend = PreparedBackend(household())
    backend.runner = TIMER

    async with KinoBackupApp(backend).run_test(notifications=True) as pilot:
        await loaded(pilot)
        await pilot.press("t")
        await pilot.pause()

        assert toasts(pilot) == ["The timer is installed."]
        assert "t" not in keys(pilot)


async def test_the_sample_installs_nothing(context: Context) -> None:
    """A look at the demo must not leave a timer on the host."""
    async with KinoBackupApp(Backend(context, sample=True)).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("t")
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorScreen))

        assert "This is the sample Kino" in words(pilot.app.screen)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_another_user_is_told_to_use_sudo(context: Context, kino: Kino) -> None:
    """The plan of one who is neither root nor Kino's user is blocked with the command to use."""
    let_others_in(kino.config_file)

    def ask() -> str:
        os.environ["XDG_STATE_HOME"] = "/nowhere"
        problem = plan_service(context, {}).problem
        assert problem is not None
        return problem.hint

    assert run_as(NOBODY, ask).startswith("Run: sudo kino-backup-tui --data-path ")


async def test_p_tells_of_failing_nights_in_full() -> None:
    """Since when, how often, why, and what to do."""
    backend = PreparedBackend(household())
    since, last = NOW - timedelta(hours=30), NOW - timedelta(hours=6)
    backend.failing = Failing(since, last, 2, "no_space", "The archive needs 31.4 MB.", "Make room.")

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        assert line(pilot, "#schedule-line").startswith("Backups have failed for 2 nights: ")
        await pilot.press("p")
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorScreen))
        said = words(pilot.app.screen)

    assert "Scheduled backups fail" in said
    assert "2 runs have failed since 2026-04-25 03:30, the last one 6 h ago." in said
    assert "The archive needs 31.4 MB." in said
    assert "What to do: Make room." in said


async def choose(pilot: Pilot[None], location: Path) -> ScheduleScreen:
    """Open the form, type a location, and wait for the offer to move the backups."""
    await pilot.press("s")
    await until(pilot, lambda: isinstance(pilot.app.screen, ScheduleScreen))
    form = pilot.app.screen
    assert isinstance(form, ScheduleScreen)
    form.query_one("#location", Input).value = str(location)
    await until(pilot, lambda: not form.query_one("#move", Checkbox).disabled)
    return form


async def test_another_location_offers_to_bring_the_backups_along(
    backend: Backend, create: Create, kino: Kino, tmp_path: Path
) -> None:
    """Ticked, they are moved once the schedule is saved."""
    names = {create().filename, create().filename}
    (tmp_path / "nas").mkdir()

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        form = await choose(pilot, tmp_path / "nas")
        offer = form.query_one("#move", Checkbox)
        assert "the 2 backups elsewhere" in str(offer.label)
        assert not offer.value
        offer.value = True
        await idle(pilot)
        form.query_one("#save").focus()
        await pilot.press("enter")
        await until(pilot, lambda: len(list((tmp_path / "nas").glob("*.tar.gz"))) == 2)
        await until(pilot, lambda: pilot.app.screen is page(pilot))

    assert {path.name for path in (tmp_path / "nas").glob("*.tar.gz")} == names
    assert list(kino.default_location.glob("*.tar.gz")) == []


async def test_without_a_tick_the_backups_stay(
    backend: Backend, create: Create, kino: Kino, tmp_path: Path
) -> None:
    """Nobody's files move because a place was changed."""
    backup = create()
    (tmp_path / "nas").mkdir()

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        form = await choose(pilot, tmp_path / "nas")
        form.query_one("#save").focus()
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is page(pilot))
        await idle(pilot)

    assert backup.path.exists()


async def test_those_that_stay_are_named_on_a_screen(
    backend: Backend, create: Create, tmp_path: Path
) -> None:
    """A toast would be gone before it was read."""
    bad, good = create(), create()
    (tmp_path / "nas").mkdir()

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        bad.path.write_bytes(bad.path.read_bytes()[:-9])
        form = await choose(pilot, tmp_path / "nas")
        form.query_one("#move", Checkbox).value = True
        await idle(pilot)
        form.query_one("#save").focus()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorScreen))
        said = words(pilot.app.screen)

    assert "Some backups stay where they are" in said
    assert f"{bad.path}: it is damaged" in said
    assert (tmp_path / "nas" / good.filename).exists()


async def test_the_present_location_offers_nothing_to_move(backend: Backend, create: Create) -> None:
    """They are there already; the row cannot be reached."""
    create()

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("s")
        await until(pilot, lambda: isinstance(pilot.app.screen, ScheduleScreen))
        await idle(pilot)
        offer = pilot.app.screen.query_one("#move", Checkbox)

        assert (offer.disabled, offer.focusable) == (True, False)
