"""What Kino's database says of itself, and whether it is sound.

SQLite's behaviour is as in its manual: URI filenames, PRAGMA statements, result codes, and
"Defense Against The Dark Arts" for files that somebody else may have built.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from kino_backup_tui.core.errors import (
    BusyError,
    DatabaseDamagedError,
    IncompatibleError,
    KinoBackupError,
    LocationError,
    NoSpaceError,
    NotFoundError,
    NotPermittedError,
    OperationCancelledError,
)
from kino_backup_tui.core.files import user_name
from kino_backup_tui.core.models import Migration
from kino_backup_tui.core.progress import CancelToken

LARGEST_VALUE = 64 << 20
"""Bytes; an untrusted database cannot make us hold a larger text or blob in memory."""

MIGRATIONS = "_sqlx_migrations"
"""The table in which sqlx notes what has been done to a database."""
_CHECK_CACHE_KIB = 8000
"""For each of two processors. With SQLite's own 2,000, looking up index entries takes a tenth longer."""
_POLL_SECONDS = 0.05


class DatabaseFacts(NamedTuple):
    """What a backup records of its database."""

    migrations: tuple[Migration, ...]
    """The successful ones, by version."""
    tables: dict[str, int]
    """Row counts of the ordinary tables, SQLite's own ones excluded."""

    @property
    def schema_version(self) -> int:
        """The number of migrations."""
        return len(self.migrations)


def database_uri(path: Path, **parameters: str | int) -> str:
    """The URI of a database, for `sqlite3.connect(..., uri=True)`; any path is quoted rightly."""
    from urllib.parse import quote_from_bytes, urlencode

    # With "//" and an empty authority: a path that itself begins with two slashes would name a host.
    query = f"?{urlencode(parameters)}" if parameters else ""
    return f"file://{quote_from_bytes(bytes(path.absolute()))}{query}"


def open_untrusted(path: Path, *, ours: bool = False) -> sqlite3.Connection:
    """Open a copy that nobody else writes, for reading, without letting its schema run anything.

    A copy of `ours` was made here from the live database. It may be damaged, but nobody has built it to
    attack SQLite, so its cells are not checked at every read of a page: that takes a fifth of a check.

    No -wal or -shm appears beside it; only a copy that comes with a -wal or -journal of its own is opened
    in a way that lets SQLite work that in. Raises what `database_error` makes of a failure.
    """
    unfinished = any(
        (companion := path.with_name(path.name + suffix)).is_file() and companion.stat().st_size > 0
        for suffix in ("-wal", "-journal")
    )
    uri = database_uri(path, mode="rw") if unfinished else database_uri(path, mode="ro", immutable=1)
    try:
        connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    except sqlite3.Error as error:
        raise database_error(error, path) from error
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_VALUE)
    for setting in ("trusted_schema = OFF", f"cell_size_check = {not ours}", "query_only = ON"):
        connection.execute(f"PRAGMA {setting}")
    return connection


def read_facts(connection: sqlite3.Connection, cancel: CancelToken | None = None) -> DatabaseFacts:
    """Read the migrations and count the rows of every table.

    For figures that belong together, the caller holds a transaction.
    Raises `DatabaseDamagedError`, `OperationCancelledError` and what else `database_error` says.
    """
    with _interruptible(connection, cancel or CancelToken()):
        names = connection.execute(
            # Virtual tables have no root page; counting them would run their module.
            "SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0 "
            r"AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name"
        ).fetchall()
        tables = {name: _count(connection, name) for (name,) in names}
        migrations = read_migrations(connection) if MIGRATIONS in tables else ()
    return DatabaseFacts(migrations, tables)


def read_migrations(connection: sqlite3.Connection) -> tuple[Migration, ...]:
    """The successful migrations, by version; raises `DatabaseDamagedError` and `sqlite3.Error`."""
    rows = connection.execute(
        f"SELECT version, checksum FROM {MIGRATIONS} WHERE success ORDER BY version"  # noqa: S608
    )
    return tuple(_migration(*row) for row in rows.fetchall())


def check_integrity(copy: Path, cancel: CancelToken) -> None:
    """Check a copy as `PRAGMA integrity_check` does, and raise what `checked_beside` raises."""
    with checked_beside(copy, cancel) as finish:
        finish()


@contextmanager
def checked_beside(copy: Path, cancel: CancelToken, *, ours: bool = False) -> Iterator[Callable[[], None]]:
    """Check a copy on another processor while the block does something else with it; `ours` as in opening.

    The block is given what ends the check: it takes over what is left to do, waits for the rest, and raises
    `DatabaseDamagedError` with the first problem, or if there is no table at all: to SQLite an empty file is
    a sound database. A schema that needs a collation or function only Kino has cannot be checked, not even in
    part, and a stand-in would report sound indexes as damaged: that is `IncompatibleError`.
    `OperationCancelledError` follows a cancel within a tenth of a second; a block that fails ends the check.
    """
    check = _Check(copy, ours)
    given_up = CancelToken()
    helper = threading.Thread(target=check.work, args=(given_up,), name="database-check")
    helper.start()

    def finish() -> None:
        check.work(cancel)
        while helper.is_alive():
            cancel.raise_if_cancelled()
            helper.join(_POLL_SECONDS)
        if check.failures:
            raise check.failures[0]

    try:
        yield finish
    finally:
        given_up.cancel()
        helper.join()


