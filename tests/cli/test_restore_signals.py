"""Ctrl-C, SIGTERM and SIGHUP during a restore, and what commands of the admin make of it."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.harness import Cli, end_of, event_of
from tests.cli.restoring import (
    change,
    configured,
    freeze_worker,
    kino_by_hand,
    leftovers,
    no_worker_left,
    reach,
    state,
    thaw_once_asked_to_stop,
)
from tests.cli.test_terminal import at_terminal

SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


@pytest.fixture
def ready(slow_cli: Cli) -> Iterator[Cli]:
    """A Kino with a backup and changes since; large enough for its restore to be caught in the act."""
    slow_cli.create()
    change(slow_cli)
    with no_worker_left(slow_cli):
        yield slow_cli


@pytest.mark.parametrize(("number", "code"), SIGNALS)
@pytest.mark.parametrize("stage", ["checking_archive", "safety_backup"])
def test_a_signal_before_the_stop_cancels(ready: Cli, stage: str, number: signal.Signals, code: int) -> None:
    """The worker has ended when the command does; nothing was replaced, and the lock is free."""
    before = state(ready)
    with ready.running("restore", "latest", "--yes", "--json", "--progress") as process:
        worker = freeze_worker(ready, stage)
        job = reach(process, stage)
        process.send_signal(number)
        thaw_once_asked_to_stop(worker)
        returned, lines, errors = end_of(process)
    assert (returned, errors, lines[-1]["error"]["code"]) == (code, "", "cancelled")
    assert state(ready) == before
    assert leftovers(ready) == []
    record = ready.run("jobs", "--json").json[0]
    assert (record["id"], record["outcome"], record["running"]) == (job, "cancelled", False)
    assert ready.run("watch", job).code == 130
    assert ready.run("prune", "--wait", "0").code == 0


def test_a_signal_while_the_archive_is_read_for_the_plan(ready: Cli) -> None:
    """There is no worker yet, and nothing is left; it is said that nothing was changed."""
    jobs = ready.run("jobs", "--json").json
    with ready.running("restore", "latest", "--yes", "--json", "--progress") as process:
        assert event_of(process)["stage"] == "checking_archive"
        process.send_signal(signal.SIGINT)
        code, lines, _ = end_of(process)
    assert (code, lines[-1]["error"]["message"]) == (130, "Cancelled; nothing was changed.")
    assert ready.run("jobs", "--json").json == jobs
    assert leftovers(ready) == []


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_signal_after_that_leaves_it_to_itself(
    cli: Cli, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """Kino is being stopped: the restore goes on without the terminal, and `watch` hears its end."""
    cli.create()
    change(cli)
    after = state(cli)
    hold = tmp_path / "hold"
    hold.touch()
    with kino_by_hand(cli) as kino, no_worker_left(cli), contextlib.ExitStack() as end:
        end.callback(hold.unlink, missing_ok=True)
        # It takes its time to stop, and cannot be started: the state from before has to come back.
        stop = f'while [ -e "{hold}" ]; do sleep 0.05; done'
        config = configured(tmp_path, stop_command=["sh", "-c", stop], start_command=["false"])
        with cli.running(
            "restore", "latest", "--yes", "--json", "--progress", environ={"KINO_BACKUP_TUI_CONFIG": config}
        ) as process:
            job = reach(process, "stopping")
            process.send_signal(number)
            returned, lines, errors = end_of(process)
        assert (returned, errors) == (code, "")
        assert lines[-1]["error"]["code"] == "detached"
        assert cli.command("watch") in lines[-1]["error"]["message"]
        assert cli.run("jobs", "--json").json[0]["running"] is True
        assert kino.stdin is not None
        kino.stdin.close()
        hold.unlink()
        watched = cli.run("watch", job, "--json", KINO_BACKUP_TUI_CONFIG=config)
    assert (watched.code, watched.json["outcome"]) == (9, "rolled_back")
    assert watched.json["error"]["code"] == "rolled_back"
    assert state(cli) == after


def test_a_kino_that_does_not_come_up_is_undone(cli: Cli, tmp_path: Path) -> None:
    """Exit code 9; the message says what is true now, with the stage and the last lines of Kino's log."""
    cli.create()
    change(cli)
    after = state(cli)
    config = configured(
        tmp_path, stop_command=["true"], start_command=["true"], log_command=["echo", "Kino: no port"]
    )
    result = cli.run("restore", "latest", "--yes", "--health-timeout", "1", KINO_BACKUP_TUI_CONFIG=config)
    assert result.code == 9
    assert result.out == ""
    assert "Checking health" in result.err
    assert "Kino: no port" in result.err
    assert "error: " in result.err
    assert "is back" in result.err
    assert state(cli) == after
    told = cli.run("watch", "--json", KINO_BACKUP_TUI_CONFIG=config)
    assert (told.code, told.json["failed_stage"], told.json["log"]) == (
        9,
        "checking_health",
        ["Kino: no port"],
    )


def test_a_kino_that_does_not_stop_is_left_alone(cli: Cli, tmp_path: Path) -> None:
    """Exit code 8, nothing was replaced, and it still runs."""
    cli.create()
    change(cli)
    after = state(cli)
    config = configured(tmp_path, stop_command=["false"], start_command=["true"])
    with kino_by_hand(cli), no_worker_left(cli):
        result = cli.run("restore", "latest", "--yes", "--json", KINO_BACKUP_TUI_CONFIG=config)
    assert (result.code, result.json["outcome"]) == (8, "service")
    assert "stop_command" in result.json["error"]["message"]
    assert state(cli) == after
    assert cli.run("apply").code == 0


@pytest.mark.parametrize(
    "answer", ["n\n", "\n", "\x04", "\x03"], ids=["no", "enter", "end of file", "Ctrl-C"]
)
def test_everything_but_yes_restores_nothing(cli: Cli, answer: str) -> None:
    """The plan and the question are on the terminal; without a yes, nothing happens."""
    cli.create()
    change(cli)
    after = state(cli)
    with at_terminal(cli, "restore", "latest") as terminal:
        terminal.read_until("[y/N] ")
        assert "3 films" in terminal.seen
        terminal.type(answer)
        assert terminal.end() == 130
        assert "Traceback" not in terminal.seen
    assert state(cli) == after
    assert leftovers(cli) == []


def test_yes_restores(cli: Cli) -> None:
    """Its stages are one line that goes away; of the worker's output nothing is on the terminal."""
    cli.create()
    before = state(cli)
    change(cli)
    with at_terminal(cli, "restore", "latest") as terminal:
        terminal.read_until("[y/N] ")
        terminal.type("y\n")
        assert terminal.end() == 0
    assert state(cli) == before
    drawn = terminal.seen.split("[y/N] ")[1].split("\r\x1b[K")
    assert len(drawn) > 2
    assert all(len(line) < 60 for line in drawn[1:])
