"""The sample server's supervisor: orders, restarts and ends, with real processes."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.demo.control import send_order
from kino_backup_tui.demo.supervisor_process import supervised_server

DataPathWriter = Callable[[int], Path]
_PATIENCE = 20.0


def until(condition: Callable[[], bool], seconds: float = _PATIENCE) -> bool:
    """Whether something becomes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def answers(url: str) -> bool:
    """Whether a server is there and healthy."""
    try:
        with urllib.request.urlopen(f"{url}/api/v1/health", timeout=_PATIENCE) as response:  # noqa: S310
            return bool(response.status == 200)
    except urllib.error.URLError:
        return False


def log_of(data_path: Path) -> str:
    """What server and supervisor have said."""
    return (data_path / "log" / "kino.log").read_text()


def is_running(pid: int) -> bool:
    """Whether a process is there, and is no zombie that nobody reaps."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return state.stdout.strip() not in {"", "Z", "Zs"}


def server_pid(folder: Path) -> int:
    """The server's process, as the supervisor says."""
    return int(send_order("state", folder).removeprefix("running as process "))


def test_it_stops_and_starts_the_server_at_the_same_address(
    write_data_path: DataPathWriter, tmp_path: Path
) -> None:
    """A stopped server has closed its database; a started one answers where it did before."""
    data_path = write_data_path(12)

    with supervised_server(data_path, tmp_path) as server:
        assert answers(server.url)

        assert send_order("stop", tmp_path) == "stopped"
        assert not answers(server.url)
        assert not (data_path / "db.sqlite-wal").exists()

        assert send_order("start", tmp_path).startswith("running as process ")
        assert until(lambda: answers(server.url))
        assert server_pid(tmp_path) != server.server_pid


def test_orders_may_come_twice(write_data_path: DataPathWriter, tmp_path: Path) -> None:
    """A second start leaves the server alone, a second stop has nothing to do."""
    with supervised_server(write_data_path(12), tmp_path) as server:
        assert send_order("start", tmp_path) == f"running as process {server.server_pid}"
        assert send_order("stop", tmp_path) == "stopped"
        assert send_order("stop", tmp_path) == "stopped"


def test_a_server_that_crashes_is_started_again(write_data_path: DataPathWriter, tmp_path: Path) -> None:
    """At the same address, after a moment; the log tells of it."""
    data_path = write_data_path(12)

    with supervised_server(data_path, tmp_path) as server:
        os.kill(server.server_pid, signal.SIGKILL)

        assert until(lambda: "was ended by SIGKILL; restart 1 of 3" in log_of(data_path))
        assert until(lambda: answers(server.url))
        assert server_pid(tmp_path) != server.server_pid


def test_a_server_that_ends_in_good_order_stays_stopped(
    write_data_path: DataPathWriter, tmp_path: Path
) -> None:
    """Only failures are repaired."""
    data_path = write_data_path(12)

    with supervised_server(data_path, tmp_path) as server:
        os.kill(server.server_pid, signal.SIGTERM)

        assert until(lambda: send_order("state", tmp_path) == "stopped")
        assert "restart" not in log_of(data_path)


def test_a_server_that_refuses_to_start_is_given_up(write_data_path: DataPathWriter, tmp_path: Path) -> None:
    """After three restarts; the next order to start begins anew, and works once the reason is gone."""
    data_path = write_data_path(12)
    config = data_path / "config.toml"
    settings = config.read_text()

    with supervised_server(data_path, tmp_path) as server:
        send_order("stop", tmp_path)
        config.write_text(settings.replace("port = 8080", "port = 80800"))
        send_order("start", tmp_path)

        assert until(lambda: send_order("state", tmp_path) == "failed: it ended with exit code 1")
        assert log_of(data_path).count("port must be a number from 1 to 65535, not 80800") == 4
        assert log_of(data_path).endswith(
            "supervisor: the server ended with exit code 1; it is not started again\n"
        )

        config.write_text(settings)
        send_order("start", tmp_path)
        assert until(lambda: answers(server.url))


