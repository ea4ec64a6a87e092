"""Reading a backup location: the files are the index.

Everything in the folder is shown as what it is; a damaged or foreign file is never hidden and never an error.
"""

from __future__ import annotations

import os
import stat
from datetime import tzinfo
from pathlib import Path

from kino_backup_tui.core.archive.manifest import Manifest
from kino_backup_tui.core.archive.names import (
    PARTIAL_SUFFIX,
    SUFFIX,
    ArchiveName,
    backup_id,
    is_partial,
    parse_name,
)
from kino_backup_tui.core.catalog.cache import Cache, Known, fingerprint_of
from kino_backup_tui.core.catalog.locations import MARKER
from kino_backup_tui.core.errors import ArchiveError
from kino_backup_tui.core.files import open_regular
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus, EntryRole

_KINDS_OF_FILES = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
}


def scan_location(location: Path, cache: Cache, zone: tzinfo, *, elsewhere: bool) -> list[Backup]:
    """List a folder, newest first, reading at most 64 KiB of an archive the cache does not know.

    Raises `OSError` if the folder itself cannot be read.
    """
    learned: list[tuple[Path, Known]] = []
    entries: list[Backup] = []
    with os.scandir(location) as found:
        # Our marker, and files of replacements that are still being written.
        names = [entry.name for entry in found if not entry.name.startswith(MARKER)]
    for name in names:
        backup = _entry(location / name, cache, zone, learned, elsewhere=elsewhere)
        if backup is not None:
            entries.append(backup)
    cache.remember(learned, glimpsed=True)
    cache.forget_missing(location, set(names))
    return sorted(entries, key=newest_first)


def scan_file(path: Path, cache: Cache, zone: tzinfo, *, elsewhere: bool) -> Backup | None:
    """One file as `scan_location` would list it; None if it does not exist."""
    return _entry(path, cache, zone, [], elsewhere=elsewhere)


def newest_first(backup: Backup) -> tuple[float, str]:
    """Sort key: by the date of the backup, files without one last, then by name."""
    return (-backup.created_at.timestamp() if backup.created_at else 0.0, backup.filename)


def describe(path: Path, status: os.stat_result, known: Known, zone: tzinfo, *, elsewhere: bool) -> Backup:
    """The backup that a file and what is known of it make."""
    return _backup(path, status, known, parse_name(path.name, zone), elsewhere=elsewhere)


def _entry(
    path: Path, cache: Cache, zone: tzinfo, learned: list[tuple[Path, Known]], *, elsewhere: bool
) -> Backup | None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None  # deleted since the folder was read
    except OSError as error:
        return _foreign(path, 0, f"It cannot be looked at: {error.strerror}.", elsewhere=elsewhere)
    if not stat.S_ISREG(status.st_mode):
        what = _KINDS_OF_FILES.get(stat.S_IFMT(status.st_mode), "not a file")
        return _foreign(path, status.st_size, f"It is {what}.", elsewhere=elsewhere)
    if is_partial(path.name):
        return Backup(
            path=path,
            id=backup_id(path.name),
            role=EntryRole.LEFTOVER,
            status=BackupStatus.UNVERIFIED,
            size_bytes=status.st_size,
            problem="It is being written, or an interrupted run has left it.",
            elsewhere=elsewhere,
        )
    name = parse_name(path.name, zone)
    if name is None and not path.name.endswith((SUFFIX, ".tgz")):
        problem = "An unfinished file." if path.name.endswith(PARTIAL_SUFFIX) else "It is no archive of Kino."
        return _foreign(path, status.st_size, problem, elsewhere=elsewhere)
    fingerprint = fingerprint_of(status)
    known = cache.get(path, fingerprint)
    if known is None:
        known = _peek(path, Known(fingerprint))
        if known.status is not BackupStatus.UNREADABLE:
            learned.append((path, known))
    if name is None and known.manifest is None:
        return _foreign(path, status.st_size, "It is no archive of Kino.", elsewhere=elsewhere)
    return _backup(path, status, known, name, elsewhere=elsewhere)


def _peek(path: Path, known: Known) -> Known:
    # The readers of gzip and tar are loaded for an archive that the cache does not know.
    from kino_backup_tui.core.archive.peek import peek_manifest

    try:
        with open_regular(path) as stream:
            manifest = peek_manifest(stream)
    except ArchiveError as error:
        return Known(known.fingerprint, BackupStatus.DAMAGED, problem=error.message)
    except OSError as error:
        return Known(
            known.fingerprint, BackupStatus.UNREADABLE, problem=f"It cannot be read: {error.strerror}."
        )
    return Known(known.fingerprint, manifest=manifest)


def _backup(
    path: Path, status: os.stat_result, known: Known, name: ArchiveName | None, *, elsewhere: bool
) -> Backup:
    manifest = known.manifest or Manifest(None, None, None, None)
    named_kind = name.kind if name else None
    return Backup(
        path=path,
        id=backup_id(path.name),
        role=EntryRole.BACKUP,
        status=known.status,
        size_bytes=status.st_size,
        kind=manifest.kind or named_kind,
        created_at=manifest.created_at or (name.created_at if name else None),
        kino_version=manifest.kino_version or (name.kino_version if name else None),
        schema_version=manifest.schema_version,
        checksum_sha256=known.checksum_sha256,
        verified_at=known.verified_at,
        problem=known.problem,
        elsewhere=elsewhere,
        manifest=known.manifest,
        imported=manifest.kind is BackupKind.SCHEDULED and named_kind is BackupKind.MANUAL,
        needs_reading=known.manifest is None
        and known.status is BackupStatus.UNVERIFIED
        and _goes_on(status.st_size),
    )


def _goes_on(size: int) -> bool:
    from kino_backup_tui.core.archive.peek import LISTING_BYTES

    return size > LISTING_BYTES


def _foreign(path: Path, size: int, problem: str, *, elsewhere: bool) -> Backup:
    return Backup(
        path=path,
        id=backup_id(path.name),
        role=EntryRole.FOREIGN,
        status=BackupStatus.UNVERIFIED,
        size_bytes=size,
        problem=problem,
        elsewhere=elsewhere,
    )
