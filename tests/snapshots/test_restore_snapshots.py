"""Every state of a restore that a person can see, as a picture. Behaviour is tested in `tests/tui`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from textual.pilot import Pilot

from kino_backup_tui.core.jobs.journal import JobRecord
from kino_backup_tui.core.progress import JobEvent
from kino_backup_tui.core.restore.plan import Change, RestorePlan, RestoreResult
from kino_backup_tui.tui.app import KinoBackupApp
from kino_backup_tui.tui.screens.plan import PlanScreen
from kino_backup_tui.tui.screens.restore_progress import RestoreProgressScreen
from kino_backup_tui.tui.screens.result import ResultScreen
from tests.tui.driving import loaded, until
from tests.tui.prepared import NOW, PreparedBackend, household
from tests.tui.prepared_restore import (
    BY_HAND,
    ENDED,
    INTERRUPTED,
    NEWER,
    NO_CONTROL,
    NO_ROOM,
    PRE_RESTORE,
    RESTORED,
    ROLLED_BACK,
    STAGED,
    STOPPING,
    UNDECIDED,
    UNHEALTHY,
    WAITING,
    plan,
    rollback_plan,
)

Compare = Callable[..., bool]
Run = Callable[[Pilot[None]], Awaitable[None]]
WIDE = (120, 40)


def planned(prepared: RestorePlan) -> PreparedBackend:
    """A household in which planning has this answer."""
    backend = PreparedBackend(household())
    backend.plan = prepared
    backend.way = PRE_RESTORE
    return backend


def asking(key: str = "r", *more: str) -> Run:
    """Press the key that plans, and then more, once the question is there."""

    async def run(pilot: Pilot[None]) -> None:
        await loaded(pilot)
        await pilot.press(key)
        await until(pilot, lambda: isinstance(pilot.app.screen, PlanScreen))
        await pilot.pause()
        for one in more:
            await pilot.press(one)
        await pilot.pause()

    return run


def following(backend: PreparedBackend, events: tuple[JobEvent, ...]) -> Run:
    """Confirm, and wait until the last of these events is drawn."""
    backend.worker_events = events

    async def run(pilot: Pilot[None]) -> None:
        await asking()(pilot)
        backend.hold.clear()
        await pilot.press("y")
        await until(
            pilot,
            lambda: (
                isinstance(screen := pilot.app.screen, RestoreProgressScreen)
                and screen.board.running is events[-1].stage
                and screen.board.note == events[-1].note
            ),
        )
        await pilot.pause()

    return run


def ending(backend: PreparedBackend, result: RestoreResult) -> Run:
    """Confirm, and wait for the end."""
    backend.worker_events = STOPPING
    backend.last_events = (ENDED[0]._replace(outcome=result.outcome),)
    backend.result = result

    async def run(pilot: Pilot[None]) -> None:
        await asking("r", "y")(pilot)
        await until(pilot, lambda: isinstance(pilot.app.screen, ResultScreen))
        await pilot.pause()

    return run


def test_dialog(snap_compare: Compare) -> None:
    """Both sides, what happens, and Cancel in focus."""
    assert snap_compare(KinoBackupApp(planned(plan())), run_before=asking())


def test_dialog_more(snap_compare: Compare) -> None:
    """One key further: what becomes of everything else."""
    assert snap_compare(KinoBackupApp(planned(plan())), run_before=asking("r", "m"))


def test_dialog_wide(snap_compare: Compare) -> None:
    """With more room nothing needs scrolling."""
    assert snap_compare(KinoBackupApp(planned(plan())), run_before=asking(), terminal_size=WIDE)


def test_dialog_hostile(snap_compare: Compare) -> None:
    """Long and odd names, versions and settings wrap, and are never mark-up."""
    prepared = plan(
        source=Path("/mnt/usb") / ("[b]kopie från året [red] 日本語 " + "x" * 120 + "\x1b[31m\u202e.tar.gz"),
        version="0.4.1-rc.1+build.20260415.of.somebody",
        changes=(Change("server.port", "8080", '"[80]"'),),
        warnings=("It was made by another installation, on [nas02].",),
    )
    assert snap_compare(KinoBackupApp(planned(prepared)), run_before=asking())


def test_dialog_blocked(snap_compare: Compare) -> None:
    """Everything that forbids it, each with its way out, and no button that starts it."""
    prepared = plan(blockers=(NEWER, NO_CONTROL))
    assert snap_compare(KinoBackupApp(planned(prepared)), run_before=asking())


def test_dialog_without_safety(snap_compare: Compare) -> None:
    """No room for the safety backup: going without it is a second choice, not the first."""
    prepared = plan(blockers=(NO_ROOM,))
    assert snap_compare(KinoBackupApp(planned(prepared)), run_before=asking())


def test_dialog_undo(snap_compare: Compare) -> None:
    """Undoing has words of its own."""
    assert snap_compare(KinoBackupApp(planned(rollback_plan())), run_before=asking("u"))


def test_progress(snap_compare: Compare) -> None:
    """Half-way, cancelling still possible."""
    backend = planned(plan())
    assert snap_compare(KinoBackupApp(backend), run_before=following(backend, STAGED))


def test_progress_stopping(snap_compare: Compare) -> None:
    """Kino is being stopped: there is no way but forward, and a long note is told in full."""
    backend = planned(plan())
    assert snap_compare(KinoBackupApp(backend), run_before=following(backend, STOPPING))


def test_progress_waiting_for_kino(snap_compare: Compare) -> None:
    """Without a supervisor the admin is told what to do."""
    backend = planned(plan(controls=False))
    assert snap_compare(KinoBackupApp(backend), run_before=following(backend, WAITING))


def test_progress_rolling_back(snap_compare: Compare) -> None:
    """The stage that failed is marked, and what it led to is told."""
    backend = planned(plan())
    assert snap_compare(KinoBackupApp(backend), run_before=following(backend, UNHEALTHY), terminal_size=WIDE)


def test_result(snap_compare: Compare) -> None:
    """What was restored and proven, and the way back."""
    backend = planned(plan())
    assert snap_compare(KinoBackupApp(backend), run_before=ending(backend, RESTORED))


def test_result_by_hand(snap_compare: Compare) -> None:
    """Kino has to be started by a person."""
    backend = planned(plan(controls=False))
    assert snap_compare(KinoBackupApp(backend), run_before=ending(backend, BY_HAND))


def test_result_rolled_back(snap_compare: Compare) -> None:
    """What failed and why, what is true now, what to try, and Kino's last words."""
    backend = planned(plan())
    assert snap_compare(KinoBackupApp(backend), run_before=ending(backend, ROLLED_BACK))


