"""Commands of the admin stop and start a real process that has the database open."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import ServiceError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.tool_config import CONFIG_VARIABLE, ToolConfig
from kino_backup_tui.core.supervisors.base import Supervisor
from kino_backup_tui.core.supervisors.commands import CommandsSupervisor, Patience
from kino_backup_tui.core.supervisors.detect import find_supervisor

# A server that opens its database, leaves its process id, and waits.
_SERVER = """
import os, pathlib, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT count(*) FROM film").fetchone()
part = pathlib.Path(sys.argv[2] + ".part")
part.write_text(str(os.getpid()))
part.rename(sys.argv[2])
signal.pause()
"""
_START = 'nohup "$0" -c "$1" "$2" "$3" & while ! test -e "$3"; do sleep 0.05; done'
_STOP = 'kill "$(cat "$0")" && rm "$0"'
_PATIENCE = 20.0


def shell(script: str, *arguments: str) -> tuple[str, ...]:
    """The argument list of a small shell script."""
    return ("/bin/sh", "-c", script, *arguments)


@pytest.fixture
def pid_file(tmp_path: Path) -> Iterator[Path]:
    """Where the server leaves its process id; it ends with the test."""
    path = tmp_path / "kino.pid"
    yield path
    if path.exists():
        os.kill(int(path.read_text()), signal.SIGKILL)


@pytest.fixture
def config(kino: Kino, pid_file: Path) -> ToolConfig:
    """Commands as an admin without a service manager writes them."""
    return ToolConfig(
        stop_command=shell(_STOP, str(pid_file)),
        start_command=shell(_START, sys.executable, _SERVER, str(kino.database), str(pid_file)),
    )


def configured(
    kino: Kino, stop: tuple[str, ...] = ("true",), start: tuple[str, ...] = ("true",), **patience: float
) -> Supervisor:
    """A supervisor with these commands."""
    config = ToolConfig(stop_command=stop, start_command=start)
    return CommandsSupervisor(kino, config, Patience(**patience))


def until(condition: Callable[[], bool]) -> bool:
    """Whether something becomes true in time."""
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_kino_is_started_and_stopped(kino: Kino, config: ToolConfig, pid_file: Path) -> None:
    """Its state is told by who has the database open; the start returns although Kino goes on."""
    supervisor: Supervisor = CommandsSupervisor(kino, config)
    assert (supervisor.state().active, supervisor.state().settled) == (False, True)

    supervisor.start()
    running = supervisor.state()
    supervisor.stop()

    assert running.active
    assert running.settled
    assert running.pid is not None
    assert not pid_file.exists()
    assert (supervisor.state().active, supervisor.state().settled) == (False, True)


def test_it_has_a_name_and_controls_kino(kino: Kino) -> None:
    """For the plan, and for messages."""
    supervisor = configured(kino)

    assert supervisor.name == "Kino"
    assert supervisor.controls


def test_a_kino_that_is_still_starting_is_not_settled(kino: Kino) -> None:
    """The start command has ended, and the database is not open yet: nothing can be concluded for a while."""
    supervisor = configured(kino)

    supervisor.start()

    assert supervisor.state()[:3] == (True, "waiting until it opens its database", False)


def test_a_kino_that_does_not_come_up_is_settled_in_the_end(kino: Kino) -> None:
    """Then it counts as not running."""
    supervisor = configured(kino, starting=0.0)

    supervisor.start()

    state = supervisor.state()
    assert (state.active, state.settled) == (False, True)
    assert "no process has opened the database" in state.text


def test_a_restart_by_somebody_else_is_counted(kino: Kino, config: ToolConfig, pid_file: Path) -> None:
    """Another process has the database open than after our start."""
    supervisor = CommandsSupervisor(kino, config)
    supervisor.start()
    first = supervisor.state()
    CommandsSupervisor(kino, config).stop()
    CommandsSupervisor(kino, config).start()

    second = supervisor.state()

    assert (first.restarts, second.restarts) == (0, 1)
    assert first.pid != second.pid


def test_a_failing_command_is_an_error_with_its_own_words(kino: Kino) -> None:
    """Exit code and the last line of standard error."""
    supervisor = configured(kino, start=shell("echo other; echo first >&2; echo 'no such unit' >&2; exit 3"))

    with pytest.raises(ServiceError, match=r"start_command \(sh\) ended with exit code 3: no such unit$"):
        supervisor.start()


def test_a_kino_that_is_not_stopped_is_an_error(kino: Kino, config: ToolConfig) -> None:
    """The stop command fails, and a process has the database open."""
    CommandsSupervisor(kino, config).start()

    with pytest.raises(ServiceError, match=r"stop_command \(sh\) ended with exit code 5: not allowed$"):
        configured(kino, stop=shell("echo 'not allowed' >&2; exit 5")).stop()


def test_a_stop_with_nothing_to_stop_may_fail(kino: Kino) -> None:
    """As `kill` does when there is no such process."""
    configured(kino, stop=("false",)).stop()


def test_kino_counts_as_stopped_only_after_the_stop_command(kino: Kino) -> None:
    """Nothing may run just now because it is about to be started again: with the gate closed, that counts."""
    supervisor = configured(kino)
    assert supervisor.state().settled

    supervisor.close_gate(["false"])
    before = supervisor.state()
    supervisor.stop()
    supervisor.close_gate(["false"])
    after = supervisor.state()

    assert (before.active, before.settled) == (False, False)
    assert (after.active, after.settled) == (False, True)


def test_a_start_takes_the_word_of_the_stop_command_back(kino: Kino) -> None:
    """A Kino that did not come up may be on its way again: before files are put back, it is stopped anew."""
    supervisor = configured(kino, starting=0.0)
    supervisor.stop()
    supervisor.start()
    assert supervisor.state().settled

    supervisor.close_gate(["false"])

    assert not supervisor.state().settled


def test_a_command_that_says_nothing_fails_with_its_exit_code(kino: Kino) -> None:
    """Or with the signal that ended it."""
    with pytest.raises(ServiceError, match=r"start_command \(false\) ended with exit code 1\.$"):
        configured(kino, start=("false",)).start()
    with pytest.raises(ServiceError, match=r"start_command \(sh\) was ended by signal 9\.$"):
        configured(kino, start=shell("kill -9 $$")).start()


def test_a_command_that_does_not_end_is_ended(kino: Kino, tmp_path: Path) -> None:
    """With what it has started."""
    mark = tmp_path / "pid"
    script = shell('sleep 300 & echo $! > "$0"; echo hanging >&2; wait', str(mark))
    supervisor = configured(kino, start=script, command=1.0)

    with pytest.raises(ServiceError, match=r"start_command \(sh\) did not end within 1 seconds.*: hanging$"):
        supervisor.start()

    assert until(lambda: not is_running(int(mark.read_text())))


def is_running(pid: int) -> bool:
    """Whether a process is there, and is no zombie that nobody reaps."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return state.stdout.strip() not in {"", "Z", "Zs"}


