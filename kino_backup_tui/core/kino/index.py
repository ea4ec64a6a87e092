"""Kino's own list of its backups, beside the files: the table `backup` of Kino 0.3.

Kino's web page shows, downloads, restores and deletes what the table lists, and its schedule and retention
look at nothing else. So it is kept in step with the files; the files decide. Kino may run and write
meanwhile: every change is one short transaction. As Kino's documentation describes it, there is no such list.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from kino_backup_tui.core.errors import IncompatibleError, NotPermittedError
from kino_backup_tui.core.files import is_foreign_link, storage_errors
from kino_backup_tui.core.kino.home import KINO_0_3, Kino
from kino_backup_tui.core.kino.live_database import live_errors, open_live

BUSY_SECONDS = 10.0
"""How long another transaction may hold up ours; Kino itself waits five seconds."""
SCHEDULED, MANUAL = "scheduled", "manual"
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


class IndexRow(NamedTuple):
    """One row; without an id and a schema version it is one that is to be put."""

    kind: str
    filename: str
    """Of a file in the current location. What Kino wrote is a bare name, but nothing enforces that."""
    size_bytes: int
    kino_version: str
    checksum_sha256: str
    """Of the archive file, in lower-case hexadecimal."""
    created_at: str
    """RFC 3339, in UTC with the offset +00:00."""
    schema_version: int | None = None
    id: int | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the name is that of a file in a folder; one that leads elsewhere is never followed."""
        return self.filename not in ("", ".", "..") and not set("/\0") & set(self.filename)

    @property
    def instant(self) -> datetime | None:
        """The date of the backup; None if Kino could not read it either."""
        try:
            instant = datetime.fromisoformat(self.created_at)
        except ValueError:
            return None
        return instant if instant.tzinfo else None

    def is_of(self, size_bytes: int, checksum_sha256: str) -> bool:
        """Whether the row describes a file of this size and digest."""
        return (self.size_bytes, self.checksum_sha256) == (size_bytes, checksum_sha256)


def created_at_text(instant: datetime) -> str:
    """A date as the table has it."""
    return instant.astimezone(UTC).isoformat()


class BackupIndex(Protocol):
    """Kino's own list of backups.

    Each method raises `NotFoundError` (no database), `NotPermittedError`, `BusyError` (locked for
    `BUSY_SECONDS`), `DatabaseDamagedError`, `IncompatibleError` (the table is not as Kino 0.3 makes it),
    `NoSpaceError`, `LocationError`. None of that says anything of a backup.
    """

    @property
    def is_kept(self) -> bool:
        """Whether this Kino has such a list at all; without one, nothing is listed and nothing happens."""
        ...

    def rows(self) -> tuple[IndexRow, ...]:
        """All rows, the newest first."""
        ...

    def update(self, put: Sequence[IndexRow], drop: Collection[IndexRow] = ()) -> None:
        """Remove the rows to be dropped, and have each file of the others listed by one row.

        A row that describes the very file stays as it is, and other rows of its name go.
        """
        ...

    def forget(self, filenames: Collection[str]) -> None:
        """Remove every row of these files."""
        ...


class NoIndex:
    """A Kino without a list of its own: the files are the index."""

    is_kept = False

    def rows(self) -> tuple[IndexRow, ...]:
        """None."""
        return ()

    def update(self, put: Sequence[IndexRow], drop: Collection[IndexRow] = ()) -> None:
        """Nothing to do."""

    def forget(self, filenames: Collection[str]) -> None:
        """Nothing to do."""


class TableIndex:
    """The table `backup` of a database."""

    is_kept = True

    def __init__(self, database: Path) -> None:
        self._database = database

    def rows(self) -> tuple[IndexRow, ...]:
        """See `BackupIndex`."""
        with _opened(self._database, writing=False) as connection:
            return _rows(connection)

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


def index_of(kino: Kino) -> BackupIndex:
    """The list of backups that a Kino keeps."""
    return TableIndex(kino.database) if kino.layout == KINO_0_3 else NoIndex()


@contextmanager
def _opened(database: Path, *, writing: bool) -> Iterator[sqlite3.Connection]:
    """Open the live database and look at the table. Raises what `BackupIndex` names."""
    with storage_errors(database, "look at"):
        if os.path.lexists(database) and is_foreign_link(database):
            raise NotPermittedError(f"{database} is a link to another user's file.")
    with live_errors(database), closing(open_live(database, BUSY_SECONDS, writing=writing)) as connection:
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
