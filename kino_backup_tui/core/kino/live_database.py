"""Opening the database that Kino uses, for a moment, without harm to Kino.

In WAL mode readers and a writer do not hold each other up (https://www.sqlite.org/wal.html); a writer waits
for another one as long as it is patient, which is what Kino does, too.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kino_backup_tui.core.errors import DatabaseDamagedError, NotFoundError, NotPermittedError
from kino_backup_tui.core.files import storage_error, user_name
from kino_backup_tui.core.kino.database import database_error, database_uri


def open_live(database: Path, seconds: float, *, writing: bool = False) -> sqlite3.Connection:
    """Open the live database, in autocommit mode; a lock of somebody else is waited for so long.

    Raises `NotFoundError`, `NotPermittedError`, `LocationError`, and within `live_errors` what that says.
    """
    try:
        owner = database.stat().st_uid
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise no_database(database) from error
        raise storage_error(error, database, "look at") from error
    # A reader of a third user would leave -wal and -shm files that Kino cannot write.
    if os.geteuid() not in (0, owner):
        raise NotPermittedError(
            f"{database} belongs to another user; you are {user_name()}.",
            hint="Run as root or as Kino's own user, for example with `sudo -u kino`.",
        )
    if not writing:
        return _open_for_reading(database, seconds)
    connection = _connect(database_uri(database, mode="rw"), seconds)
    # One that was just restored has no log yet: there a commit is the removal of a journal, which a power
    # cut may undo unless the folder is synced (https://www.sqlite.org/pragma.html#pragma_synchronous).
    connection.execute("PRAGMA synchronous = EXTRA")
    # To work the log into a database that Kino writes is Kino's own business.
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    return connection


def _open_for_reading(database: Path, seconds: float) -> sqlite3.Connection:
    connection = _connect(database_uri(database, mode="ro"), seconds)
    try:
        connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
    except sqlite3.Error as error:
        connection.close()
        if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_IOERR_SHMSIZE:
            raise
        # On a full disk there is no room for the index of the log. Instead of one that may not be written,
        # SQLite makes one in memory (https://www.sqlite.org/rescode.html#readonly_cantinit).
        connection = _connect(database_uri(database, mode="ro", readonly_shm=1), seconds)
    connection.execute("PRAGMA query_only = 1")
    return connection


def _connect(uri: str, seconds: float) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=seconds, isolation_level=None)
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


@contextmanager
def live_errors(database: Path) -> Iterator[None]:
    """Translate SQLite's errors about the live database, see `database_error`."""
    try:
        yield
    except sqlite3.Error as error:
        translated = database_error(error, database)
        if isinstance(translated, DatabaseDamagedError):
            translated = DatabaseDamagedError(
                f"{database}: {translated.message}",
                hint="Your earlier backups are not affected: restore one.",
            )
        raise translated from error


def no_database(database: Path) -> NotFoundError:
    """The error of those who need a database."""
    return NotFoundError(
        f"There is no database at {database}.",
        hint="Check --data-path, and that its disk is mounted. "
        "Kino makes it at its first start; if it was lost, restore a backup.",
    )
