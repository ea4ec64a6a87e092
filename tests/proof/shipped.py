"""A Kino 0.3 in one of two states: a film, settings and a list of backups, all in its database."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from kino_backup_tui.demo.shipped.data_path import write_shipped_kino
from tests.core.restore.killing import BROKEN, NEW, OLD
from tests.proof.places import folder_in_memory

_STATES = {("old, from the log",): OLD, ("new",): NEW}
_SETTINGS = ("enabled", "schedule", "time", "location_path", "retention_count")
_CRASH = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA wal_autocheckpoint = 0")
connection.execute("UPDATE movie SET title = 'old, from the log'")
os.kill(os.getpid(), signal.SIGKILL)
"""


class Contents(NamedTuple):
    """What a database says."""

    state: str
    """Wholly the old one, wholly the new one, or what is wrong."""
    settings: bytes | None
    """None if they cannot be read."""
    listed: tuple[tuple[str, int, str], ...]
    """Name, size and SHA-256 of the files that Kino's list describes, by name."""


def write_state(data_path: Path, library: Path, title: str, *, keep: int = 7) -> None:
    """Write a data path with one film of that title."""
    write_shipped_kino(data_path, datetime(2026, 4, 26, 9, 0, tzinfo=UTC), films=1, library=library)
    with closing(sqlite3.connect(data_path / "kino.db")) as connection, connection:
        connection.execute("UPDATE movie SET title = ?", (title,))
        connection.execute("UPDATE config SET backup_retention_count = ?", (keep,))


def crash(data_path: Path) -> None:
    """Let the Kino of the old state crash; what it has done last is still in the log."""
    subprocess.run([sys.executable, "-c", _CRASH, data_path / "kino.db"], check=False)


def read(data_path: Path) -> Contents:
    """Read a copy of the database: looking must not change what is looked at."""
    columns = ", ".join(f"backup_{name}" for name in _SETTINGS)
    with folder_in_memory() as scratch:
        for path in data_path.glob("kino.db*"):
            shutil.copy(path, scratch)
        try:
            with closing(sqlite3.connect(f"file:{scratch}/kino.db?mode=rw", uri=True)) as connection:
                (sound,) = connection.execute("PRAGMA integrity_check").fetchone()
                titles = tuple(title for (title,) in connection.execute("SELECT title FROM movie"))
                settings = connection.execute(f"SELECT {columns} FROM config").fetchall()
                rows = connection.execute("SELECT filename, size_bytes, checksum_sha256 FROM backup")
                listed = tuple(sorted(rows.fetchall()))
        except sqlite3.Error as error:
            return Contents(f"{BROKEN}: {error}", None, ())
    state = _STATES.get(titles) if sound == "ok" else None
    return Contents(state or f"{BROKEN}: {sound}, {titles}", repr(settings).encode(), listed)
