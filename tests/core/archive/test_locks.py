"""The snapshot beside every lock that another process can have on the database, in either journal mode."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from kino_backup_tui.core.archive.snapshot import look_quickly, snapshot_database
from kino_backup_tui.core.errors import BusyError
from kino_backup_tui.core.kino.home import Kino

HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("SELECT count(*) FROM film").fetchone()
for statement in sys.argv[2:]:
    connection.execute(statement)
print("holding", flush=True)
sys.stdin.readline()
if connection.in_transaction:
    connection.execute("COMMIT")
"""
CHANGE = "INSERT INTO film (title) VALUES ('not committed yet')"
SPILL = ("PRAGMA cache_size = 1", "BEGIN", "PRAGMA cache_spill = 1")
MANY = "INSERT INTO film (title, note) SELECT 'not committed yet', randomblob(900) FROM film a, film b"
HOLDERS = {
    "idle": (),
    "reader": ("BEGIN", "SELECT * FROM film LIMIT 1"),
    "writer": ("BEGIN IMMEDIATE", CHANGE),
    "exclusive transaction": ("BEGIN EXCLUSIVE", CHANGE),
    "transaction larger than its cache": (*SPILL, MANY),
    "exclusive locking mode": ("PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE", CHANGE),
}
"""What somebody does who then waits; sqlite.org/lockingv3.html and sqlite.org/wal.html say what is locked."""
BLOCKING = {
    "wal": {"exclusive locking mode"},
    "delete": {"exclusive transaction", "transaction larger than its cache", "exclusive locking mode"},
}


@contextmanager
def held(database: Path, *statements: str) -> Iterator[None]:
    """Have another process hold the database so; it must be able to commit in the end."""
    command = [sys.executable, "-c", HOLDER, str(database), *statements]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "holding\n"
        yield
        holder.communicate("end\n")
    assert holder.returncode == 0


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_lock_is_passed_by_or_ends_in_a_message(
    kino: Kino, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, holder: str
) -> None:
    """The copy is the last committed state, or after the deadline the error says that it is locked."""
    monkeypatch.setattr("kino_backup_tui.core.archive.snapshot.BUSY_SECONDS", 0.3)
    with closing(sqlite3.connect(kino.database)) as connection:
        assert connection.execute(f"PRAGMA journal_mode = {mode}").fetchone() == (mode,)
    copy = tmp_path / "copy"

    with held(kino.database, *HOLDERS[holder]):
        if holder in BLOCKING[mode]:
            with pytest.raises(BusyError):
                snapshot_database(kino.database, copy, lambda _done, _total: None)
            with pytest.raises(BusyError):
                look_quickly(kino.database)
            return
        snapshot_database(kino.database, copy, lambda _done, _total: None)

    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM film").fetchone() == (20,)