class _Check:
    """An integrity check in parts that any number of threads take in turn.

    A quick check of the whole file finds damaged, lost and doubly used pages; a check of each table compares
    it with its indexes and constraints. Together they are the full check (https://www.sqlite.org/pragma.html,
    integrity_check, "partial integrity check"), of which the tables take nine tenths of the time.
    """

    def __init__(self, copy: Path, ours: bool) -> None:
        self.failures: list[BaseException] = []
        self._copy = copy
        self._ours = ours
        self._parts: deque[str] = deque()
        self._listed = threading.Lock()
        self._tables_known = False

    def work(self, cancel: CancelToken) -> None:
        """Do parts until none is left, or one has failed."""
        try:
            with (
                closing(open_untrusted(self._copy, ours=self._ours)) as connection,
                _interruptible(connection, cancel),
            ):
                connection.execute(f"PRAGMA cache_size = -{_CHECK_CACHE_KIB}")
                self._list_tables(connection)
                while self._parts and not self.failures:
                    _require_ok(connection, self._parts.popleft())
        except IndexError:
            return  # another thread took the last one
        except BaseException as error:  # raised in the thread that asked for the check
            self.failures.append(error)

    def _list_tables(self, connection: sqlite3.Connection) -> None:
        with self._listed:
            if self._tables_known:
                return
            self._tables_known = True
            tables = _tables(connection)
            if not tables:
                raise DatabaseDamagedError("The database is empty.")
            parts = [f"PRAGMA integrity_check({_quoted(table)})" for table in tables]
            # The longest first, so that two processors are done at about the same time.
            self._parts.extend([*parts[:2], "PRAGMA quick_check(1)", *parts[2:]])


def _tables(connection: sqlite3.Connection) -> list[str]:
    """The names of the ordinary tables, those with the most rows first, to keep two processors busy."""
    # Virtual tables have no root page.
    names = [
        name
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0"
        )
    ]
    return sorted(names, key=lambda name: _last_row(connection, name), reverse=True)


def _last_row(connection: sqlite3.Connection, table: str) -> int:
    try:
        (last,) = connection.execute(f"SELECT max(_rowid_) FROM {_quoted(table)}").fetchone()  # noqa: S608
    except sqlite3.OperationalError:  # a table WITHOUT ROWID
        return 0
    return last if isinstance(last, int) else 0


def _require_ok(connection: sqlite3.Connection, pragma: str) -> None:
    (result,) = connection.execute(pragma).fetchone()
    if result != "ok":
        raise DatabaseDamagedError(f"The database is damaged: {' '.join(str(result).split())}.")


def database_error(error: sqlite3.Error, path: Path | str) -> KinoBackupError:
    """Turn an error of SQLite into ours, by its result code.

    Damage is told without the path: what was opened may be a copy, and the caller knows what of.
    """
    # The code is missing where Python's own module objects; extended codes carry the primary one below.
    extended = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    code = extended & 0xFF
    if code == sqlite3.SQLITE_INTERRUPT:
        return OperationCancelledError("Cancelled.")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return BusyError(f"The database {path} is locked.", hint="Try again in a moment.")
    # A full disk has no room for the index of a log, either (https://www.sqlite.org/rescode.html#ioerr_shmsize).
    if code == sqlite3.SQLITE_FULL or extended == sqlite3.SQLITE_IOERR_SHMSIZE:
        return NoSpaceError(f"There is no space to work on the database {path}.", hint="Free space there.")
    if code == sqlite3.SQLITE_CANTOPEN:
        text = f"The database {path} cannot be opened by {user_name()}: {error}."
        # Of one that is there, it is the log beside it that cannot be: no right, no inode left, a bad disk.
        hint = "Check the disk, and who may write to the folder."
        return LocationError(text, hint=hint) if os.path.lexists(path) else NotFoundError(text)
    if extended == sqlite3.SQLITE_READONLY_ROLLBACK:
        return DatabaseDamagedError(
            "A change was cut off in the middle and is still to be undone. Kino does that at its next start."
        )
    if code in (sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_AUTH):
        return NotPermittedError(f"The database {path} cannot be used by {user_name()}: {error}.")
    if code == sqlite3.SQLITE_IOERR:
        return LocationError(f"The database {path} cannot be read: {error}.", hint="Check the disk.")
    if code in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG):
        return IncompatibleError(f"The database needs what this program does not have: {error}.")
    return DatabaseDamagedError(f"The database is damaged: {error}.")


@contextmanager
def _interruptible(connection: sqlite3.Connection, cancel: CancelToken) -> Iterator[None]:
    """Let a cancel end the statement that runs, and turn SQLite's errors into ours.

    A progress handler would be called too seldom: whole trees of pages are checked between two calls.
    """
    finished = threading.Event()

    def watch() -> None:
        while not finished.wait(_POLL_SECONDS):
            if cancel.cancelled:
                connection.interrupt()

    cancel.raise_if_cancelled()
    watcher = threading.Thread(target=watch, name="database-cancel", daemon=True)
    watcher.start()
    try:
        try:
            yield
        finally:
            finished.set()
            watcher.join()
    except sqlite3.Error as error:
        raise database_error(error, _path(connection)) from error


def _count(connection: sqlite3.Connection, table: str) -> int:
    (count,) = connection.execute(f"SELECT count(*) FROM {_quoted(table)}").fetchone()  # noqa: S608
    return int(count)


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def _migration(version: object, checksum: object) -> Migration:
    if not isinstance(version, int) or not isinstance(checksum, bytes):
        raise DatabaseDamagedError("The list of migrations in the database is not as sqlx writes it.")
    return Migration(version, checksum.hex())


def _path(connection: sqlite3.Connection) -> str:
    # Answered from the connection itself, so that it works on a damaged database, too.
    return str(connection.execute("PRAGMA database_list").fetchone()[2])
