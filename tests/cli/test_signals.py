"""Ctrl-C, SIGTERM and SIGHUP at every stage of the work."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.cli.harness import COMMAND, Cli, end_of, event_of, run

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


@pytest.mark.parametrize(("number", "_code"), SIGNALS)
def test_a_signal_after_the_work_is_done_changes_nothing(
    cli: Cli, number: signal.Signals, _code: int
) -> None:
    """A script must see 0 and the path of a backup that was made, whatever comes while it is told of."""
    program = (
        "import os, sys\n"
        "class Interrupted:\n"
        "    def __init__(self, stream): self._stream = stream\n"
        "    def __getattr__(self, name): return getattr(self._stream, name)\n"
        f"    def write(self, text): os.kill(os.getpid(), {number.value}); self._stream.write(text)\n"
        "sys.stdout, sys.stderr = Interrupted(sys.stdout), Interrupted(sys.stderr)\n"
        "from kino_backup_tui.__main__ import main\n"
        "main()"
    )
    result = run([COMMAND[0], "-c", program, "--data-path", str(cli.data_path), "create"])
    assert (result.code, result.out) == (0, f"{cli.archives[0]}\n")
    assert result.err.startswith("Created ")


@pytest.mark.parametrize(("number", "_code"), SIGNALS)
def test_a_signal_while_python_shuts_down_keeps_the_exit_code(
    cli: Cli, number: signal.Signals, _code: int
) -> None:
    """The work is done and told of: neither noise nor death by a signal follows."""
    program = (
        "import atexit, os\n"
        f"atexit.register(lambda: os.kill(os.getpid(), {number.value}))\n"
        "from kino_backup_tui.__main__ import main\n"
        "main()"
    )
    for verb, expected in ((["list"], 0), (["show", "nothing"], 3)):
        result = run([COMMAND[0], "-c", program, "--data-path", str(cli.data_path), *verb])
        assert result.code == expected
        assert "Traceback" not in result.err
        assert "KeyboardInterrupt" not in result.err


@pytest.mark.parametrize(
    ("verb", "message"),
    [("verify", "Cancelled."), ("export", "Cancelled; nothing was kept.")],
)
def test_what_became_of_the_work_is_said_in_words_that_fit(
    slow_cli: Cli, tmp_path: Path, verb: str, message: str
) -> None:
    """A verification has nothing to keep."""
    archive = slow_cli.create()
    target = [str(tmp_path)] if verb == "export" else []
    with slow_cli.running(verb, str(archive), *target, "--json", "--progress") as process:
        assert event_of(process)["event"] == "start"
        process.send_signal(signal.SIGINT)
        _, lines, _ = end_of(process)
    assert lines[-1]["error"]["message"] == message


@pytest.mark.parametrize("there", [True, False])
def test_an_interrupted_demo_leaves_nothing(tmp_path: Path, there: bool) -> None:
    """A half sample would only be in the way of the next try; a folder that was there stays, empty."""
    sample = tmp_path / "of" / "mine"
    if there:
        sample.mkdir(parents=True)
    with Cli(sample).running("demo", str(sample)) as process:
        deadline = time.monotonic() + 30
        while not list(sample.glob("backups/*.tar.gz")):
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) in (130, 143)
    assert [path.name for path in tmp_path.rglob("*")] == (["of", "mine"] if there else [])
    assert Cli(sample).run("demo", str(sample)).code == 0
