"""The sample server, as a process of its own with a real database and real HTTP."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

DataPathWriter = Callable[[int], Path]
_PATIENCE = 20.0


def get(url: str) -> Any:
    """The JSON that an address answers with."""
    with urllib.request.urlopen(url, timeout=_PATIENCE) as response:  # noqa: S310 - our own server
        return json.load(response)


def value(data_path: Path, query: str) -> Any:
    """One value from the database, read as another process would."""
    with closing(sqlite3.connect(data_path / "db.sqlite", timeout=_PATIENCE)) as connection:
        return connection.execute(query).fetchone()[0]


def until(condition: Callable[[], bool], seconds: float = _PATIENCE) -> bool:
    """Whether something becomes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@contextmanager
def server_process(data_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Start the server without a parent to watch, as a service manager would."""
    command = [sys.executable, "-m", "kino_backup_tui.demo.server", "--data-path", str(data_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def running_server(data_path: Path) -> Iterator[str]:
    """A server that is ready: its address."""
    with server_process(data_path) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on 127.0.0.1:")
        yield f"http://{line.removeprefix('listening on ').strip()}"


def test_it_answers_with_its_version_and_its_health(write_data_path: DataPathWriter) -> None:
    """The status has the fields that Kino's has; an unknown address is a 404."""
    with running_server(write_data_path(12)) as url:
        status = get(f"{url}/api/v1/status")
        health = get(f"{url}/api/v1/health")
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(f"{url}/api/v1/films")

    assert status == {
        "version": "0.4.2",
        "status": "ok",
        "first_time_setup": False,
        "setup_required": False,
        "warnings": [],
        "install_kind": None,
    }
    assert health == {"status": "ok"}


def test_it_migrates_an_older_database_at_its_start(write_data_path: DataPathWriter) -> None:
    """A database of 0.4.1 has twelve migrations once the server answers."""
    data_path = write_data_path(11)

    with running_server(data_path):
        assert value(data_path, "SELECT count(*) FROM _sqlx_migrations") == 12


def test_it_drops_scrobbles_that_are_older_than_a_day(write_data_path: DataPathWriter) -> None:
    """Kino's documentation: older ones are dropped from the queue, recent ones are replayed."""
    data_path = write_data_path(12)
    with closing(sqlite3.connect(data_path / "db.sqlite")) as connection, connection:
        connection.execute("DELETE FROM scrobble_queue")
        connection.execute(
            "INSERT INTO scrobble_queue (user_id, media_file_id, action, percent, queued_at) VALUES"
            " (1, 1, 'stop', 90, strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-24 hours', '-1 minute')),"
            " (1, 2, 'stop', 90, strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-23 hours'))"
        )

    with running_server(data_path):
        assert value(data_path, "SELECT group_concat(media_file_id) FROM scrobble_queue") == "2"


def test_it_records_what_is_being_watched(write_data_path: DataPathWriter) -> None:
    """While it runs, the progress of a file moves on from one second to the next."""
    data_path = write_data_path(12)
    newest = "SELECT position_ms FROM watch_progress ORDER BY updated_at DESC, position_ms LIMIT 1"

    with running_server(data_path):
        assert until(lambda: bool(value(data_path, newest) == 120_000))


def test_it_keeps_the_database_open_and_closes_it_in_the_end(write_data_path: DataPathWriter) -> None:
    """Asked to end it ends with 0, and the write-ahead log has been taken over into the database."""
    data_path = write_data_path(12)

    with server_process(data_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("listening on 127.0.0.1:")
        assert (data_path / "db.sqlite-wal").exists()
        process.send_signal(signal.SIGTERM)
        assert process.wait(_PATIENCE) == 0

    assert not (data_path / "db.sqlite-wal").exists()


def test_a_database_of_a_newer_kino_is_refused(write_data_path: DataPathWriter) -> None:
    """It exits with 1 and says which migration it does not know."""
    data_path = write_data_path(12)
    with closing(sqlite3.connect(data_path / "db.sqlite")) as connection, connection:
        connection.execute(
            "UPDATE _sqlx_migrations SET version = 20991231000001 WHERE version = 20260411000001"
        )

    with server_process(data_path) as process:
        output, said = process.communicate(timeout=_PATIENCE)

    assert (process.returncode, output) == (1, "")
    assert "20991231000001" in said


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ("[server\n", "Expected"),
        ("[server]\nport = 80800\n", "port must be a number from 1 to 65535, not 80800"),
        ('[server]\nport = "8080"\n', "not '8080'"),
        ("[server]\nport = true\n", "not True"),
        ("server = 1\n", "not None"),
    ],
)
def test_invalid_settings_are_refused(write_data_path: DataPathWriter, settings: str, reason: str) -> None:
    """What is not TOML, or has no usable port: it exits with 1 and says why, the database untouched."""
    data_path = write_data_path(11)
    (data_path / "config.toml").write_text(settings)

    with server_process(data_path) as process:
        output, said = process.communicate(timeout=_PATIENCE)

    assert (process.returncode, output) == (1, "")
    assert said.startswith("cannot start: ")
    assert reason in said
    assert value(data_path, "SELECT count(*) FROM _sqlx_migrations") == 11


def test_it_ends_at_once_when_it_is_told_again_and_again(write_data_path: DataPathWriter) -> None:
    """Signals that come while it handles one, or while it waits, do not hang it."""
    with server_process(write_data_path(12)) as process:
        assert process.stdout is not None
        process.stdout.readline()
        for _ in range(200):
            process.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGTERM)
        assert process.wait(_PATIENCE) == 0


def test_it_ends_when_its_parent_is_killed(write_data_path: DataPathWriter) -> None:
    """Nobody is left to stop it, so it stops by itself, and soon."""
    data_path = write_data_path(12)
    program = (
        "import os, subprocess, sys\n"
        "command = [sys.executable, '-m', 'kino_backup_tui.demo.server', '--data-path', sys.argv[1]]\n"
        "command += ['--parent-pid', str(os.getpid())]\n"
        "server = subprocess.Popen(command, stdout=subprocess.PIPE)\n"
        "server.stdout.readline()\n"
        "print(server.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(data_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:
        assert parent.stdout is not None
        server_pid = int(parent.stdout.readline())
        parent.kill()
        parent.wait(_PATIENCE)

    # The WAL goes when the last connection closes: the server is gone, and went in good order.
    assert until(lambda: not (data_path / "db.sqlite-wal").exists())
    assert until(lambda: not _is_running(server_pid))


def _is_running(pid: int) -> bool:
    # Where nobody reaps orphans, as in some containers, an ended process stays a zombie.
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return state.stdout.strip() not in {"", "Z", "Zs"}
