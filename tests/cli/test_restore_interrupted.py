"""A restore whose worker has died, and the gate before Kino's start."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from tests.cli.harness import Cli
from tests.cli.restoring import (
    change,
    configured,
    freeze_worker,
    kino_by_hand,
    leftovers,
    no_worker_left,
    reach,
    state,
)


def test_a_worker_that_died_is_told_and_settled(slow_cli: Cli) -> None:
    """`status`, `watch` and the next restore say so, `apply` tidies up, and all is as it was."""
    slow_cli.create()
    change(slow_cli)
    before = state(slow_cli)
    with (
        no_worker_left(slow_cli),
        slow_cli.running("restore", "latest", "--yes", "--json", "--progress") as process,
    ):
        os.kill(freeze_worker(slow_cli, "checking_archive"), signal.SIGKILL)
        assert process.stdout is not None
        told = process.stdout.read().splitlines()
        assert process.wait() == 1
    error = json.loads(told[-1])["error"]
    assert "interrupted" in error["message"]
    assert slow_cli.command("apply") in error["hint"]

    status = slow_cli.run("status", "--json").json
    assert (status["interrupted"]["operation"], status["interrupted"]["decided"]) == ("restore", True)
    assert slow_cli.command("apply") in slow_cli.run("status").err
    watched = slow_cli.run("watch")
    assert watched.code == 1
    assert slow_cli.command("apply") in watched.err
    blocked = slow_cli.run("restore", "latest", "--yes")
    assert blocked.code == 14
    assert slow_cli.command("apply") in blocked.err

    settled = slow_cli.run("apply", "--json")
    assert (settled.code, settled.json["outcome"]) == (0, "cancelled")
    assert "error" not in settled.json
    assert slow_cli.run("status", "--json").json["interrupted"] is None
    assert state(slow_cli) == before
    assert leftovers(slow_cli) == []
    assert slow_cli.run("restore", "latest", "--yes").code == 0


def test_the_gate_keeps_kino_stopped_while_it_is_being_replaced(cli: Cli, tmp_path: Path) -> None:
    """Exit code 20 and one line why; once the worker is dead, the start settles it and may go on."""
    cli.create()
    change(cli)
    before = state(cli)
    hold = tmp_path / "hold"
    hold.touch()
    stop = f'while [ -e "{hold}" ]; do sleep 0.05; done'
    config = configured(tmp_path, stop_command=["sh", "-c", stop], start_command=["true"])
    assert cli.run("apply", "--gate").code == 0
    with (
        kino_by_hand(cli) as kino,
        no_worker_left(cli),
        cli.running(
            *("restore", "latest", "--yes", "--json", "--progress"),
            environ={"KINO_BACKUP_TUI_CONFIG": config},
        ) as process,
    ):
        reach(process, "stopping")
        kept = cli.run("apply", "--gate")
        assert (kept.code, kept.out, kept.err.count("\n")) == (20, "", 1)
        assert kept.err.startswith("Kino stays stopped: ")
        os.kill(freeze_worker(cli, "stopping"), signal.SIGKILL)
        hold.unlink()
        process.wait()
        assert kino.stdin is not None
        kino.stdin.close()
        kino.wait()
        assert cli.run("apply", "--gate", KINO_BACKUP_TUI_CONFIG=config).code == 0
    assert state(cli) == before


def test_the_gate_lets_a_kino_start_whose_data_path_is_gone(tmp_path: Path) -> None:
    """There is nothing that its start could spoil, and nobody to settle anything with."""
    assert Cli(tmp_path / "gone").run("apply", "--gate").code == 0


def test_the_gate_answers_with_nothing_but_its_codes(cli: Cli, tmp_path: Path) -> None:
    """A mistake in the configuration keeps Kino stopped, in one line, instead of a code of its own."""
    config = tmp_path / "tool.toml"
    config.write_text("no_such_key = 1\n")
    config.chmod(0o600)
    result = cli.run("apply", "--gate", KINO_BACKUP_TUI_CONFIG=str(config))
    assert (result.code, result.out, result.err.count("\n")) == (20, "", 1)
    assert "no_such_key" in result.err
