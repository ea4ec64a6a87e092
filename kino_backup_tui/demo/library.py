"""The sample household's database, replayed up to any instant.

Everything follows from a seed and the instant of its end: the same two give the same rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import datetime, timedelta

from kino_backup_tui.demo import activity, shelves
from kino_backup_tui.demo.story import COLUMNS, Story, stamp

_LIFETIME = timedelta(days=400)
_NAMES = {table: columns.split(", ") for table, columns in COLUMNS.items()}
# Only progress is ever replaced: by a later view of the same file.
_AS_IT_IS = {
    table: f"INSERT OR REPLACE INTO {table} ({columns}) VALUES (:{', :'.join(_NAMES[table])})"  # noqa: S608
    for table, columns in COLUMNS.items()
}


class Library:
    """All that happens in the household until `end` (aware, UTC), and how much of it was written.

    `statements` insert a row of a table by the names of its columns, for a database with other tables;
    a table without a statement is left out.
    """

    def __init__(
        self, end: datetime, seed: int = 20250301, *, statements: Mapping[str, str] = _AS_IT_IS
    ) -> None:
        self.begin = end - _LIFETIME
        self._story = Story(self.begin, end, seed)
        shelves.furnish(self._story)
        shelves.collect(self._story)
        activity.watch(self._story)
        activity.search(self._story)
        activity.log(self._story)
        self._statements = statements
        self._written = dict.fromkeys(COLUMNS, 0)

    def write(self, connection: sqlite3.Connection, upto: datetime) -> None:
        """Insert, in one transaction, what came into being after the last call and not after `upto`."""
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            for table, names in _NAMES.items():
                if table not in self._statements:
                    continue
                until = self._story.count_until(table, stamp(upto))
                rows = self._story.rows(table)[self._written[table] : until]
                connection.executemany(
                    self._statements[table], [dict(zip(names, row, strict=True)) for row in rows]
                )
                self._written[table] = until
