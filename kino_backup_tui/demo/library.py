"""The sample household's database, replayed up to any instant.

Everything follows from a seed and the instant of its end: the same two give the same rows.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta

from kino_backup_tui.demo import activity, shelves
from kino_backup_tui.demo.story import COLUMNS, Story, stamp

_LIFETIME = timedelta(days=400)


class Library:
    """All that happens in the household until `end` (aware, UTC), and how much of it was written."""

    def __init__(self, end: datetime, seed: int = 20250301) -> None:
        self.begin = end - _LIFETIME
        self._story = Story(self.begin, end, seed)
        shelves.furnish(self._story)
        shelves.collect(self._story)
        activity.watch(self._story)
        activity.search(self._story)
        activity.log(self._story)
        self._written = dict.fromkeys(COLUMNS, 0)

    def write(self, connection: sqlite3.Connection, upto: datetime) -> None:
        """Insert, in one transaction, what came into being after the last call and not after `upto`."""
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            for table, columns in COLUMNS.items():
                until = self._story.count_until(table, stamp(upto))
                # Only progress is ever replaced: by a later view of the same file.
                connection.executemany(
                    f"INSERT OR REPLACE INTO {table} ({columns})"  # noqa: S608 - our own names
                    f" VALUES ({', '.join('?' * len(columns.split()))})",
                    self._story.rows(table)[self._written[table] : until],
                )
                self._written[table] = until
