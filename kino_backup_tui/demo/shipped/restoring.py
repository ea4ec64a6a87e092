"""How Kino 0.3 restores: what it takes for a backup, and how it puts one in the place of a database in use.

Nothing is checked that Kino does not check, and no more is kept than Kino keeps.
"""

from __future__ import annotations

import io
import sqlite3
import tarfile
import zlib
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.demo.shipped.archive import SCHEMA_VERSION
from kino_backup_tui.demo.shipped.backing_up import back_up, location_of

ASIDE = "kino.db.pre-restore"
STAGED = "kino.db.restore-staged"
_ENTRY = "kino.db"
_GZIP = 31
"""For `zlib`: a gzip header, and a window of any size; it ends with the first member, as flate2 does."""


class RefusedError(Exception):
    """Kino does not take this backup; the text is Kino's answer."""


def restore_by_id(
    connection: sqlite3.Connection, data_path: Path, row: int, version: str, now: datetime
) -> None:
    """Restore a backup of the list, if its archive is the one that the row describes.

    Raises `RefusedError`, `OSError`, `zlib.error` or `tarfile.TarError`.
    """
    found = connection.execute(
        "SELECT filename, schema_version, checksum_sha256 FROM backup WHERE id = ?", (row,)
    ).fetchone()
    if found is None:
        raise RefusedError(f"no backup {row}")
    name, schema_version, checksum = found
    archive = location_of(connection, data_path) / name
    if schema_version > SCHEMA_VERSION:
        raise RefusedError(f"backup {row} is of a newer schema")
    if sha256(archive.read_bytes()).hexdigest() != checksum:
        raise RefusedError(f"the checksum of {name} differs from its row")
    _restore(connection, data_path, archive, version, now)


def restore_upload(
    connection: sqlite3.Connection, data_path: Path, archive: Path, version: str, now: datetime
) -> None:
    """Restore an archive that was uploaded: neither a checksum nor a version is looked at.

    Raises `RefusedError`, `OSError`, `zlib.error` or `tarfile.TarError`.
    """
    _restore(connection, data_path, archive, version, now)


def extract_database(archive: Path, target: Path) -> None:
    """Write the database of an archive to a file, as Kino finds it there.

    It is the last entry whose path is exactly `kino.db`, of whatever type; a link has no content. Everything
    else is ignored, the manifest, too. Raises `RefusedError` if there is no such entry or the archive is cut
    off, `zlib.error`, `tarfile.TarError`; what was written so far stays.
    """
    found = False
    unpacking = zlib.decompressobj(_GZIP)
    tar = unpacking.decompress(archive.read_bytes())
    if not unpacking.eof:
        raise RefusedError("unexpected end of file")
    with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as entries:
        for entry in entries:
            if entry.name == _ENTRY:
                found = True
                content = entries.extractfile(entry) if entry.isreg() else None
                target.write_bytes(content.read() if content else b"")
    if not found:
        raise RefusedError(f"the archive has no {_ENTRY}")


def _restore(
    connection: sqlite3.Connection, data_path: Path, archive: Path, version: str, now: datetime
) -> None:
    back_up(connection, data_path, BackupKind.PRE_RESTORE, version, now)
    database, staged = data_path / "kino.db", data_path / STAGED
    extract_database(archive, staged)
    (data_path / ASIDE).unlink(missing_ok=True)
    database.rename(data_path / ASIDE)
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    staged.rename(database)
