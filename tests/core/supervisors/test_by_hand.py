"""Kino without a supervisor: it can be waited for, unless something may start it again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import ServiceError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.supervisors.base import Supervisor
from kino_backup_tui.core.supervisors.by_hand import ByHand

HOLD = 'exec 3< "$1"; echo $$; exec sleep 1000'
CONFIG = Path("/etc/kino-backup-tui.toml")

Started = Callable[..., int]


@pytest.fixture
def started() -> Iterator[Started]:
    """Starts a process that has the database open below the given command, and gives its id."""
    processes: list[subprocess.Popen[str]] = []
    holders: list[int] = []

    def start(kino: Kino, *above: str) -> int:
        command = [*above, "sh", "-c", HOLD, "sh", str(kino.database)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        processes.append(process)
        assert process.stdout is not None
        holders.append(int(process.stdout.readline()))
        name = Path(f"/proc/{holders[-1]}/comm")
        while name.exists() and name.read_text() != "sleep\n":  # it says its id while it is still a shell
            time.sleep(0.01)
        return holders[-1]

    yield start
    for pid in holders:
        os.kill(pid, signal.SIGKILL)
    for process in processes:
        process.kill()
        process.communicate()


def test_it_says_that_a_person_has_to_act(kino: Kino) -> None:
    """It controls nothing, keeps no log and has no gate."""
    supervisor: Supervisor = ByHand(kino, CONFIG)
    assert (supervisor.name, supervisor.controls, supervisor.logs(10)) == ("Kino", False, [])
    with pytest.raises(ServiceError, match="stopped by hand"):
        supervisor.stop()
    with pytest.raises(ServiceError, match="started by hand"):
        supervisor.start()
    supervisor.close_gate(["true"])
    supervisor.open_gate()


def test_a_kino_that_does_not_run_is_no_problem(kino: Kino) -> None:
    """Nothing has to be waited for."""
    supervisor = ByHand(kino, CONFIG)
    assert supervisor.problem() is None
    assert supervisor.state()[:2] == (False, "no process has the database open")


def test_a_kino_we_have_started_is_no_problem(kino: Kino, started: Started) -> None:
    """Nor is it a reason for anybody else to start it again."""
    pid = started(kino)
    supervisor = ByHand(kino, CONFIG)
    assert supervisor.problem() is None
    assert supervisor.state()[:5] == (True, f"running as process {pid} (sleep)", True, pid, 0)


def test_a_kino_left_to_run_on_its_own_is_no_problem(kino: Kino, started: Started) -> None:
    """Its parent has ended, and nobody waits for it."""
    started(kino, "setsid", "--fork")
    assert ByHand(kino, CONFIG).problem() is None


def test_a_kino_in_a_shell_is_no_problem(kino: Kino, started: Started) -> None:
    """A person has typed its name there."""
    feed = "import subprocess, sys; subprocess.run(['sh'], input=sys.argv[1], text=True)"
    line = f"""sh -c '{HOLD}' sh '{kino.database}'\n:\n"""
    started(kino, sys.executable, "-c", feed, line)
    assert ByHand(kino, CONFIG).problem() is None


def test_a_script_may_start_it_again(kino: Kino, started: Started, tmp_path: Path) -> None:
    """As one with a loop in it does."""
    script = tmp_path / "run.sh"
    script.write_text('while :; do "$@"; done\n')
    pid = started(kino, "sh", str(script))
    try:
        problem = ByHand(kino, CONFIG).problem()
    finally:
        _end_parent(pid)
    assert isinstance(problem, ServiceError)
    assert f"Process {pid} (sleep) has {kino.database} open and was started by the script of process " in (
        problem.message
    )


def test_an_unknown_parent_may_start_it_again(kino: Kino, started: Started) -> None:
    """The way out is told, with the file in which commands can be configured."""
    supervise = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    pid = started(kino, sys.executable, "-c", supervise)
    problem = ByHand(kino, CONFIG).problem()
    assert isinstance(problem, ServiceError)
    assert "(python" in problem.message
    assert problem.message.endswith("which may start it again in the middle of a restore.")
    assert "stop_command and start_command in /etc/kino-backup-tui.toml" in problem.hint
    assert pid


@pytest.mark.skipif(shutil.which("unshare") is None or os.geteuid() != 0, reason="needs a process namespace")
def test_an_engine_of_containers_may_start_it_again(kino: Kino) -> None:
    """A process in another process namespace is not ours to wait for."""
    hold = 'exec 3< "$1"; echo; exec sleep 1000'
    command = ["unshare", "--pid", "--fork", "--kill-child", "sh", "-c", hold, "sh", str(kino.database)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        if not process.stdout.readline():
            pytest.skip("this machine makes no process namespaces")
        problem = ByHand(kino, CONFIG).problem()
        process.kill()
    assert isinstance(problem, ServiceError)
    assert " open and runs in a container, " in problem.message


def _end_parent(pid: int) -> None:
    status = Path(f"/proc/{pid}/status").read_text()
    os.kill(int(status.partition("PPid:")[2].split()[0]), signal.SIGKILL)
