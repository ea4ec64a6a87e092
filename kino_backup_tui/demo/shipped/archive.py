"""Archives byte for byte like those of Kino 0.1 to 0.3: `kino.db` first, then a manifest that proves nothing.

gzip of one member (level 6, no time, no name: RFC 1952), in it a tar with headers of GNU tar
(https://www.gnu.org/software/tar/manual/html_node/Standard.html) as alexcrichton/tar-rs writes them: the mode
with the bits of the file type, no names of users, and a checksum of seven digits.
"""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.demo.shipped.stamps import rfc3339

BLOCK = 512
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
    archive: Path, snapshot: Path, *, kind: BackupKind, version: str, created_at: datetime
) -> str:
    """Write an archive of a database that nobody has open, over what was there; returns its SHA-256."""
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
    with (
        archive.open("wb") as stream,
        gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=stream, mtime=0) as packed,
    ):
        status = snapshot.stat()
        _add(
            packed,
            _header(b"kino.db", status.st_mode, status.st_size, b"0", int(status.st_mtime), status.st_uid),
            snapshot.read_bytes(),
        )
        _add(packed, _header(b"manifest.json", 0o600, len(manifest), b"\0", 0, None), manifest)
        packed.write(bytes(2 * BLOCK))
    return sha256(archive.read_bytes()).hexdigest()


def _add(packed: BinaryIO | gzip.GzipFile, header: bytes, content: bytes) -> None:
    packed.write(header)
    packed.write(content)
    packed.write(bytes(-len(content) % BLOCK))


def _header(name: bytes, mode: int, size: int, kind: bytes, mtime: int, owner: int | None) -> bytes:
    numbers = bytes(8) if owner is None else _octal(owner, 8)
    start = (
        name.ljust(100, b"\0") + _octal(mode, 8) + numbers + numbers + _octal(size, 12) + _octal(mtime, 12)
    )
    rest = (kind + bytes(100) + b"ustar  \0").ljust(BLOCK - len(start) - 8, b"\0")
    checksum = sum(start) + sum(b" " * 8) + sum(rest)
    return start + _octal(checksum, 8) + rest


def _octal(number: int, width: int) -> bytes:
    return f"{number:0{width - 1}o}".encode() + b"\0"