def test_result_undecided(snap_compare: Compare) -> None:
    """Both folders by name."""
    backend = planned(plan())
    assert snap_compare(KinoBackupApp(backend), run_before=ending(backend, UNDECIDED))


def test_page_interrupted(snap_compare: Compare) -> None:
    """Nothing on the page is more urgent."""
    backend = PreparedBackend(household())
    backend.is_interrupted = INTERRUPTED
    assert snap_compare(KinoBackupApp(backend), run_before=loaded)


def test_settle(snap_compare: Compare) -> None:
    """What settling will do, before it is done."""
    backend = PreparedBackend(household())
    backend.is_interrupted = INTERRUPTED

    async def run(pilot: Pilot[None]) -> None:
        await loaded(pilot)
        await pilot.press("enter")
        await pilot.pause()

    assert snap_compare(KinoBackupApp(backend), run_before=run)


def test_settle_undecided(snap_compare: Compare) -> None:
    """Neither state is whole: which is to stay?"""
    backend = PreparedBackend(household())
    backend.is_interrupted = replace(
        INTERRUPTED,
        text="It cannot be told which files are whole. Kino stays stopped until you decide.",
        decided=False,
    )

    async def run(pilot: Pilot[None]) -> None:
        await loaded(pilot)
        await pilot.press("enter")
        await pilot.pause()

    assert snap_compare(KinoBackupApp(backend), run_before=run)


def test_page_way_back(snap_compare: Compare) -> None:
    """The pre-restore backup of the last restore is labelled, and undoing is offered."""
    backend = PreparedBackend(household())
    backend.way = PRE_RESTORE
    assert snap_compare(KinoBackupApp(backend), run_before=loaded)


def test_page_restore_running(snap_compare: Compare) -> None:
    """A restore of another terminal can be watched from here."""
    backend = PreparedBackend(household())
    backend.job = JobRecord("j1", "restore", NOW, pid=1, running=True)
    assert snap_compare(KinoBackupApp(backend), run_before=loaded)


def test_restore_from_file(snap_compare: Compare) -> None:
    """Asking which archive."""

    async def run(pilot: Pilot[None]) -> None:
        await loaded(pilot)
        await pilot.press("f")
        await pilot.pause()
        await until(
            pilot,
            lambda: all(worker.is_finished for worker in pilot.app.workers if worker.group != "default"),
        )
        await pilot.pause()

    assert snap_compare(KinoBackupApp(PreparedBackend(household())), run_before=run)
