"""Some columns of some tables, from a database whose schema may be that of another release.

Which tables and columns there are is asked of the database (`PRAGMA table_info`), never assumed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from kino_backup_tui.core.kino.live_database import live_errors, open_live


class Columns(NamedTuple):
    """What is wanted of one table."""

    names: tuple[str, ...]
    most: int
    """Rows, at most."""


_LONGEST_TEXT = 4096
"""Characters; PATH_MAX of Linux."""

Wanted = Mapping[str, Columns]
"""By the name of the table."""
Row = dict[str, str | int | float | None]
"""By the name of the column; a column that the table does not have is missing."""
Rows = dict[str, list[Row]]
"""By the name of the table, in the order of their row ids; a table that is not there is missing."""


def read_rows(connection: sqlite3.Connection, wanted: Wanted) -> Rows:
    """Read them; a blob counts as None, and a text is cut where no path goes on. Raises `sqlite3.Error`.

    Only ordinary tables are read: a view or a virtual table would run what its author wants.
    """
    connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    connection.create_function("as_told", 1, _as_told)
    found: Rows = {}
    for table, columns in wanted.items():
        there = connection.execute(
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND rootpage > 0 AND name = ?", (table,)
        ).fetchone()
        if there is None:
            continue
        has = {name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")}
        names = [name for name in columns.names if name in has]
        chosen = ", ".join(f"as_told({name})" for name in names) or "NULL"
        asked = f"SELECT {chosen} FROM {table} LIMIT {columns.most}"  # noqa: S608 - our own names
        found[table] = [dict(zip(names, row, strict=False)) for row in connection.execute(asked)]
    return found


def live_rows(database: Path, wanted: Wanted, patience: float) -> Rows:
    """The same of the database that Kino uses, as it is at one instant; a lock is waited for so many seconds.

    Raises `NotFoundError`, `NotPermittedError`, `LocationError`, and what `live_errors` says.
    """
    with live_errors(database), closing(open_live(database, patience)) as connection:
        connection.execute("BEGIN")
        return read_rows(connection, wanted)


def _as_told(value: str | int | float | bytes | None) -> str | int | float | None:
    if isinstance(value, str):
        return value[:_LONGEST_TEXT]
    return None if isinstance(value, bytes) else value
