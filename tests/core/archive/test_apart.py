"""A database from outside is opened by a child process with limits."""

from __future__ import annotations

import resource
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from kino_backup_tui.core.archive.apart import MEMORY_BYTES, facts_apart
from kino_backup_tui.core.errors import (
    ArchiveRefusedError,
    DatabaseDamagedError,
    OperationCancelledError,
)
from kino_backup_tui.core.progress import CancelToken

LIMITS = """
import resource, sys
from pathlib import Path
from kino_backup_tui.core.archive import apart
apart._limit_ourselves(Path(sys.argv[1]))
print(resource.getrlimit(resource.RLIMIT_AS)[0], resource.getrlimit(resource.RLIMIT_CPU)[0])
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A sound database with two rows."""
    path = tmp_path / "db.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE film (id INTEGER PRIMARY KEY); INSERT INTO film VALUES (1), (2);")
    connection.close()
    return path


def test_facts_come_back_from_the_child(database: Path) -> None:
    """Rows and migrations are those of the file."""
    facts = facts_apart(database, CancelToken())

    assert (dict(facts.tables), facts.migrations) == ({"film": 2}, ())


def test_what_the_child_finds_wrong_is_raised_here(database: Path) -> None:
    """Damage keeps its class and its words."""
    database.write_bytes(b"not a database at all, but long enough to be read as one" * 100)

    with pytest.raises(DatabaseDamagedError, match="not a database"):
        facts_apart(database, CancelToken())


def test_a_child_that_dies_is_a_refused_archive(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that crashes SQLite ends the child, and is not told apart from an attack."""
    monkeypatch.setattr(sys, "executable", "/bin/false")

    with pytest.raises(ArchiveRefusedError):
        facts_apart(database, CancelToken())


def test_a_cancel_ends_the_child(database: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing goes on checking after the admin has stopped it."""
    slow = tmp_path / "slow"
    slow.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 1000\n")
    slow.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(slow))
    cancel = CancelToken()

    def stop_once_it_runs() -> None:
        while not (tmp_path / "pid").exists():
            time.sleep(0.01)
        cancel.cancel()

    helper = threading.Thread(target=stop_once_it_runs)
    helper.start()
    with pytest.raises(OperationCancelledError):
        facts_apart(database, cancel)
    helper.join()

    pid = (tmp_path / "pid").read_text().strip()
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux keeps the limit of memory")
def test_the_child_limits_itself(database: Path) -> None:
    """Memory and processor time have an end, below whatever this process may use."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITS, database], capture_output=True, text=True, check=True
    )

    memory, seconds = (int(word) for word in done.stdout.split())
    assert memory == MEMORY_BYTES
    assert 0 < seconds < 3600
    assert resource.getrlimit(resource.RLIMIT_CPU)[0] == resource.RLIM_INFINITY
