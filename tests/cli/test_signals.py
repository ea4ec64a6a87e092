"""Ctrl-C, SIGTERM and SIGHUP at every stage of the work."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.cli.harness import Cli, end_of, event_of

SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


@pytest.mark.parametrize(("number", "code"), SIGNALS)
@pytest.mark.parametrize("stage", ["database_snapshot", "hashing", "packing", "reading_back"])
def test_a_signal_stops_cleanly(slow_cli: Cli, stage: str, number: signal.Signals, code: int) -> None:
    """The exit code says which signal it was; no partial file, no working copy and no lock are left."""
    with slow_cli.creating() as process:
        while event_of(process)["stage"] != stage:
            pass
        process.send_signal(number)
        returned, lines, errors = end_of(process)
    assert returned == code
    assert errors == ""
    assert lines[-1]["error"]["code"] == "cancelled"
    assert slow_cli.archives == []
    assert slow_cli.unfinished == []
    job = slow_cli.run("jobs", "--json").json[0]
    assert (job["operation"], job["outcome"], job["running"]) == ("create", "cancelled", False)
    assert slow_cli.run("prune", "--wait", "0").code == 0


@pytest.mark.parametrize(
    ("verb", "stage"),
    [
        ("verify", "reading"),
        ("verify", "checking_database"),
        ("export", "copying"),
        ("export", "reading_back"),
        ("import", "copying"),
        ("import", "reading"),
        ("import", "checking_database"),
    ],
)
def test_ctrl_c_in_the_middle_leaves_what_was_there(
    slow_cli: Cli, tmp_path: Path, verb: str, stage: str
) -> None:
    """Neither a half copy nor an unpacked database is left, and the archive is the one it was."""
    archive = slow_cli.create()
    target = tmp_path / "target"
    target.mkdir()
    arguments = {"verify": [str(archive)], "export": [str(archive), str(target)], "import": [str(archive)]}
    before = archive.stat()
    with slow_cli.running(verb, *arguments[verb], "--json", "--progress") as process:
        while event_of(process).get("stage") != stage:
            pass
        process.send_signal(signal.SIGINT)
        code, lines, errors = end_of(process)
    assert (code, errors) == (130, "")
    assert lines[-1]["error"]["code"] == "cancelled"
    assert slow_cli.unfinished == []
    assert slow_cli.archives == [archive]
    assert list(target.iterdir()) == []
    assert archive.stat().st_mtime_ns == before.st_mtime_ns
    assert slow_cli.run("list", "--json").json[0]["status"] == "verified"


def test_more_signals_change_nothing(slow_cli: Cli) -> None:
    """An impatient second Ctrl-C must not cut the clean-up short."""
    with slow_cli.creating() as process:
        for _ in range(3):
            process.send_signal(signal.SIGINT)
        assert end_of(process)[0] == 130
    assert slow_cli.archives == []
    assert slow_cli.unfinished == []


def test_a_waiting_create_can_be_interrupted(slow_cli: Cli) -> None:
    """Ctrl-C while another operation has the lock ends the waiting, and the other one goes on."""
    with slow_cli.creating() as first, slow_cli.running("create", "--json", "--progress") as second:
        first.send_signal(signal.SIGSTOP)
        assert event_of(second)["stage"] == "waiting"
        second.send_signal(signal.SIGINT)
        assert end_of(second)[0] == 130
        first.send_signal(signal.SIGCONT)
        assert end_of(first)[0] == 0
    assert len(slow_cli.archives) == 1


def test_a_silent_sender_can_be_interrupted(cli: Cli) -> None:
    """Ctrl-C while `import -` waits for standard input ends it."""
    reading, writing = os.pipe()
    with cli.running("import", "-", "--json", "--progress", stdin=reading) as process:
        os.close(reading)
        while event_of(process).get("stage") != "copying":
            pass
        process.send_signal(signal.SIGINT)
        assert end_of(process)[0] == 130
    os.close(writing)
    assert cli.unfinished == []


def test_a_watcher_can_leave(slow_cli: Cli) -> None:
    """Interrupting `watch` does not touch the job it follows."""
    with slow_cli.creating() as job, slow_cli.running("watch", "--json") as watcher:
        job.send_signal(signal.SIGSTOP)
        assert event_of(watcher)["event"] == "start"
        watcher.send_signal(signal.SIGINT)
        assert end_of(watcher)[0] == 130
        job.send_signal(signal.SIGCONT)
        assert end_of(job)[0] == 0


def test_nohup_is_respected(slow_cli: Cli) -> None:
    """A signal that was ignored at the start stays ignored: the backup outlives the SSH session."""

    def ignore() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    with slow_cli.creating(preexec_fn=ignore) as process:
        process.send_signal(signal.SIGHUP)
        assert end_of(process)[0] == 0
    assert len(slow_cli.archives) == 1
