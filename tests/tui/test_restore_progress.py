"""Following a restore: what the worker tells, when it can be cancelled, and that leaving it is harmless."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Self

import pytest
from textual.geometry import Region
from textual.pilot import Pilot

from kino_backup_tui.core.jobs.journal import JobRecord
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.progress import JobEvent, Stage
from kino_backup_tui.tui.app import KinoBackupApp
from kino_backup_tui.tui.screens.plan import PlanScreen
from kino_backup_tui.tui.screens.restore_progress import RestoreProgressScreen
from kino_backup_tui.tui.screens.result import ResultScreen
from kino_backup_tui.tui.widgets.stage_lines import StageLines
from tests.tui.driving import drawn_text, line, loaded, page, toasts, until, words
from tests.tui.prepared import NOW, PreparedBackend, household
from tests.tui.prepared_restore import (
    ENDED,
    MADE,
    RESTORED,
    STAGED,
    STOPPING,
    UNHEALTHY,
    WAITING,
    event,
    plan,
)


def backend_at(events: tuple[JobEvent, ...]) -> PreparedBackend:
    """A restore that is as far as these events tell, and goes on."""
    backend = PreparedBackend(household())
    backend.plan = plan()
    backend.worker_events = events
    backend.last_events = ENDED
    return backend


async def followed(pilot: Pilot[None], backend: PreparedBackend) -> RestoreProgressScreen:
    """Confirm a restore and wait until its events are drawn."""
    await loaded(pilot)
    await pilot.press("r")
    await until(pilot, lambda: isinstance(pilot.app.screen, PlanScreen))
    backend.hold.clear()
    await pilot.press("y")
    last = backend.worker_events[-1].stage
    await until(
        pilot,
        lambda: (
            isinstance(screen := pilot.app.screen, RestoreProgressScreen) and screen.board.running is last
        ),
    )
    await pilot.pause()
    screen = pilot.app.screen
    assert isinstance(screen, RestoreProgressScreen)
    return screen


async def test_stages_have_clocks_and_tell_what_they_found() -> None:
    """Done, running and to come, and the promise that the terminal does not matter."""
    backend = backend_at(STOPPING)

    async with KinoBackupApp(backend).run_test() as pilot:
        await followed(pilot, backend)
        drawn = drawn_text(pilot)
        backend.hold.set()

    rows = [" ".join(row.split()) for row in drawn.splitlines()]
    assert "✓ Checking the archive 1.2 s 5 files, every digest matches" in rows
    assert "✓ Staging 0.3 s" in rows
    assert any(row.startswith("✓ Safety backup 0.9 s kino-backup-pre-restore") for row in rows)
    assert any(row.startswith("● Stopping Kino 4.6 s kino.service, waiting") for row in rows)
    assert [row for row in rows if row.startswith("·")] == [
        "· Swapping",
        "· Starting Kino",
        "· Checking health",
    ]
    assert "You may close this terminal: the restore goes on." in " ".join(rows)


async def test_a_note_too_long_for_its_line_is_told_in_full_below() -> None:
    """What the running stage waits for is never cut off."""
    backend = backend_at(STOPPING)

    async with KinoBackupApp(backend).run_test() as pilot:
        await followed(pilot, backend)
        drawn = drawn_text(pilot)
        backend.hold.set()

    assert "\n kino.service, waiting for it to let go of the database" in drawn


async def test_x_cancels_while_nothing_has_been_touched() -> None:
    """The worker is asked, and its end is told as what it is."""
    backend = backend_at(STAGED)
    backend.last_events = (event("end", 0.0, Stage.SAFETY_BACKUP, outcome="cancelled", message="Cancelled."),)

    async with KinoBackupApp(backend).run_test() as pilot:
        await followed(pilot, backend)
        await pilot.press("x")
        await until(pilot, lambda: backend.told[-1] == "cancel j1")
        backend.hold.set()
        await until(pilot, lambda: bool(toasts(pilot)))

        assert toasts(pilot) == ["Cancelled. Nothing was changed."]
        assert pilot.app.screen is page(pilot)


async def test_a_worker_that_cannot_stop_any_more_says_so() -> None:
    """The key was pressed a moment too late."""
    backend = backend_at(STAGED)
    backend.stops = False

    async with KinoBackupApp(backend).run_test() as pilot:
        await followed(pilot, backend)
        await pilot.press("x")
        await until(pilot, lambda: "too late to cancel" in drawn_text(pilot))
        backend.hold.set()


async def test_once_kino_is_being_stopped_there_is_no_cancelling() -> None:
    """The key is gone, and does nothing."""
    backend = backend_at(STOPPING)

    async with KinoBackupApp(backend).run_test() as pilot:
        await followed(pilot, backend)
        await pilot.press("x")
        await pilot.pause()
        drawn = drawn_text(pilot)
        backend.hold.set()

    assert "x Cancel" not in drawn
    assert "Esc or q Leave; the restore goes on" in drawn
    assert "cancel j1" not in backend.told


async def test_leaving_does_not_cancel_and_tells_how_to_come_back() -> None:
    """Ctrl+C and q leave the worker alone."""
    for key in ("q", "escape", "ctrl+c"):
        backend = backend_at(STAGED)
        async with KinoBackupApp(backend).run_test() as pilot:
            await followed(pilot, backend)
            await pilot.press(key)
            await until(pilot, lambda: pilot.app.screen is page(pilot))

            assert toasts(pilot) == ["The restore goes on. Press w to watch it."]
            assert pilot.app.is_running
        assert "cancel j1" not in backend.told


async def test_a_dropped_connection_leaves_the_restore_alone() -> None:
    """SIGHUP ends the page, and nothing else."""
    backend = backend_at(STAGED)
    app = KinoBackupApp(backend)

    async with app.run_test() as pilot:
        await followed(pilot, backend)
        signal.raise_signal(signal.SIGHUP)
        await until(pilot, lambda: app.return_code is not None)

    assert app.return_code == 129
    assert "cancel j1" not in backend.told


@pytest.mark.parametrize("key", ["x", "q"])
async def test_a_restore_that_waits_for_others_is_not_started_after_all(key: str) -> None:
    """As long as there is no worker there is nothing that could go on."""
    backend = backend_at(STAGED)
    backend.locked = True

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("r")
        await until(pilot, lambda: isinstance(pilot.app.screen, PlanScreen))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(pilot.app.screen, RestoreProgressScreen))
        await pilot.press(key)
        await until(pilot, lambda: pilot.app.screen is page(pilot))

        assert toasts(pilot) == ["Cancelled. Nothing was changed."]
        assert "start restore" not in backend.told


async def test_waiting_for_kino_says_what_to_do_in_plain_words() -> None:
    """Nobody but the admin can stop a Kino without a supervisor."""
    backend = backend_at(WAITING)

    async with KinoBackupApp(backend).run_test() as pilot:
        await followed(pilot, backend)
        drawn = drawn_text(pilot)
        backend.hold.set()

    assert "\n Stop Kino now (process 812); the restore goes on by itself." in drawn
    assert "x Cancel" in drawn


async def test_rolling_back_appears_when_it_happens_and_marks_what_failed() -> None:
    """The stage that failed has a sign; what would have followed is gone."""
    backend = backend_at(UNHEALTHY)

    async with KinoBackupApp(backend).run_test() as pilot:
        await followed(pilot, backend)
        rows = [" ".join(row.split()) for row in drawn_text(pilot).splitlines()]
        backend.hold.set()

    assert any(row.startswith("✗ Checking health 0.8 s kino.service: failed") for row in rows)
    assert any(row.startswith("✓ Rolling back") for row in rows)
    assert any(row.startswith("● Starting Kino again") for row in rows)


async def test_a_second_terminal_watches_the_same_restore() -> None:
    """w opens the view on a worker that somebody else has started, up to its result."""
    backend = backend_at(STOPPING)
    backend.job = JobRecord("j1", "restore", NOW, pid=1, running=True)
    backend.result = RESTORED
    backend.hold.clear()

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        told = line(pilot, "#schedule-line")
        await pilot.press("w")
        await until(pilot, lambda: isinstance(pilot.app.screen, RestoreProgressScreen))
        await until(pilot, lambda: "Stopping Kino" in drawn_text(pilot))
        backend.hold.set()
        await until(pilot, lambda: isinstance(pilot.app.screen, ResultScreen))
        await pilot.pause()
        drawn = drawn_text(pilot)

    assert told == "A restore is running, started just now · press w to watch"
    assert MADE in drawn
    assert [one for one in backend.told if one.startswith("start")] == []


async def test_a_worker_that_leaves_no_result_is_told_by_its_end() -> None:
    """It died; what is known of it is shown."""
    backend = backend_at(STAGED)
    backend.last_events = (
        event(
            "end", 0.0, Stage.SAFETY_BACKUP, outcome="interrupted", message="Its process ended before it did."
        ),
    )

    async with KinoBackupApp(backend).run_test() as pilot:
        await followed(pilot, backend)
        backend.hold.set()
        await until(pilot, lambda: isinstance(pilot.app.screen, ResultScreen))
        await pilot.pause()
        drawn = drawn_text(pilot)

    assert "✗ The restore was interrupted" in drawn
    assert "press Enter on the page" in drawn
    assert "Failed at: Safety backup" in drawn
    assert "Its process ended before it did." in drawn


class CountingLines(StageLines):
    """Remembers what it was asked to paint."""

    def __init__(self) -> None:
        super().__init__(id="counting")
        self.asked: list[tuple[Region, ...]] = []

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        """Note the regions."""
        self.asked.append(regions)
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)


def test_a_clock_that_ticks_repaints_its_own_line_and_no_other() -> None:
    """A slow line is part of the design."""
    lines = CountingLines()
    lines.show(["✓ one  1.0 s", "● two  1.0 s", "· three"])
    lines.asked.clear()

    lines.show(["✓ one  1.0 s", "● two  1.0 s", "· three"])
    lines.show(["✓ one  1.0 s", "● two  2.0 s", "· three"])

    assert [[region.y for region in regions] for regions in lines.asked] == [[1]]


async def test_of_a_kino_that_is_not_the_usual_one_the_command_that_shows_it_again_names_it() -> None:
    """Whoever closes the terminal and comes back must not watch another Kino."""
    backend = backend_at(STOPPING)
    backend._context = backend._context._replace(kino=Kino(Path("/srv/kino")))

    async with KinoBackupApp(backend).run_test() as pilot:
        screen = await followed(pilot, backend)
        note = words(screen)
        backend.hold.set()

    assert "`kino-backup-tui --data-path /srv/kino watch` shows it again." in note
