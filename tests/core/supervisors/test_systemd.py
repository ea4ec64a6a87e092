"""What systemd refuses, or does not answer, is told with its own words; the rest has a systemd of its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import NotPermittedError, ServiceError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.systemctl import Manager
from kino_backup_tui.core.supervisors.systemd import SystemdSupervisor
from kino_backup_tui.core.supervisors.systemd_gate import command_line

RUNNING = """
case "$*" in
  *" show "*) echo ActiveState=active; echo SubState=running; echo MainPID=7 ;;
  *) {refusal} ;;
esac
"""

Answering = Callable[[str], dict[str, str]]


@pytest.fixture
def answering(tmp_path: Path) -> Answering:
    """An environment in which systemctl is a script, and nothing else of systemd is there."""

    def make(script: str) -> dict[str, str]:
        tools = tmp_path / "bin"
        tools.mkdir()
        (tools / "systemctl").write_text(f"#!/bin/sh\nPATH=/bin:/usr/bin\n{script}\n")
        (tools / "systemctl").chmod(0o755)
        return {"PATH": str(tools), "HOME": str(tmp_path), "LANG": "de_DE.UTF-8"}

    return make


def test_a_stop_that_systemd_refuses_is_an_error(kino: Kino, answering: Answering) -> None:
    """With what it says, and the command to try by hand."""
    refusal = "echo 'Failed to stop kino.service: Transaction is destructive.' >&2; exit 1"
    supervisor = SystemdSupervisor(kino, "kino.service", answering(RUNNING.format(refusal=refusal)))
    with pytest.raises(ServiceError) as caught:
        supervisor.stop()
    assert caught.value.message == (
        "kino.service could not be stopped: Failed to stop kino.service: Transaction is destructive."
    )
    assert caught.value.hint == "Try it by hand: systemctl stop kino.service"


def test_a_right_that_is_missing_is_told_as_such(kino: Kino, answering: Answering) -> None:
    """Somebody else could start it."""
    refusal = "echo 'Failed to start kino.service: Interactive authentication required.' >&2; exit 1"
    supervisor = SystemdSupervisor(kino, "kino.service", answering(RUNNING.format(refusal=refusal)))
    with pytest.raises(NotPermittedError, match=r"^kino\.service could not be started") as caught:
        supervisor.start()
    assert caught.value.hint == "Run as root: sudo systemctl start kino.service"


def test_without_a_journal_there_are_no_lines(kino: Kino, answering: Answering) -> None:
    """A log goes into a report, and is no reason to fail."""
    assert SystemdSupervisor(kino, "kino.service", answering("")).logs(10) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="what others may not do is told first")
def test_a_systemd_that_does_not_answer_is_a_problem(kino: Kino, answering: Answering) -> None:
    """As in a container, where the program is there but not the service manager."""
    environ = answering("echo 'System has not been booted with systemd as init system.' >&2; exit 1")
    problem = SystemdSupervisor(kino, "kino.service", environ).problem()
    assert isinstance(problem, ServiceError)
    assert problem.message == (
        "systemd does not answer about kino.service: System has not been booted with systemd as init system."
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="what others may not do is told first")
def test_a_systemd_without_conditions_of_that_kind_is_a_problem(kino: Kino, answering: Answering) -> None:
    """It would pass over the gate without a word."""
    problem = SystemdSupervisor(kino, "kino.service", answering("echo Version=241")).problem()
    assert problem is not None
    assert problem.message == (
        "systemd 241 cannot keep kino.service stopped during a restore; 243 or newer can."
    )


def test_a_program_that_hangs_is_given_up(answering: Answering) -> None:
    """With the words that were asked, without the options."""
    manager = Manager(answering("exec sleep 1000"))
    with pytest.raises(ServiceError, match=r"^systemctl daemon-reload did not end within 0 s\.$"):
        manager.systemctl("daemon-reload", seconds=0.2)


def test_a_program_that_is_not_there_is_an_error() -> None:
    """As on a machine without systemd."""
    with pytest.raises(ServiceError, match=r"^systemctl is not installed\.$"):
        Manager({"PATH": "/nonexistent"}).systemctl("status", seconds=1)


def test_systemd_is_asked_in_its_own_language(answering: Answering) -> None:
    """Its words are read by a program, whatever the user speaks; the scope comes first."""
    manager = Manager(answering('echo "$LC_ALL $LANG $1"'), user=True)
    assert manager.systemctl("status", seconds=20).output == "C C --user\n"


@pytest.mark.parametrize(("said", "version"), [("252.39-1~deb12u2", 252), ("v256.7", 256), ("", 0)])
def test_the_version_is_read_as_distributions_write_it(answering: Answering, said: str, version: int) -> None:
    """Only the number before the first other character counts."""
    assert Manager(answering(f"echo Version={said}")).version() == version


def test_a_command_is_quoted_for_systemd() -> None:
    """Every word by itself; the program is run with full privileges."""
    line = command_line(["/opt/a b/python", "-m", "x", "--data-path", '/srv/100% "$HOME"\\'])
    assert line == '"+/opt/a b/python" "-m" "x" "--data-path" "/srv/100%% \\"$$HOME\\"\\\\"'
