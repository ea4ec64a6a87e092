"""Nobody has the database open: proven from two sides, or not said."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import NotPermittedError, ServiceError
from kino_backup_tui.core.kino.closed import Openers, find_openers, require_closed
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.processes import holders

READER = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT * FROM film").fetchall()
print(flush=True)
time.sleep(float(sys.argv[2]))
"""
HOLDER = """
import sys, time
held = open(sys.argv[1], "rb")
print(flush=True)
time.sleep(float(sys.argv[2]))
"""

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts processes that have a file open, and ends them after the test."""
    started: list[subprocess.Popen[str]] = []

    def start_one(program: str, path: Path, seconds: float = 1000) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", program, str(path), str(seconds)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    yield start_one
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def kino(tmp_path: Path) -> Kino:
    """A Kino whose database is in WAL mode, as it runs."""
    return _make_kino(tmp_path)


def _make_kino(folder: Path, mode: str = "WAL") -> Kino:
    kino = Kino(folder)
    with closing(sqlite3.connect(kino.database)) as connection:
        connection.executescript(f"PRAGMA journal_mode = {mode}; CREATE TABLE film (a);")
    return kino


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_a_database_nobody_uses_is_closed(tmp_path: Path, mode: str) -> None:
    """In the mode Kino runs it in, and in the one a restored database arrives in."""
    require_closed(_make_kino(tmp_path, mode), seconds=0)


def test_a_missing_database_is_closed(tmp_path: Path) -> None:
    """There is nothing anybody could have open."""
    require_closed(Kino(tmp_path), seconds=0)


def test_an_idle_connection_is_named(kino: Kino, start: Start) -> None:
    """It does nothing, and would go on in the old files after a swap."""
    process = start(READER, kino.database)
    with pytest.raises(ServiceError) as caught:
        require_closed(kino, seconds=0)
    assert f"rocess {process.pid} (python" in caught.value.message
    assert f"still has {kino.database} open" in caught.value.message


@pytest.mark.parametrize("name", ["db.sqlite", "db.sqlite-wal", "db.sqlite-shm", "db.sqlite-journal"])
def test_each_file_of_the_database_counts(kino: Kino, start: Start, name: str) -> None:
    """Whoever has only one of them open, without any lock, is found as well."""
    path = kino.data_path / name
    path.touch()
    process = start(HOLDER, path)
    assert find_openers(kino) == Openers((process.pid,))


def test_a_lock_tells_of_a_process_that_proc_does_not_show(kino: Kino, start: Start) -> None:
    """The kernel names who holds it."""
    process = start(READER, kino.database)
    found = find_openers(kino)
    assert found is not None
    assert found.locked
    assert found.pids == (process.pid,)


def test_somebody_who_only_looks_is_waited_for(kino: Kino, start: Start) -> None:
    """No error for a second terminal that lists backups."""
    start(READER, kino.database, 0.5)
    require_closed(kino, seconds=60)


def test_a_database_behind_a_link_is_the_one_looked_at(kino: Kino, tmp_path: Path, start: Start) -> None:
    """Its other files lie beside the real one."""
    moved = tmp_path / "fast-disk"
    moved.mkdir()
    kino.database.rename(moved / "live.sqlite")
    kino.database.symlink_to("fast-disk/live.sqlite")
    process = start(HOLDER, moved / "live.sqlite")
    assert find_openers(kino) == Openers((process.pid,))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a process of another user")
def test_another_user_sees_the_locks_of_root(
    public_path: Path, start: Start, nobody: Callable[[], AbstractContextManager[None]]
) -> None:
    """Whose processes are closed to that user; the number is told by the kernel."""
    kino = _make_kino(public_path)
    process = start(READER, kino.database)
    _open_to_all(public_path)
    with nobody():
        assert find_openers(kino) == Openers((process.pid,), locked=True)
    process.kill()
    process.wait()
    with nobody():
        assert find_openers(kino) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a process of another user")
def test_who_cannot_know_says_so(
    public_path: Path, start: Start, nobody: Callable[[], AbstractContextManager[None]]
) -> None:
    """Out of WAL mode an idle connection holds no lock, and root's processes cannot be looked into."""
    kino = _make_kino(public_path, "DELETE")
    start(READER, kino.database)
    _open_to_all(public_path)
    with nobody(), pytest.raises(NotPermittedError, match="may still be open somewhere") as caught:
        require_closed(kino, seconds=0)
    assert caught.value.hint == "Run as root or as Kino's own user."


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a process of another user")
def test_locks_that_cannot_be_looked_at_are_an_error(
    public_path: Path, nobody: Callable[[], AbstractContextManager[None]]
) -> None:
    """As for a database in a private folder of another user."""
    kino = _make_kino(public_path)
    kino.database.chmod(0o600)
    with nobody(), pytest.raises(NotPermittedError, match="look at the locks of"):
        require_closed(kino, seconds=0)


def test_our_own_connection_is_the_callers_business(kino: Kino) -> None:
    """Its lock is seen, since a swap under it would be as wrong."""
    with closing(sqlite3.connect(kino.database)) as connection:
        connection.execute("SELECT * FROM film").fetchall()
        assert holders([kino.database]).pids == ()
        found = find_openers(kino)
    assert found is not None
    assert found.locked


def _open_to_all(folder: Path) -> None:
    for path in folder.iterdir():
        path.chmod(0o644)
