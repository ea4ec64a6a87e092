"""The table `backup` in which Kino 0.3 lists its backups, read and changed while Kino may run."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from kino_backup_tui.core.errors import IncompatibleError, NotPermittedError
from kino_backup_tui.core.files import is_foreign_link, storage_errors
from kino_backup_tui.core.kino.database import MIGRATIONS, read_migrations
from kino_backup_tui.core.kino.index import IndexRow
from kino_backup_tui.core.kino.live_database import live_errors, open_live
from kino_backup_tui.core.models import Migration

BUSY_SECONDS = 10.0
"""How long another transaction may hold up ours; Kino itself waits five seconds."""
LOOK_SECONDS = 2.0
"""The same for a look, which only an exclusive lock holds up: a listing can do without."""
_TABLE = "backup"
_COLUMNS = (
    "kind",
    "filename",
    "size_bytes",
    "kino_version",
    "schema_version",
    "checksum_sha256",
    "created_at",
)
_FIRST_SCHEMA_VERSION = 1
"""What every release of Kino so far writes into the column; it refuses to restore a row with a larger one."""
_LONGEST_VALUE = 1 << 20
_MOST_ROWS = 10_000


class TableIndex:
    """The table `backup` of a database."""

    is_kept = True

    def __init__(self, database: Path) -> None:
        self._database = database

    def rows(self) -> tuple[IndexRow, ...]:
        """See `BackupIndex`."""
        with _opened(self._database, writing=False) as connection:
            return _rows(connection)

    def migrations(self) -> tuple[Migration, ...]:
        """See `BackupIndex`."""
        with _opened(self._database, writing=False) as connection:
            listed = connection.execute(
                "SELECT 1 FROM sqlite_schema WHERE name = ?", (MIGRATIONS,)
            ).fetchone()
            return read_migrations(connection) if listed else ()

    def update(self, put: Sequence[IndexRow], drop: Collection[IndexRow] = ()) -> None:
        """See `BackupIndex`."""
        if not put and not drop:
            return
        with _changing(self._database) as connection:
            _delete(connection, drop)
            present = _rows(connection)
            schema_version = present[0].schema_version if present else _FIRST_SCHEMA_VERSION
            for row in put:
                _put(connection, row, present, schema_version)

    def forget(self, filenames: Collection[str]) -> None:
        """See `BackupIndex`."""
        with _changing(self._database) as connection:
            _delete(connection, [row for row in _rows(connection) if row.filename in filenames])


@contextmanager
def _opened(database: Path, *, writing: bool) -> Iterator[sqlite3.Connection]:
    """Open the live database and look at the table. Raises what `BackupIndex` names."""
    with storage_errors(database, "look at"):
        if os.path.lexists(database) and is_foreign_link(database):
            raise NotPermittedError(f"{database} is a link to another user's file.")
    patience = BUSY_SECONDS if writing else LOOK_SECONDS
    with live_errors(database), closing(open_live(database, patience, writing=writing)) as connection:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
        connection.text_factory = _decoded
        _require_table(connection, database)
        yield connection


@contextmanager
def _changing(database: Path) -> Iterator[sqlite3.Connection]:
    """One transaction that has the right to write from its beginning."""
    with _opened(database, writing=True) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            # SQLite itself has undone what found no space.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


def _require_table(connection: sqlite3.Connection, database: Path) -> None:
    """A database that came out of an archive may have anything under that name."""
    kinds = connection.execute(
        "SELECT type, rootpage > 0 FROM sqlite_schema WHERE tbl_name = ? COLLATE NOCASE "
        "AND type IN ('table', 'view', 'trigger')",
        (_TABLE,),
    ).fetchall()
    columns = connection.execute(f"PRAGMA table_info({_TABLE})").fetchall()
    known = {"id", *_COLUMNS}
    needed = {name for _, name, _, not_null, default, _ in columns if not_null and default is None}
    if kinds != [("table", 1)] or not known <= {column[1] for column in columns} or needed - known:
        raise IncompatibleError(
            f"{database} has no list of backups such as Kino 0.3 keeps.",
            hint="The backups themselves are not concerned; only Kino's own page does without them.",
        )


def _rows(connection: sqlite3.Connection) -> tuple[IndexRow, ...]:
    texts = ", ".join(
        f"CAST(coalesce({name}, '') AS TEXT)"
        for name in ("kind", "filename", "kino_version", "checksum_sha256", "created_at")
    )
    found = connection.execute(
        f"SELECT {texts}, CAST(coalesce(size_bytes, -1) AS INTEGER), "  # noqa: S608
        f"CAST(coalesce(schema_version, {_FIRST_SCHEMA_VERSION}) AS INTEGER), id "
        f"FROM {_TABLE} ORDER BY id DESC LIMIT {_MOST_ROWS}"
    )
    return tuple(
        IndexRow(kind, filename, size, version, checksum, created_at, schema_version, identity)
        for kind, filename, version, checksum, created_at, size, schema_version, identity in found
    )


def _put(
    connection: sqlite3.Connection, row: IndexRow, present: Sequence[IndexRow], schema_version: int | None
) -> None:
    namesakes = [other for other in present if other.filename == row.filename]
    fitting = [other for other in namesakes if other.is_of(row.size_bytes, row.checksum_sha256)][:1]
    _delete(connection, [other for other in namesakes if other not in fitting])
    if fitting:
        return
    values = row._asdict() | {"schema_version": schema_version}
    connection.execute(
        f"INSERT INTO {_TABLE} ({', '.join(_COLUMNS)}) "  # noqa: S608
        f"VALUES ({', '.join('?' * len(_COLUMNS))})",
        [values[name] for name in _COLUMNS],
    )


def _delete(connection: sqlite3.Connection, rows: Collection[IndexRow]) -> None:
    connection.executemany(f"DELETE FROM {_TABLE} WHERE id = ?", [(row.id,) for row in rows])  # noqa: S608


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
