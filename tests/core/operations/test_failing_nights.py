"""The memory of failing nights, and who is told of them when."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kino_backup_tui.core.errors import KinoBackupError, NoSpaceError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.failing import (
    Failing,
    forget_failing,
    last_slot,
    note_failure,
    note_slot,
    note_told,
    read_failing,
)
from kino_backup_tui.core.operations.run_due import DueOutcome, DueRun, run_due
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.workspace import Workspace, workspace_of
from tests.fakes import FakeClock

NIGHT = datetime(2026, 4, 26, 1, 0, tzinfo=UTC)
LATER = datetime(2026, 4, 27, 1, 0, tzinfo=UTC)


@pytest.fixture
def workspace(kino: Kino) -> Workspace:
    """The working folder."""
    return workspace_of(kino)


@pytest.fixture
def news(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, Any]]]:
    """Configure a command that keeps what it is told; the fixture is what it has got so far."""
    got = tmp_path / "got"
    got.touch()
    configure(tmp_path, monkeypatch, f"import sys; open({str(got)!r}, 'a').write(sys.stdin.read() + chr(10))")
    return lambda: [json.loads(line) for line in got.read_text().splitlines()]


def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Name a piece of Python as the command to notify."""
    config = tmp_path / "tool.toml"
    config.write_text(f"notify_command = {json.dumps([sys.executable, '-c', program])}\n")
    config.chmod(0o600)
    monkeypatch.setenv("KINO_BACKUP_TUI_CONFIG", str(config))


@pytest.fixture
def night(context: Context, clock: FakeClock) -> Callable[[], DueRun]:
    """The run of one night; every next one is a day later."""

    def one_night() -> DueRun:
        run = run_due(context, Control())
        clock.advance(days=1)
        return run

    return one_night


def test_a_series_keeps_its_beginning_and_counts_nights(workspace: Workspace) -> None:
    """Trying again for the same slot is the same night."""
    error = NoSpaceError("Full.", hint="Free space.")
    for now, night in ((NIGHT, "a"), (NIGHT, "a"), (LATER, "b")):
        note_failure(workspace, error, now=now, night=night, given_up=NIGHT)

    assert read_failing(workspace) == Failing(
        NIGHT, LATER, 2, "no_space", "Full.", "Free space.", None, "b", NIGHT
    )


def test_the_last_slot_is_the_later_of_what_is_remembered(workspace: Workspace) -> None:
    """A slot that was given up counts although state.json could not be written."""
    assert last_slot(workspace) is None
    note_slot(workspace, NIGHT)
    assert last_slot(workspace) == NIGHT
    note_failure(workspace, NoSpaceError("Full."), now=LATER, night="b", given_up=LATER)
    assert last_slot(workspace) == LATER
    forget_failing(workspace)
    assert last_slot(workspace) == NIGHT


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"since": "2026"}', '{"since": 1}', "\xff", '{"given_up": "2026-04-26T03:00"}']
)
def test_a_spoilt_memory_is_none(workspace: Workspace, text: str) -> None:
    """Whatever is in the file."""
    workspace.ensure()
    (workspace.folder / "failing.json").write_text(text)

    assert (read_failing(workspace), last_slot(workspace)) == (None, None)
    failing = note_failure(workspace, KinoBackupError("Bad."), now=NIGHT, night="a", given_up=None)
    assert read_failing(workspace) == failing
    note_told(workspace, failing, LATER)
    told = read_failing(workspace)
    assert told is not None
    assert told.notified == LATER


def test_the_first_failure_and_the_recovery_are_told(
    night: Callable[[], DueRun], kino: Kino, news: Callable[[], list[dict[str, Any]]]
) -> None:
    """With all that the one who gets it needs to know."""
    night()
    assert news() == []
    whole = kino.database.read_bytes()
    kino.database.write_bytes(b"\xff" * len(whole))
    run = night()
    assert run.problem is not None
    assert news() == [
        {
            "event": "backup_failed",
            "host": "nas01",
            "data_path": str(kino.data_path),
            "at": "2026-04-27T11:00:00+02:00",
            "since": "2026-04-27T11:00:00+02:00",
            "nights": 1,
            "code": run.problem.code,
            "message": run.problem.message,
            "hint": run.problem.hint,
            "filename": None,
        }
    ]

    night()
    kino.database.write_bytes(whole)
    run = night()
    night()
    assert run.backup is not None
    assert [(each["event"], each["nights"], each["filename"]) for each in news()[1:]] == [
        ("backup_failed", 2, None),
        ("backup_recovered", 2, run.backup.filename),
    ]


def test_what_is_tried_again_every_quarter_of_an_hour_is_told_once_a_day(
    context: Context, kino: Kino, clock: FakeClock, news: Callable[[], list[dict[str, Any]]]
) -> None:
    """A location that is away for two days."""
    run_due(context, Control())
    kino.default_location.rename(kino.data_path / "unplugged")
    for _ in range(3 * 96):
        clock.advance(minutes=15)
        run_due(context, Control())

    assert [each["event"] for each in news()] == ["backup_failed"] * 3
    assert [each["nights"] for each in news()] == [1, 2, 3]


def test_news_that_reached_nobody_is_sent_at_the_next_waking(
    context: Context, kino: Kino, clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same power cut has taken the router down; the run itself says what went wrong."""
    configure(tmp_path, monkeypatch, "raise SystemExit(1)")
    kino.database.write_bytes(b"\xff" * 8192)
    run = run_due(context, Control())
    assert run.warnings == ("notify_command ended with exit code 1.",)

    clock.advance(minutes=15)
    got = tmp_path / "got"
    configure(tmp_path, monkeypatch, f"import sys; open({str(got)!r}, 'a').write(sys.stdin.read())")
    for _ in range(3):
        assert run_due(context, Control()).outcome is DueOutcome.NOT_DUE

    assert json.loads(got.read_text())["event"] == "backup_failed"


def test_a_telling_that_fails_does_not_fail_the_backup(
    night: Callable[[], DueRun], kino: Kino, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a command that fails nor a configuration that cannot be read."""
    kino.database.rename(kino.data_path / "away")
    night()
    (kino.data_path / "away").rename(kino.database)
    (tmp_path / "tool.toml").write_text("nonsense")
    monkeypatch.setenv("KINO_BACKUP_TUI_CONFIG", str(tmp_path / "tool.toml"))

    run = night()

    assert run.outcome is DueOutcome.MADE
    assert run.warnings[0].startswith("Nobody was told of it: ")


def test_between_slots_that_are_far_apart_it_is_told_once_a_day(
    context: Context, kino: Kino, clock: FakeClock, news: Callable[[], list[dict[str, Any]]]
) -> None:
    """A month is long."""
    kino.config_file.write_text('[backup]\nfrequency = "monthly"\n')
    kino.database.unlink()
    for _ in range(4 * 24):
        run_due(context, Control())
        clock.advance(hours=1)

    assert [each["nights"] for each in news()] == [1] * 4


def test_a_configuration_about_another_kino_tells_nobody(
    night: Callable[[], DueRun], kino: Kino, news: Callable[[], list[dict[str, Any]]], tmp_path: Path
) -> None:
    """Its owner is not interested in this one."""
    with (tmp_path / "tool.toml").open("a") as stream:
        stream.write('data_path = "/somewhere/else"\n')
    kino.database.unlink()
    night()

    assert news() == []
