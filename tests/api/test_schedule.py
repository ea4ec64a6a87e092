"""The schedule beside the API: one runner, which makes the night, and which status and doctor know."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.api.process import server, stopped, until
from tests.cli.harness import Cli, write_kino


@pytest.fixture
def kino(tmp_path: Path) -> Cli:
    """A small Kino with a night that is due: it has had no backup yet."""
    return write_kino(tmp_path / "kino")


def nights(kino: Cli) -> list[Path]:
    """The scheduled backups."""
    return [path for path in kino.archives if "-scheduled-" in path.name]


def runs(kino: Cli) -> list[dict[str, Any]]:
    """The runs of the schedule that have left a job."""
    return [job for job in kino.run("jobs", "--json").json if job["operation"] == "run-due"]


def test_a_night_that_is_due_is_made_and_who_makes_them_is_known(kino: Cli) -> None:
    """At once, as a scheduled backup; status and doctor name the server as long as it runs."""
    with server(kino) as running:
        until(lambda: "Created kino-backup-scheduled-" in running.log.read_text())
        (backup,) = running.get("/backups")
        assert backup["kind"] == "scheduled"
        status = kino.run("status", "--json").json
        assert status["runner"]["kind"] == "serve"
        assert status["runner"]["text"] == f"kino-backup-tui serve, process {running.process.pid}"
        assert status["unattended"] is False
        assert (
            f"\nServer      kino-backup-tui serve, process {running.process.pid}\n" in kino.run("status").out
        )
        doctor = kino.run("doctor", "--json").json
        schedule = next(check for check in doctor if check["name"] == "schedule")
        assert schedule["status"] == "ok"
        assert schedule["text"].endswith(f"by {status['runner']['text']}.")
        assert running.stop() == 0
    assert len(nights(kino)) == 1
    assert kino.run("status", "--json").json["runner"]["kind"] == "none"


def test_the_second_server_leaves_the_schedule_to_the_first(kino: Cli) -> None:
    """Both answer; one night is made, by one of them."""
    with server(kino) as first:
        until(lambda: "Created" in first.log.read_text())
        with server(kino) as second:
            said = f"The schedule is run by kino-backup-tui serve, process {first.process.pid}."
            until(lambda: said in second.log.read_text())
            assert second.get("/backups") == first.get("/backups")
    assert len(runs(kino)) == 1


def test_a_night_that_is_being_made_is_cancelled_and_stays_due(tmp_path: Path) -> None:
    """The server ends without leaving half a backup; the next one makes it."""
    big = write_kino(tmp_path / "big", padding_megabytes=64)
    with server(big) as running:
        until(lambda: any(job["running"] for job in running.get("/jobs")))
        assert running.stop() == 0
    assert big.archives == []
    assert big.unfinished == []
    with server(big) as running:
        until(lambda: "Created" in running.log.read_text())
    assert [job["outcome"] for job in runs(big)] == ["ok", "cancelled"]


def test_a_night_waits_for_another_operation(kino: Cli) -> None:
    """Late is not failed; the end of the server is not held up by the waiting."""
    with kino.creating() as process, stopped(process.pid):
        with server(kino) as running:
            assert running.get("/jobs")[0]["pid"] == process.pid
            assert running.stop() == 0
        assert nights(kino) == []
        failing = kino.data_path / ".kino-backup" / "failing.json"
        assert not failing.exists() or json.loads(failing.read_text()) == {}


def test_what_is_wrong_is_said_once_and_the_server_goes_on(kino: Cli) -> None:
    """Settings that cannot be read fail the schedule alone."""
    config = kino.data_path / "config.toml"
    config.write_text("[backup]\nkeep = 0\n")
    with server(kino) as running:
        until(lambda: "config.toml" in running.log.read_text())
        assert running.get("/backups") == []
        assert "keep" in running.log.read_text()
        running.signal(signal.SIGTERM)
        assert running.end() == 0