def test_a_stop_that_leaves_the_database_open_is_an_error(kino: Kino, config: ToolConfig) -> None:
    """Whatever the command says of itself: nothing may be replaced below a running Kino."""
    CommandsSupervisor(kino, config).start()

    with pytest.raises(ServiceError, match=r"stop_command has ended, but process \d+ still has"):
        configured(kino, stop=("true",), closing=0.3).stop()


def test_a_kino_that_takes_its_time_is_waited_for(kino: Kino, config: ToolConfig, pid_file: Path) -> None:
    """A command that only asks it to stop is enough."""
    CommandsSupervisor(kino, config).start()
    slowly = shell(f"(sleep 1; {_STOP}) &", str(pid_file))

    configured(kino, stop=slowly).stop()

    assert not CommandsSupervisor(kino, config).state().active


@pytest.mark.parametrize("key", ["stop_command", "start_command"])
@pytest.mark.parametrize("program", ["/nowhere/kino-ctl", "no-such-program-of-kino"])
def test_a_program_that_is_not_there_is_a_problem_known_before(kino: Kino, key: str, program: str) -> None:
    """The plan names the key and the program."""
    stop, start = ((program,), ("true",)) if key == "stop_command" else (("true",), (program,))

    problem = configured(kino, stop, start).problem()

    assert isinstance(problem, ServiceError)
    assert f"{key} cannot be run: {program} does not exist" in problem.message
    assert (
        CommandsSupervisor(kino, ToolConfig(stop_command=("true",), start_command=("sh",))).problem() is None
    )


