"""The database snapshot of a live Kino."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kino_backup_tui.core.archive.snapshot import database_size, snapshot_database
from kino_backup_tui.core.errors import (
    BusyError,
    DatabaseDamagedError,
    NotFoundError,
    NotPermittedError,
    OperationCancelledError,
)
from kino_backup_tui.core.kino.home import Kino
from tests.as_user import NOBODY, let_others_in, run_as

WRITER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("PRAGMA synchronous = NORMAL")
connection.execute("CREATE TABLE IF NOT EXISTS account (name TEXT, total INTEGER)")
connection.execute("CREATE TABLE IF NOT EXISTS entry (account TEXT, amount INTEGER, note TEXT)")
connection.execute("INSERT INTO account VALUES ('a', 0), ('b', 0)")
connection.execute("INSERT INTO entry SELECT name, 0, '' FROM account")
print("ready", flush=True)
number = 0
while True:
    number += 1
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE account SET total = total + ? WHERE name = ?", (number, "ab"[number % 2]))
    connection.execute("INSERT INTO entry VALUES (?, ?, ?)", ("ab"[number % 2], number, "x" * 500))
    connection.execute("COMMIT")
"""


@pytest.fixture
def busy_writer(kino: Kino) -> Iterator[subprocess.Popen[str]]:
    """Another process that commits to the database without a pause."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(kino.database)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    yield writer
    assert writer.poll() is None, "the writer died"
    writer.kill()
    writer.wait()
    writer.stdout.close()


def ignore(_done: int, _total: int) -> None:
    """Nobody looks."""


def test_every_snapshot_under_load_is_one_moment(
    kino: Kino, busy_writer: subprocess.Popen[str], tmp_path: Path
) -> None:
    """Two tables that the writer changes together agree in each of ten copies, ever changing."""
    totals = set()
    for number in range(10):
        copy = tmp_path / f"copy{number}"
        snapshot_database(kino.database, copy, ignore)
        connection = sqlite3.connect(copy)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        accounts = connection.execute("SELECT name, total FROM account ORDER BY name").fetchall()
        entries = connection.execute(
            "SELECT account, sum(amount) FROM entry GROUP BY 1 ORDER BY 1"
        ).fetchall()
        assert accounts == entries
        totals.add(tuple(accounts))
        connection.close()
    assert len(totals) > 1


def test_the_copy_never_starts_over(kino: Kino, busy_writer: subprocess.Popen[str], tmp_path: Path) -> None:
    """Commits during the copy do not restart it: what remains only shrinks, and the log stays small."""
    connection = sqlite3.connect(kino.database, timeout=30)
    connection.executemany("INSERT INTO film (title, note) VALUES (?, ?)", [("x", "y" * 3000)] * 5000)
    connection.commit()
    connection.close()
    done: list[int] = []

    snapshot_database(kino.database, tmp_path / "copy", lambda so_far, _total: done.append(so_far))

    assert done == sorted(done)
    assert len(done) > 10
    assert kino.database.with_name("db.sqlite-wal").stat().st_size < 64 * 1024 * 1024


def test_rows_that_are_only_in_the_log_are_in_the_copy(
    kino: Kino, live_writer: sqlite3.Connection, tmp_path: Path
) -> None:
    """A transaction that has not been checkpointed is part of the snapshot, one that is open is not."""
    live_writer.execute("INSERT INTO film (title) VALUES ('committed')")
    live_writer.execute("BEGIN")
    live_writer.execute("INSERT INTO film (title) VALUES ('open')")

    snapshot_database(kino.database, tmp_path / "copy", ignore)

    copy = sqlite3.connect(tmp_path / "copy")
    assert copy.execute("SELECT count(*) FROM film WHERE title = 'committed'").fetchone() == (1,)
    assert copy.execute("SELECT count(*) FROM film WHERE title = 'open'").fetchone() == (0,)
    copy.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "kino"]


def test_the_live_database_is_never_checkpointed(
    kino: Kino, live_writer: sqlite3.Connection, tmp_path: Path
) -> None:
    """The log of the live database is byte for byte what it was."""
    live_writer.execute("INSERT INTO film (title) VALUES ('in the log')")
    log = kino.database.with_name("db.sqlite-wal")
    size = log.stat().st_size

    snapshot_database(kino.database, tmp_path / "copy", ignore)

    assert log.stat().st_size == size > 0


def test_a_database_that_is_not_in_wal_mode_is_copied(kino: Kino, tmp_path: Path) -> None:
    """The rollback journal is no obstacle."""
    connection = sqlite3.connect(kino.database)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()

    snapshot_database(kino.database, tmp_path / "copy", ignore)

    assert database_size(tmp_path / "copy") == database_size(kino.database)


def test_an_exclusive_lock_ends_in_a_message(
    kino: Kino, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that another program keeps for itself is given up on after the deadline."""
    monkeypatch.setattr("kino_backup_tui.core.archive.snapshot.BUSY_SECONDS", 0.3)
    holder = sqlite3.connect(kino.database, isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    started = time.monotonic()

    with pytest.raises(BusyError):
        snapshot_database(kino.database, tmp_path / "copy", ignore)

    assert time.monotonic() - started < 5
    holder.close()


def test_a_cancel_ends_the_copy_and_frees_the_database(kino: Kino, tmp_path: Path) -> None:
    """What `advance` raises comes out, and no read transaction keeps the log from being reset."""

    def cancel(_done: int, _total: int) -> None:
        raise OperationCancelledError("enough")

    with pytest.raises(OperationCancelledError):
        snapshot_database(kino.database, tmp_path / "copy", cancel)

    writer = sqlite3.connect(kino.database)
    writer.execute("INSERT INTO film (title) VALUES ('after')")
    writer.commit()
    assert writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    writer.close()


def test_a_missing_database_is_named(kino: Kino, tmp_path: Path) -> None:
    """No database: the error says where one was expected."""
    kino.database.unlink()

    with pytest.raises(NotFoundError, match=r"db\.sqlite"):
        snapshot_database(kino.database, tmp_path / "copy", ignore)


def test_a_file_that_is_no_database_is_damaged(kino: Kino, tmp_path: Path) -> None:
    """Zeros over the header are reported as damage of the live database."""
    kino.database.write_bytes(b"not a database at all" * 500)

    with pytest.raises(DatabaseDamagedError):
        snapshot_database(kino.database, tmp_path / "copy", ignore)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_a_third_user_is_turned_away(kino: Kino) -> None:
    """A reader who is neither root nor the owner would leave log files that Kino cannot write."""
    let_others_in(kino.database)

    def measure() -> str:
        try:
            return str(database_size(kino.database))
        except NotPermittedError as error:
            return error.message

    assert "belongs to another user" in run_as(NOBODY, measure)
    assert sorted(path.name for path in kino.data_path.glob("db.sqlite*")) == ["db.sqlite"]
