"""The values the parts of the program speak in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from kino_backup_tui.core.archive.manifest import Manifest

API_PORT = 8722
"""Where the HTTP API of this program answers unless the admin says otherwise."""


class BackupKind(StrEnum):
    """Why a backup was made; the values are Kino's own."""

    SCHEDULED = "scheduled"
    MANUAL = "manual"
    PRE_RESTORE = "pre_restore"


class BackupStatus(StrEnum):
    """What is known of an archive's contents."""

    VERIFIED = "verified"
    """Re-read from its location: gzip to its end, every digest, SQLite integrity, row counts."""
    UNVERIFIED = "unverified"
    DAMAGED = "damaged"
    UNREADABLE = "unreadable"
    """The file could not be opened, or is of a later format; that says nothing of its contents."""


class EntryRole(StrEnum):
    """What a file in a backup location is."""

    BACKUP = "backup"
    LEFTOVER = "leftover"
    """Half an archive that an interrupted run left behind."""
    FOREIGN = "foreign"
    """Not a backup of Kino."""
    MISSING = "missing"
    """Kino's own list names it, and there is no file: nothing that could be restored."""


class Migration(NamedTuple):
    """A row of `_sqlx_migrations`: its version and the checksum of its SQL, in hexadecimal."""

    version: int
    checksum: str


@dataclass(frozen=True, slots=True)
class Backup:
    """One file in a backup location, with everything known of it; None is "not known"."""

    path: Path
    id: int
    """First six bytes of the SHA-256 of the file name, big-endian: stable, and exact in JSON."""
    role: EntryRole
    status: BackupStatus
    size_bytes: int
    """Size of the archive file."""
    kind: BackupKind | None = None
    created_at: datetime | None = None
    """Aware; from the manifest, else from the file name."""
    kino_version: str | None = None
    schema_version: int | None = None
    checksum_sha256: str | None = None
    """SHA-256 of the archive file, known once the file has been read to its end."""
    verified_at: datetime | None = None
    problem: str = ""
    """Why the status is damaged or unreadable, or raw keeps it from being verified, or what a leftover or
    foreign file is; else empty."""
    elsewhere: bool = False
    """In a former location, not the current one."""
    manifest: Manifest | None = None
    named_kind: BackupKind | None = None
    """The kind the file name alone says; retention acts only where name and manifest agree."""
    unlisted: bool = False
    """Kino keeps a list of its own, and this backup is not in it: Kino's page does not show it."""
    needs_reading: bool = False
    """The manifest is further inside than a listing looks; `complete_listing` reads it."""

    @property
    def imported(self) -> bool:
        """Brought in from outside: import names a scheduled backup manual, so that it stays."""
        return self.kind is BackupKind.SCHEDULED and self.named_kind is BackupKind.MANUAL

    @property
    def filename(self) -> str:
        """Name of the file, as on disk."""
        return self.path.name
