"""Who runs the schedule, with a systemctl that is a script; the rest has a systemd of its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kino_backup_tui.core.kino.home import KINO_0_3, Kino
from kino_backup_tui.core.timers.base import night_job
from kino_backup_tui.core.timers.find import find_runner, timer_file
from kino_backup_tui.core.timers.server import ScheduleLock
from kino_backup_tui.core.timers.units import timer_text
from kino_backup_tui.core.workspace import workspace_of

Answering = Callable[[str], dict[str, str]]


@pytest.fixture
def answering(tmp_path: Path) -> Answering:
    """The environment of a user in which systemctl is a script."""

    def make(script: str) -> dict[str, str]:
        tools = tmp_path / "bin"
        tools.mkdir()
        (tools / "systemctl").write_text(f"#!/bin/sh\n{script}\n")
        (tools / "systemctl").chmod(0o755)
        return {"PATH": str(tools), "HOME": str(tmp_path)}

    return make


def write_timer(kino: Kino, environ: dict[str, str]) -> Path:
    """The file that installing writes."""
    job = night_job(kino, kino.default_location, environ, user=True)
    path = Path(environ["HOME"], ".config/systemd/user", f"{job.name}.timer")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(timer_text(job))
    return path


def test_without_a_file_of_ours_systemd_is_not_asked(
    kino: Kino, answering: Answering, tmp_path: Path
) -> None:
    """The page asks at each reload."""
    runner = find_runner(kino, answering(f"touch {tmp_path}/asked"))
    assert (runner.kind, runner.active) == ("none", False)
    assert runner.hint.endswith("install-service")
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize(
    ("shown", "active", "text"),
    [
        ("ActiveState=active; echo UnitFileState=enabled", True, "{name} of the user"),
        (
            "ActiveState=active; echo UnitFileState=disabled",
            True,
            "{name} of the user, only until the next boot",
        ),
        ("ActiveState=inactive; echo UnitFileState=enabled", False, "{name} of the user, which is stopped"),
    ],
)
def test_a_timer_is_as_systemd_says(
    kino: Kino, answering: Answering, shown: str, active: bool, text: str
) -> None:
    """That its file is there does not mean that it runs."""
    environ = answering(f"echo {shown}")
    path = write_timer(kino, environ)
    runner = find_runner(kino, environ)
    assert (runner.kind, runner.name, runner.active) == ("systemd", path.name, active)
    assert runner.text == text.format(name=path.name)
    assert bool(runner.hint) != runner.text.endswith("user")


def test_a_systemd_that_does_not_answer_counts_for_nothing(kino: Kino, answering: Answering) -> None:
    """As in a container into which the home was mounted."""
    environ = answering("exit 1")
    path = write_timer(kino, environ)
    runner = find_runner(kino, environ)
    assert not runner.active
    assert runner.text.startswith(f"{path.name} of the user, but systemd does not answer")


def test_the_timer_of_another_kino_is_not_ours(kino: Kino, answering: Answering) -> None:
    """Whatever its name is; nor is a file that somebody else has written."""
    environ = answering("echo ActiveState=active")
    path = write_timer(kino, environ)
    assert timer_file(kino, environ, user=True) == path
    path.write_text(path.read_text().replace(str(kino.data_path), "/srv/other"))
    assert timer_file(kino, environ, user=True) is None
    path.write_text("[Timer]\n")
    assert find_runner(kino, environ).kind == "none"


def test_kino_0_3_runs_its_own_schedule(kino: Kino, answering: Answering) -> None:
    """Nobody else has to."""
    runner = find_runner(kino._replace(layout=KINO_0_3), answering(""))
    assert (runner.kind, runner.active) == ("kino", True)


def test_a_server_runs_the_schedule_as_long_as_it_lives(kino: Kino, answering: Answering) -> None:
    """It is known by a lock, which only one process can have."""
    environ = answering("")
    server, other = ScheduleLock(workspace_of(kino)), ScheduleLock(workspace_of(kino))
    assert server.acquire()
    assert server.acquire()
    assert not other.acquire()
    runner = find_runner(kino, environ)
    assert (runner.kind, runner.active, runner.hint) == ("serve", True, "")
    assert runner.text == f"kino-backup-tui serve, process {os.getpid()}"
    server.release()
    assert find_runner(kino, environ).kind == "none"
    assert other.acquire()
    other.release()


@pytest.mark.parametrize(
    ("state", "kind"), [("active", "systemd"), ("inactive", "serve")], ids=["a sound timer", "a stopped one"]
)
def test_a_server_stands_back_behind_a_sound_timer(
    kino: Kino, answering: Answering, state: str, kind: str
) -> None:
    """Where the timer does its work there is no need for another runner; where it does not, there is one."""
    environ = answering(f"echo ActiveState={state}; echo UnitFileState=enabled")
    write_timer(kino, environ)
    server = ScheduleLock(workspace_of(kino))
    assert server.acquire()
    assert find_runner(kino, environ).kind == kind
    server.release()
    assert find_runner(kino, environ).kind == "systemd"