def test_a_server_that_is_about_to_be_restarted_can_be_stopped(
    write_data_path: DataPathWriter, tmp_path: Path
) -> None:
    """The order counts: nothing starts it behind the back of whoever has stopped it."""
    data_path = write_data_path(12)

    with supervised_server(data_path, tmp_path) as server:
        os.kill(server.server_pid, signal.SIGKILL)
        assert until(lambda: "restart 1 of 3" in log_of(data_path))

        assert send_order("stop", tmp_path) == "stopped"
        time.sleep(1)
        assert not answers(server.url)


def test_a_server_that_does_not_start_at_all_is_an_error(
    write_data_path: DataPathWriter, tmp_path: Path
) -> None:
    """With what it said; no process is left."""
    data_path = write_data_path(12)
    (data_path / "config.toml").write_text("[server\n")

    with (
        pytest.raises(KinoBackupError, match="did not start") as caught,
        supervised_server(data_path, tmp_path),
    ):
        pass

    assert caught.value.hint.startswith("cannot start: ")


def test_a_newer_database_keeps_it_from_starting(write_data_path: DataPathWriter, tmp_path: Path) -> None:
    """As it would keep Kino."""
    data_path = write_data_path(12)

    with supervised_server(data_path, tmp_path):
        send_order("stop", tmp_path)
        with closing(sqlite3.connect(data_path / "db.sqlite")) as connection, connection:
            connection.execute(
                "UPDATE _sqlx_migrations SET version = 20991231000001 WHERE version > 20260401000000"
            )
        send_order("start", tmp_path)

        assert until(lambda: send_order("state", tmp_path).startswith("failed"))
        assert "Migration 20991231000001 was applied before but is missing" in log_of(data_path)


def test_both_end_when_their_parent_is_killed(write_data_path: DataPathWriter, tmp_path: Path) -> None:
    """However it ends, nobody has to clean up after it."""
    data_path = write_data_path(12)
    program = (
        "import sys, pathlib\n"
        "from kino_backup_tui.demo.supervisor_process import supervised_server\n"
        "with supervised_server(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])) as server:\n"
        "    print(server.server_pid, server.supervisor_pid, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(data_path), str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        parent.kill()
        parent.wait(_PATIENCE)

    assert len(pids) == 2
    # The WAL goes when the last connection closes: the server is gone, and went in good order.
    assert until(lambda: not (data_path / "db.sqlite-wal").exists())
    assert until(lambda: not any(map(is_running, pids)))


def test_the_server_ends_when_the_supervisor_is_killed(
    write_data_path: DataPathWriter, tmp_path: Path
) -> None:
    """Nothing would restart or stop it any more."""
    with supervised_server(write_data_path(12), tmp_path) as server:
        os.kill(server.supervisor_pid, signal.SIGKILL)

        assert until(lambda: not is_running(server.server_pid))


def control(*arguments: str) -> subprocess.CompletedProcess[str]:
    """An order as the configured commands give it."""
    command = [sys.executable, "-m", "kino_backup_tui.demo.control", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=_PATIENCE)


def test_orders_are_commands(write_data_path: DataPathWriter, tmp_path: Path) -> None:
    """Each answers with how the server is then; the log is the end of the server's."""
    data_path = write_data_path(12)
    with supervised_server(data_path, tmp_path):
        stopped, started = control("stop", str(tmp_path)), control("start", str(tmp_path))
        log = control("log", str(tmp_path))

    assert (stopped.returncode, stopped.stdout) == (0, "stopped\n")
    assert (started.returncode, started.stdout[:19]) == (0, "running as process ")
    assert (log.returncode, log.stdout.splitlines()[0]) == (0, "the sample server writes here")


def test_an_order_that_nobody_takes_is_an_error(tmp_path: Path) -> None:
    """Without a supervisor, with an unknown order, without a folder."""
    lost = control("stop", str(tmp_path))

    assert (lost.returncode, lost.stdout) == (1, "")
    assert "the supervisor of the sample server does not answer" in lost.stderr
    assert control("restart", str(tmp_path)).returncode == 2
    assert control("stop").returncode == 2


def test_a_folder_with_a_very_long_name_will_do(write_data_path: DataPathWriter, tmp_path: Path) -> None:
    """Longer than the address of a socket can be, as temporary folders are on macOS."""
    folder = tmp_path / ("long" * 30)
    folder.mkdir()

    with supervised_server(write_data_path(12), folder):
        assert send_order("stop", folder) == "stopped"
