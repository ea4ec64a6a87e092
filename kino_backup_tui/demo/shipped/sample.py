"""The household's Kino 0.3 after a good year, with the backups Kino has made, lost sight of, and lost."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing, suppress
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from kino_backup_tui.core.clock import Clock
from kino_backup_tui.core.errors import ArchiveError
from kino_backup_tui.core.kino.home import KINO_0_3, Kino
from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.listing import list_backups
from kino_backup_tui.core.operations.verify import verify_backup
from kino_backup_tui.core.progress import Control
from kino_backup_tui.demo.library import Library
from kino_backup_tui.demo.occasions import Occasion, damage, evening
from kino_backup_tui.demo.schema import open_database
from kino_backup_tui.demo.shipped.backing_up import back_up
from kino_backup_tui.demo.shipped.data_path import (
    RELEASE,
    ShippedPaths,
    write_session,
    write_shipped_kino,
)
from kino_backup_tui.demo.shipped.household import STATEMENTS

OLD_RELEASE = "0.2.1"
"""Its backups no Kino 0.3 starts with."""
_NIGHTS = 7
_NEW_TORRENT = "A Lantern for Ida (2026)"
_DELETED_FILMS = 3
_PART_BYTES = 61_000_000
"""What has come of each download; a hole where the file system has holes."""
_RUNNING = "SELECT torrent_hash, output_path FROM download WHERE state = 'downloading'"
_NEW_DOWNLOAD = """
INSERT INTO download (title, state, torrent_hash, output_path, added_at)
SELECT ?, 'downloading', ?, download_path || '/' || ?, ? FROM config
"""


def write_shipped_history(data_path: Path, clock: Clock, control: Control) -> None:
    """Fill an empty folder as if Kino 0.3 had run there until `clock.now()`.

    Among its backups are a damaged one, two without a row in Kino's list (from before a restore, and of Kino
    0.2), and a row whose file is gone; all but the newest two have been verified. A download has begun since
    the last backup, and some films that older backups know of have been deleted since. Raises `OSError`,
    `OperationCancelledError`.
    """
    data_path = data_path.resolve()
    library = Library(clock.now(), statements=STATEMENTS)
    places = write_shipped_kino(data_path, library.begin, films=0, downloads=())
    _add_old_archive(places, clock)
    with closing(open_database(data_path / "kino.db")) as connection:
        for occasion in _occasions(clock):
            control.cancel.raise_if_cancelled()
            library.write(connection, occasion.at)
            archive = back_up(connection, data_path, occasion.kind, occasion.kino_version, occasion.at)
            if occasion.damaged:
                damage(archive)
            if occasion.kind is BackupKind.PRE_RESTORE:
                _forget(connection, archive)
            elif occasion.lost:
                archive.unlink()
        library.write(connection, clock.now())
        _write_library(connection)
        _delete_films(connection)
        _start_download(connection, clock.now())
        torrents = dict(connection.execute(_RUNNING))
    for folder in torrents.values():
        Path(folder).mkdir(parents=True)
        with (Path(folder) / "part.mkv").open("wb") as part:
            part.truncate(_PART_BYTES)
    write_session(data_path, {value: Path(folder) for value, folder in torrents.items()})
    _verify(Context(Kino(data_path, KINO_0_3), clock), control)


def _verify(context: Context, control: Control) -> None:
    """Verify all but the newest two, as an admin would who looks in on Kino now and then."""
    for backup in list_backups(context).backups[2:]:
        with suppress(ArchiveError):
            verify_backup(context, backup, control)


def _occasions(clock: Clock) -> list[Occasion]:
    """The backups of the last weeks in their order."""
    now = clock.now()
    night = datetime.combine(now.astimezone(UTC), time(3, 0, 12), tzinfo=UTC)
    last = night if night <= now else night - timedelta(days=1)
    nights = [last - timedelta(days=number) for number in reversed(range(_NIGHTS))]
    scheduled = [
        Occasion(at, BackupKind.SCHEDULED, RELEASE, damaged=number == _NIGHTS // 2)
        for number, at in enumerate(nights)
    ]
    today = last.astimezone(clock.zone()).date()
    others = [
        Occasion(evening(today, 12, time(20, 5), clock), BackupKind.MANUAL, RELEASE),
        Occasion(evening(today, 6, time(19, 31), clock), BackupKind.MANUAL, RELEASE, lost=True),
        Occasion(evening(today, 2, time(21, 40), clock), BackupKind.PRE_RESTORE, RELEASE),
        Occasion(evening(today, 1, time(18, 12), clock), BackupKind.MANUAL, RELEASE),
    ]
    return sorted(scheduled + others, key=lambda occasion: occasion.at)


def _add_old_archive(places: ShippedPaths, clock: Clock) -> None:
    """Leave an archive of the Kino before the update, whose list is no more."""
    library = Library(clock.now(), statements=STATEMENTS)
    at = evening(clock.now().date(), 40, time(20, 5), clock)
    with tempfile.TemporaryDirectory() as folder:
        old = Path(folder)
        write_shipped_kino(old, library.begin, release=OLD_RELEASE, films=0, downloads=(), stored=places)
        with closing(open_database(old / "kino.db")) as connection:
            library.write(connection, at)
            back_up(connection, old, BackupKind.MANUAL, OLD_RELEASE, at)


def _forget(connection: sqlite3.Connection, archive: Path) -> None:
    """Drop the row, as the restore did that was made after this backup."""
    connection.execute("DELETE FROM backup WHERE filename = ?", (archive.name,))


def _write_library(connection: sqlite3.Connection) -> None:
    """Make an empty file of each that the library has."""
    for (path,) in connection.execute("SELECT file_path FROM media"):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).touch()


def _delete_films(connection: sqlite3.Connection) -> None:
    rows = connection.execute("SELECT id, file_path FROM media ORDER BY id LIMIT ?", (_DELETED_FILMS,))
    for row, path in rows.fetchall():
        Path(path).unlink()
        connection.execute("DELETE FROM media WHERE id = ?", (row,))


def _start_download(connection: sqlite3.Connection, now: datetime) -> None:
    connection.execute(_NEW_DOWNLOAD, (_NEW_TORRENT, "5a" * 20, _NEW_TORRENT, now.isoformat()))
