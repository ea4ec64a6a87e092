"""Every state a person can see, as a picture. Behaviour is tested in `tests/tui`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_textual_snapshot import SVGImageExtension  # type: ignore[import-untyped]
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

from kino_backup_tui.core.errors import InvalidSettingsError, LocationError, NoSpaceError
from kino_backup_tui.core.jobs.journal import JobRecord
from kino_backup_tui.core.kino.running import KinoState
from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.core.progress import JobEvent, Stage
from kino_backup_tui.tui.app import KinoBackupApp
from kino_backup_tui.tui.screens.progress import ProgressScreen
from kino_backup_tui.tui.widgets.stage_lines import StageLines
from tests.tui.prepared import NOW, PreparedBackend, backup, household, many

Compare = Callable[..., bool]
WIDE = (120, 40)


async def loaded(pilot: Pilot[None]) -> None:
    """Wait until the list is there and drawn."""
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


async def settled(pilot: Pilot[None]) -> None:
    """Wait until nothing is read any more; a page that waits for an answer is a worker that goes on."""
    await pilot.pause(0.3)  # the form asks for its preview once typing pauses
    while any(worker.group != "default" and not worker.is_finished for worker in pilot.app.workers):
        await pilot.pause()
    await pilot.pause()


def pressing(*keys: str) -> Callable[[Pilot[None]], object]:
    """Press keys once the list is there, and wait for what they start."""

    async def run(pilot: Pilot[None]) -> None:
        await loaded(pilot)
        for key in keys:
            await pilot.press(key)
        await settled(pilot)

    return run


def starting(key: str) -> Callable[[Pilot[None]], object]:
    """Press a key that starts a job without an end."""

    async def run(pilot: Pilot[None]) -> None:
        await loaded(pilot)
        await pilot.press(key)
        while not isinstance(pilot.app.screen, ProgressScreen) or "●" not in stages_of(pilot.app.screen):
            await pilot.pause()

    return run


def stages_of(screen: Screen[Any]) -> str:
    """The stages as the screen says them."""
    return str(screen.query_one(StageLines).render())


def event(kind: str, seconds: float, stage: Stage | None = None, done: int = 0) -> JobEvent:
    """An event of a create job, that many seconds before now."""
    total = 18_900_000 if done else None
    return JobEvent(kind, "j1", "create", NOW - timedelta(seconds=seconds), stage, done, total)


RUNNING = (
    event("start", 4.0),
    event("stage", 4.0, Stage.DATABASE_SNAPSHOT),
    event("stage", 2.8, Stage.HASHING),
    event("stage", 2.1, Stage.PACKING),
    event("progress", 0.0, Stage.PACKING, 10_800_000),
)


def test_page(snap_compare: Compare) -> None:
    """The list of a household, newest first, the first one selected."""
    assert snap_compare(KinoBackupApp(PreparedBackend(household())), run_before=loaded)


def test_page_wide(snap_compare: Compare) -> None:
    """More room shows schema and file name in the list."""
    app = KinoBackupApp(PreparedBackend(household()))
    assert snap_compare(app, run_before=loaded, terminal_size=WIDE)


def test_page_damaged_selected(snap_compare: Compare) -> None:
    """A damaged backup says what is wrong with it."""
    app = KinoBackupApp(PreparedBackend(household()))
    assert snap_compare(app, run_before=pressing("down", "down", "down", "down"))


def test_page_empty(snap_compare: Compare) -> None:
    """Without backups the page says when the first comes and which key makes one now."""
    assert snap_compare(KinoBackupApp(PreparedBackend()), run_before=loaded)


def test_page_one(snap_compare: Compare) -> None:
    """One backup is a list too."""
    assert snap_compare(KinoBackupApp(PreparedBackend(many(1))), run_before=loaded)


def test_page_thousand(snap_compare: Compare) -> None:
    """A thousand backups, the last one selected."""
    assert snap_compare(KinoBackupApp(PreparedBackend(many(1000))), run_before=pressing("end"))


def test_page_hostile_names(snap_compare: Compare) -> None:
    """Brackets, spaces, escapes, other scripts and 200 characters are names, not mark-up."""
    names = (
        "backup [b]x [red] [1] v1.tar.gz",
        "kopie från förra året.tar.gz",
        "red\x1b[31m\u202egz.tar.gz",
        "日本語の名前.tar.gz",
        "x" * 193 + ".tar.gz",
        "\udcff\udcfe.tar.gz",
    )
    backups = [
        backup(BackupKind.MANUAL, f"2026-04-2{day}T12:00:00", filename=name) for day, name in enumerate(names)
    ]
    app = KinoBackupApp(PreparedBackend(backups[::-1]))
    assert snap_compare(app, run_before=pressing("end"), terminal_size=WIDE)


def test_page_too_small(snap_compare: Compare) -> None:
    """Below 60 columns one sentence is all."""
    app = KinoBackupApp(PreparedBackend(household()))
    assert snap_compare(app, run_before=loaded, terminal_size=(50, 14))


def test_page_kino_down(snap_compare: Compare) -> None:
    """A Kino that is down runs no schedule, and the page says so."""
    backend = PreparedBackend(household())
    backend.state, backend.unattended = KinoState(running=False), True
    assert snap_compare(KinoBackupApp(backend), run_before=loaded)


def test_page_location_lost(snap_compare: Compare) -> None:
    """A location that is not there takes the status line."""
    backend = PreparedBackend(household())
    backend.location_problem = LocationError("The backup location /mnt/nas does not exist.")
    assert snap_compare(KinoBackupApp(backend), run_before=loaded)


def test_page_other_process_at_work(snap_compare: Compare) -> None:
    """The operation of another process is named, with the key to watch it."""
    backend = PreparedBackend(household())
    backend.job = JobRecord("j1", "create", NOW - timedelta(minutes=3), pid=1, running=True)
    assert snap_compare(KinoBackupApp(backend), run_before=loaded)


def test_filter(snap_compare: Compare) -> None:
    """Words narrow the list while they are typed."""
    app = KinoBackupApp(PreparedBackend(household()))
    assert snap_compare(app, run_before=pressing("slash", *"sched 04-2"[:5], "space", *"04-2"))


def test_detail(snap_compare: Compare) -> None:
    """Everything known of one backup, with the digests of its contents."""
    assert snap_compare(KinoBackupApp(PreparedBackend(household())), run_before=pressing("enter"))


def test_help(snap_compare: Compare) -> None:
    """Every key and what it does."""
    assert snap_compare(KinoBackupApp(PreparedBackend(household())), run_before=pressing("question_mark"))


def test_palette(snap_compare: Compare) -> None:
    """The same actions as a list to search."""
    assert snap_compare(KinoBackupApp(PreparedBackend(household())), run_before=pressing("ctrl+p"))


def test_schedule(snap_compare: Compare) -> None:
    """The form with the next five runs."""
    assert snap_compare(KinoBackupApp(PreparedBackend(household())), run_before=pressing("s"))


def test_schedule_lower_keep(snap_compare: Compare) -> None:
    """Keeping fewer names what would be removed."""
    backend = PreparedBackend(household())
    backend.removes = tuple(one for one in backend.backups if one.kind is BackupKind.SCHEDULED)[-2:]

    async def lower_keep(pilot: Pilot[None]) -> None:
        await loaded(pilot)
        await pilot.press("s")
        await settled(pilot)
        pilot.app.screen.query_one("#keep", Input).value = "3"
        await settled(pilot)

    assert snap_compare(KinoBackupApp(backend), run_before=lower_keep)


def test_schedule_invalid(snap_compare: Compare) -> None:
    """What is not allowed is said beside its field, and there is no saving it."""

    async def type_nonsense(pilot: Pilot[None]) -> None:
        await loaded(pilot)
        await pilot.press("s")
        await settled(pilot)
        pilot.app.screen.query_one("#time", Input).value = "29:99"
        pilot.app.screen.query_one("#keep", Input).value = "0"
        await settled(pilot)

    assert snap_compare(KinoBackupApp(PreparedBackend(household())), run_before=type_nonsense)


def test_schedule_of_broken_settings(snap_compare: Compare) -> None:
    """A config.toml that says something impossible is quoted above the form."""
    backend = PreparedBackend(household())
    backend.settings_problem = InvalidSettingsError(
        '/var/lib/kino/config.toml: backup.time is "25:00"; allowed is a time from "00:00" to "23:59".'
    )
    assert snap_compare(KinoBackupApp(backend), run_before=pressing("s"))


def test_delete(snap_compare: Compare) -> None:
    """The question names the backup; Cancel has the focus."""
    assert snap_compare(KinoBackupApp(PreparedBackend(household())), run_before=pressing("d"))


def test_delete_pre_restore(snap_compare: Compare) -> None:
    """A recovery point is asked for in other words."""
    app = KinoBackupApp(PreparedBackend(household()))
    assert snap_compare(app, run_before=pressing("down", "down", "down", "d"))


def test_import(snap_compare: Compare) -> None:
    """Asking for a file, and saying what the path still lacks."""
    assert snap_compare(KinoBackupApp(PreparedBackend(household())), run_before=pressing("i"))


def test_export(snap_compare: Compare) -> None:
    """Asking for a place, and saying what the copy will be called."""
    assert snap_compare(KinoBackupApp(PreparedBackend(household())), run_before=pressing("e"))


def test_progress(snap_compare: Compare) -> None:
    """Stages done, running and to come, and one bar."""
    backend = PreparedBackend(household())
    backend.events = RUNNING
    backend.hold.clear()
    assert snap_compare(KinoBackupApp(backend), run_before=starting("b"))


def test_created(snap_compare: Compare) -> None:
    """The toast has the size, and the new backup is in the list."""
    assert snap_compare(KinoBackupApp(PreparedBackend(household())), run_before=pressing("b"))


def test_error(snap_compare: Compare) -> None:
    """What happened, what it means, what to do, and the exact text."""
    error = NoSpaceError(
        "The copy needs 31.4 MB in /mnt/[nas]; 12.0 MB are free and 256.0 MB are kept free for Kino.",
        hint="Free space there, or move the backup location to a larger volume.",
    )
    error.__cause__ = OSError(28, "No space left on device")
    app = KinoBackupApp(PreparedBackend(household(), error=error))
    assert snap_compare(app, run_before=pressing("b"))


@pytest.mark.parametrize(
    "environment",
    [{"NO_COLOR": "1"}, {}, {"COLORTERM": "truecolor", "COLORFGBG": "0;15"}],
    ids=["no_colour", "plain_ssh", "light"],
)
def test_themes(snapshot: SnapshotAssertion, environment: dict[str, str], tmp_path: Path) -> None:
    """Without colour, in the colours of a plain SSH session, and on a light background.

    Theme and filter are decided while Textual is imported, so each is drawn by a process of its own.
    """
    picture = tmp_path / "page.svg"
    program = Path(__file__).with_name("draw_page.py")
    fixed = {"PATH": os.defpath, "PYTHONPATH": str(Path(__file__).parents[2]), "TERM": "xterm-256color"}

    subprocess.run([sys.executable, program, picture], env=fixed | environment, check=True, timeout=60)

    assert picture.read_text("utf-8") == snapshot(extension_class=SVGImageExtension)
