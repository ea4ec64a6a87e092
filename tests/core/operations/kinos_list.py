"""Kino's own list of backups, for the tests of the operations."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.index import IndexRow, index_of


def rows(kino: Kino) -> dict[str, IndexRow]:
    """Kino's list by file name."""
    found = index_of(kino).rows()
    assert len({row.filename for row in found}) == len(found)
    return {row.filename: row for row in found}


def set_location(kino: Kino, folder: Path) -> None:
    """Move the location as Kino's own page does."""
    with closing(sqlite3.connect(kino.database)) as connection, connection:
        connection.execute("UPDATE config SET backup_location_path = ?", (str(folder),))
