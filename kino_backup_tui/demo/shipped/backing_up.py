"""How Kino 0.3 backs itself up: a snapshot, the archive under its final name, a row, a prune."""

from __future__ import annotations

import sqlite3
import tempfile
from datetime import datetime
from pathlib import Path

from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.demo.shipped.archive import KINDS, SCHEMA_VERSION, archive_name, write_archive
from kino_backup_tui.demo.shipped.stamps import rfc3339

_ROW = """
INSERT INTO backup
    (kind, filename, size_bytes, kino_version, schema_version, checksum_sha256, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_BEYOND = (
    "SELECT id, filename FROM backup WHERE kind = 'scheduled' ORDER BY created_at DESC LIMIT -1 OFFSET ?"
)


def back_up(
    connection: sqlite3.Connection, data_path: Path, kind: BackupKind, version: str, now: datetime
) -> Path:
    """Make a backup and return its archive; `OSError` or `sqlite3.Error` leave what there is then.

    No file is hidden, private or synced meanwhile, and a second backup in the same second takes the name of
    the first.
    """
    location = location_of(connection, data_path)
    (keep,) = connection.execute("SELECT backup_retention_count FROM config WHERE id = 1").fetchone()
    location.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(prefix="kino-backup-", suffix=".sqlite", dir=location) as reserved:
        snapshot = Path(reserved.name)
    connection.execute("VACUUM INTO ?", (str(snapshot),))
    archive = location / archive_name(kind, now, version)
    checksum = write_archive(archive, snapshot, kind=kind, version=version, created_at=now)
    snapshot.unlink()
    size, at = archive.stat().st_size, rfc3339(now)
    connection.execute(_ROW, (KINDS[kind], archive.name, size, version, SCHEMA_VERSION, checksum, at))
    connection.execute("INSERT INTO history (event_type, created_at) VALUES ('backup_created', ?)", (at,))
    if kind is BackupKind.SCHEDULED and keep > 0:
        _prune(connection, location, keep)
    return archive


def location_of(connection: sqlite3.Connection, data_path: Path) -> Path:
    """Where the settings put backups."""
    (stored,) = connection.execute("SELECT backup_location_path FROM config WHERE id = 1").fetchone()
    return Path(stored) if stored.strip() else data_path / "backups"


def _prune(connection: sqlite3.Connection, location: Path, keep: int) -> None:
    for row, name in connection.execute(_BEYOND, (keep,)).fetchall():
        (location / name).unlink(missing_ok=True)
        connection.execute("DELETE FROM backup WHERE id = ?", (row,))