def test_a_program_that_may_not_be_executed_is_a_problem(kino: Kino, tmp_path: Path) -> None:
    """A script without its x bit; running it nevertheless is an error, not a crash."""
    script = tmp_path / "stop"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o600)

    assert configured(kino, stop=(str(script),)).problem() is not None
    with pytest.raises(ServiceError, match=r"stop_command \(stop\) could not be run"):
        configured(kino, stop=(str(script),)).stop()


def test_the_environment_is_passed_on(kino: Kino, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Docker host, a language: what the admin has set."""
    monkeypatch.setenv("KINO_TEST_VALUE", "from the admin")
    said = tmp_path / "said"

    configured(kino, start=shell('printf %s "$KINO_TEST_VALUE" > "$0"', str(said))).start()

    assert said.read_text() == "from the admin"


def logs(kino: Kino, command: tuple[str, ...], lines: int = 3) -> list[str]:
    """What the supervisor has of a log."""
    return CommandsSupervisor(kino, ToolConfig(log_command=command)).logs(lines)


def test_the_last_lines_of_the_log_command_are_the_log(kino: Kino) -> None:
    """Output and errors, oldest first; without empty lines at the end."""
    assert logs(kino, shell("seq 1 5; echo late >&2; echo")) == ["4", "5", "late"]
    assert logs(kino, shell("echo only"), 20) == ["only"]
    assert logs(kino, ("true",)) == []
    assert logs(kino, ()) == []


def test_a_very_long_log_is_cut_to_its_end(kino: Kino) -> None:
    """However much is printed."""
    assert logs(kino, shell("seq 1 300000")) == ["299998", "299999", "300000"]


def test_a_log_command_that_cannot_be_run_says_so(kino: Kino) -> None:
    """A report with that line is better than none."""
    assert logs(kino, ("/nowhere/logs",)) == ["/nowhere/logs: No such file or directory"]


def test_there_is_no_gate(kino: Kino) -> None:
    """The stop command is the admin's word: closing and opening changes nothing on disk."""
    before = sorted(kino.data_path.rglob("*"))
    supervisor = configured(kino)

    supervisor.close_gate(["false"])
    supervisor.open_gate()

    assert sorted(kino.data_path.rglob("*")) == before


def found(kino: Kino, folder: Path, text: str) -> Supervisor:
    """The supervisor of a Kino on a host without systemd, with this configuration."""
    config = folder / "tool.toml"
    config.write_text(text)
    config.chmod(0o600)
    return find_supervisor(kino, {CONFIG_VARIABLE: str(config), "PATH": str(folder)})


def test_commands_are_found_in_the_configuration(kino: Kino, tmp_path: Path) -> None:
    """They come before anything else."""
    commands = 'stop_command = ["true"]\nstart_command = ["true"]\n'

    assert isinstance(found(kino, tmp_path, commands), CommandsSupervisor)
    assert isinstance(
        found(kino, tmp_path, f'{commands}data_path = "{kino.data_path}"\n'), CommandsSupervisor
    )


def test_commands_for_another_kino_are_left_alone(kino: Kino, tmp_path: Path) -> None:
    """A restore of one Kino never stops the other."""
    text = 'data_path = "/srv/other"\nstop_command = ["true"]\nstart_command = ["true"]\n'

    assert not found(kino, tmp_path, text).controls
