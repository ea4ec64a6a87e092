"""A consistent copy of a live SQLite database, without stalling the process that writes it.

SQLite's backup API in slices, *inside one held read transaction*: without it, every commit of the writer
restarts the copy (https://www.sqlite.org/c3ref/backup_finish.html), and under load it never ends while the
write-ahead log grows. The database is never checkpointed (WAL-reset bug, fixed in SQLite 3.51.3), never
opened `immutable`, and its bytes are never read past SQLite: closing such a descriptor would drop SQLite's
own POSIX locks in this process (https://www.sqlite.org/howtocorrupt.html, 2.2).
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kino_backup_tui.core.errors import BusyError, KinoBackupError, LocationError, NotPermittedError
from kino_backup_tui.core.files import storage_error, storage_errors
from kino_backup_tui.core.kino.database import DatabaseFacts, read_facts
from kino_backup_tui.core.kino.home import SIDE_FILES
from kino_backup_tui.core.kino.live_database import live_errors, no_database, open_live
from kino_backup_tui.core.progress import CancelToken

if TYPE_CHECKING:
    import subprocess

PAGES_A_SLICE = 256
BUSY_SECONDS = 15.0
"""How long a lock on the database may hold up the copy."""
_OK, _DONE = 0, 101
_POLL_SECONDS = 0.1


class QuickLook(NamedTuple):
    """What opening a database shows at once."""

    size: int
    """Bytes of a copy."""
    has_tables: bool
    """To SQLite an empty file is a sound database."""


def database_size(database: Path) -> int:
    """Bytes a copy will take: the pages SQLite counts, those in the write-ahead log included.

    Raises what `snapshot_database` raises.
    """
    return look_quickly(database).size


def look_quickly(database: Path, patience: float | None = None) -> QuickLook:
    """Open the live database and read its schema, whatever its size; damage further inside goes unseen.

    `patience` is how many seconds a lock may hold that up, by default `BUSY_SECONDS`.
    Raises what `snapshot_database` raises.
    """
    with _reading(database):
        source = open_live(database, BUSY_SECONDS if patience is None else patience)
        try:
            pages = int(source.execute("PRAGMA page_count").fetchone()[0])
            size = pages * int(source.execute("PRAGMA page_size").fetchone()[0])
            tables = source.execute("SELECT count(*) FROM sqlite_schema WHERE type = 'table'").fetchone()[0]
            return QuickLook(size, tables > 0)
        finally:
            source.close()


def live_facts(database: Path, cancel: CancelToken, patience: float | None = None) -> DatabaseFacts:
    """What the live database says of itself at one instant: migrations and row counts.

    `patience` is as in `look_quickly`. Raises what `snapshot_database` raises, `IncompatibleError`,
    `OperationCancelledError`.
    """
    with _reading(database):
        source = open_live(database, BUSY_SECONDS if patience is None else patience)
        try:
            source.execute("BEGIN")
            return read_facts(source, cancel)
        finally:
            source.close()


def snapshot_database(database: Path, copy: Path, advance: Callable[[int, int], None]) -> None:
    """Copy the database as it is at one instant, into a new file that needs no log beside it.

    `advance(done, total)`, in bytes, is called after every slice and may raise to stop.
    Raises `NotFoundError`, `NotPermittedError`, `BusyError` (locked for `BUSY_SECONDS`),
    `DatabaseDamagedError`, `NoSpaceError` and what `advance` raises; the caller removes the copy then.
    """
    with _reading(database, copy):
        source = open_live(database, BUSY_SECONDS)
        try:
            _copy_pinned(source, copy, advance)
        finally:
            source.close()


def copy_unwritable(database: Path, copy: Path, check: Callable[[], None]) -> None:
    """Copy a database from a file system that is mounted read-only, where SQLite itself cannot open it.

    Nobody can change it there, so the files may be copied as they are; SQLite works the log into the copy.
    `check` is called now and then and may raise to stop.
    Raises `NotFoundError`, `DatabaseDamagedError`, `LocationError`, `NoSpaceError`.
    """
    for suffix, source in found_files(database).items():
        if suffix != "-shm":
            _copy_file(source, copy.with_name(copy.name + suffix), check)
    with _reading(database, copy):
        connection = sqlite3.connect(copy, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        finally:
            connection.close()


def copy_as_found(database: Path, copy: Path, check: Callable[[], None]) -> list[Path]:
    """Copy a database that nobody has open byte for byte, with the files beside it; returns the copies.

    SQLite has no part in it, so it works for any damage. Raises `NotFoundError`, `NotPermittedError` (one of
    them is not a regular file), `BusyError` (somebody changed them meanwhile), `LocationError`,
    `NoSpaceError`, and what `check` raises.
    """
    before = _states(database)
    copies = []
    for suffix, source in found_files(database).items():
        copies.append(copy.with_name(copy.name + suffix))
        _copy_file(source, copies[-1], check)
    if _states(database) != before:
        raise BusyError(f"{database} was changed while it was copied.", hint="Stop Kino, then try again.")
    return copies


def found_files(database: Path) -> dict[str, Path]:
    """The files of a database by the end of their name: "" for itself, and those beside it that are there.

    Of a linked database they are beside its target. Raises `NotFoundError` if there is no database.
    """
    if not database.exists():
        raise no_database(database)
    real = Path(os.path.realpath(database))
    beside = {end: real.with_name(real.name + end) for end in SIDE_FILES}
    return {"": real} | {end: path for end, path in beside.items() if os.path.lexists(path)}


def _states(database: Path) -> list[tuple[Path, int, int, int]]:
    with storage_errors(database, "look at"):
        states = [(path, path.lstat()) for path in found_files(database).values()]
    return [(path, state.st_ino, state.st_size, state.st_mtime_ns) for path, state in states]


def _copy_file(source: Path, target: Path, check: Callable[[], None]) -> None:
    """Copy a regular file in a child process, for the sake of locks that this one may hold."""
    import subprocess

    with storage_errors(source, "look at"):
        regular = stat.S_ISREG(source.lstat().st_mode)
    if regular:
        # Not through a link that takes its place meanwhile. In a session of its own, so that Ctrl-C reaches
        # it through us alone.
        command = ["cp", "-P", "--", str(source), str(target)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as child:
            said = _wait(child, check)
        if child.returncode:
            raise _space_error(target) or LocationError(f"Could not copy {source}: {said.strip()}.")
    if not regular or target.is_symlink():
        raise NotPermittedError(f"{source} is not a regular file.", hint="Move it away; it is not SQLite's.")


def _wait(child: subprocess.Popen[str], check: Callable[[], None]) -> str:
    """Wait for a child process, and end it if `check` raises; returns what it complained of."""
    from subprocess import TimeoutExpired

    while True:
        try:
            return child.communicate(timeout=_POLL_SECONDS)[1]
        except TimeoutExpired:
            try:
                check()
            except BaseException:
                child.kill()
                raise


def _copy_pinned(source: sqlite3.Connection, copy: Path, advance: Callable[[int, int], None]) -> None:
    source.execute("BEGIN")
    # The first read takes the snapshot that the transaction then holds.
    source.execute("SELECT 1 FROM sqlite_schema").fetchone()
    page_size = int(source.execute("PRAGMA page_size").fetchone()[0])
    watch = _Watch(page_size, advance)
    target = sqlite3.connect(copy, isolation_level=None)
    try:
        # The copy is checked and hashed before anything relies on it, and is thrown away after a crash.
        target.execute("PRAGMA synchronous = OFF")
        source.backup(target, pages=PAGES_A_SLICE, progress=watch, sleep=0.05)
        source.execute("ROLLBACK")
        # Out of WAL mode, so that the one file is the whole database.
        target.execute("PRAGMA journal_mode = DELETE").fetchone()
    finally:
        target.close()


class _Watch:
    """Ends a backup that makes no progress; `Connection.backup` itself would wait for ever."""

    def __init__(self, page_size: int, advance: Callable[[int, int], None]) -> None:
        self._page_size = page_size
        self._advance = advance
        self._remaining: int | None = None
        self._moved_at = time.monotonic()

    def __call__(self, status: int, remaining: int, total: int) -> None:
        now = time.monotonic()
        if status in (_OK, _DONE) and (self._remaining is None or remaining < self._remaining):
            self._moved_at = now
        elif now - self._moved_at > BUSY_SECONDS:
            raise BusyError(
                f"The database has been locked for {BUSY_SECONDS:.0f} s.",
                hint="Another program holds it exclusively; end that, then try again.",
            )
        self._remaining = remaining
        self._advance((total - remaining) * self._page_size, total * self._page_size)


@contextmanager
def _reading(database: Path, copy: Path | None = None) -> Iterator[None]:
    """Translate SQLite's errors about the live database or its copy."""
    with live_errors(database):
        try:
            yield
        except sqlite3.Error as error:
            # SQLite reports a full disk in several ways; the file system itself gives the one true answer.
            if copy is not None and (full := _space_error(copy)):
                raise full from error
            raise


def _space_error(copy: Path) -> KinoBackupError | None:
    """Try to write a block beside the copy; the error if that fails."""
    probe = copy.with_name(f"{copy.name}.probe")
    try:
        probe.write_bytes(bytes(8192))
    except OSError as error:
        return storage_error(error, copy.parent, "copy the database to")
    finally:
        probe.unlink(missing_ok=True)
    return None
