"""Ctrl-C, SIGTERM and SIGHUP at every stage of the work."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest

from tests.cli.harness import Cli

SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


def stop_at(cli: Cli, stage: str, number: signal.Signals) -> tuple[int, list[str], str]:
    """Start a create, send the signal as soon as it reports the stage, and return how it ended."""
    process = cli.start("create", "--json", "--progress")
    assert process.stdout is not None
    assert process.stderr is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if json.loads(line).get("stage") == stage:
            break
    process.send_signal(number)
    rest, errors = process.communicate(timeout=60)
    return process.returncode, [*lines, *rest.splitlines()], errors


@pytest.mark.parametrize(("number", "code"), SIGNALS)
@pytest.mark.parametrize("stage", ["database_snapshot", "packing"])
def test_a_signal_stops_cleanly(slow_cli: Cli, stage: str, number: signal.Signals, code: int) -> None:
    """The exit code says which signal it was; no partial file, no working copy and no lock are left."""
    returned, lines, errors = stop_at(slow_cli, stage, number)
    assert returned == code
    assert errors == ""
    assert json.loads(lines[-1])["error"]["code"] == "cancelled"
    assert slow_cli.archives == []
    assert slow_cli.unfinished == []
    job = slow_cli.run("jobs", "--json").json[0]
    assert (job["operation"], job["outcome"], job["running"]) == ("create", "cancelled", False)
    assert slow_cli.run("prune", "--wait", "0").code == 0


def test_a_second_ctrl_c_changes_nothing(slow_cli: Cli) -> None:
    """An impatient second signal must not cut the clean-up short."""
    process = slow_cli.start("create", "--json", "--progress")
    assert process.stdout is not None
    process.stdout.readline()
    for _ in range(3):
        process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert slow_cli.archives == []
    assert slow_cli.unfinished == []


def test_a_waiting_create_can_be_interrupted(slow_cli: Cli) -> None:
    """Ctrl-C while another operation has the lock ends the waiting, and the other one goes on."""
    first = slow_cli.start("create", "--json", "--progress")
    assert first.stdout is not None
    first.stdout.readline()
    second = slow_cli.start("create", "--json", "--progress")
    assert second.stdout is not None
    assert json.loads(second.stdout.readline())["stage"] == "waiting"
    second.send_signal(signal.SIGINT)
    second.communicate(timeout=60)
    assert second.returncode == 130
    first.communicate(timeout=60)
    assert first.returncode == 0
    assert len(slow_cli.archives) == 1


def test_a_silent_sender_can_be_interrupted(cli: Cli) -> None:
    """Ctrl-C while `import -` waits for standard input ends it."""
    reading, writing = os.pipe()
    process = subprocess.Popen(
        cli.arguments("import", "-", "--json", "--progress"),
        stdin=reading,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(reading)
    assert process.stdout is not None
    while json.loads(process.stdout.readline()).get("stage") != "copying":
        pass
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    os.close(writing)
    assert process.returncode == 130
    assert cli.unfinished == []


def test_nohup_is_respected(slow_cli: Cli) -> None:
    """A signal that was ignored at the start stays ignored: the backup outlives the SSH session."""
    process = slow_cli.start(
        "create", "--json", "--progress", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert len(slow_cli.archives) == 1
