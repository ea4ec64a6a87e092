"""Archives byte for byte like those of Kino 0.1 to 0.3: `kino.db` first, then a manifest that proves nothing.

The gzip has one member, of level 6, without a time and a name (RFC 1952).
"""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.demo.shipped.stamps import rfc3339
from kino_backup_tui.demo.shipped.tar_entries import END, file_entry, generated_entry, sparse_entry

KINDS = {
    BackupKind.MANUAL: "manual",
    BackupKind.SCHEDULED: "scheduled",
    BackupKind.PRE_RESTORE: "pre_restore",
}
"""How Kino 0.3 calls the kinds, in the table of backups and in manifests."""
SCHEMA_VERSION = 1
"""What every release of Kino says of its schema."""


def archive_name(kind: BackupKind, created_at: datetime, version: str) -> str:
    """The name Kino gives: in UTC, and the kind only for a pre-restore backup."""
    word = "pre-restore-" if kind is BackupKind.PRE_RESTORE else ""
    return f"kino-backup-{word}{created_at.astimezone(UTC):%Y-%m-%dT%H-%M-%S}Z-v{version}.tar.gz"


def write_archive(
    archive: Path,
    snapshot: Path,
    *,
    kind: BackupKind,
    version: str,
    created_at: datetime,
    sparse: bool = False,
) -> str:
    """Write an archive of a database that nobody has open, over what was there; returns its SHA-256.

    With `sparse`, its empty pages are left out, as on a file system that made holes of them.
    """
    manifest = json.dumps(
        {
            "kino_version": version,
            "schema_version": SCHEMA_VERSION,
            "kind": KINDS[kind],
            "created_at": rfc3339(created_at),
            "size_bytes": 0,
            "checksum_sha256": "",
        },
        indent=2,
    ).encode()
    entry = sparse_entry if sparse else file_entry
    with (
        archive.open("wb") as stream,
        gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=stream, mtime=0) as packed,
    ):
        packed.write(entry("kino.db", snapshot.stat(), snapshot.read_bytes()))
        packed.write(generated_entry("manifest.json", manifest))
        packed.write(END)
    return sha256(archive.read_bytes()).hexdigest()
