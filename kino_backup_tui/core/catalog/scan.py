"""Reading a backup location: the files are the index.

Everything in the folder is shown as what it is; a damaged or foreign file is never hidden and never an error.
"""

from __future__ import annotations

import os
import stat
from datetime import tzinfo
from pathlib import Path

from kino_backup_tui.core.archive.manifest import Manifest, is_raw
from kino_backup_tui.core.archive.names import (
    SUFFIX,
    ArchiveName,
    backup_id,
    is_partial,
    parse_name,
)
from kino_backup_tui.core.catalog.cache import Cache, Fingerprint, Known, fingerprint_of
from kino_backup_tui.core.catalog.garbage import no_search_for_garbage
from kino_backup_tui.core.catalog.locations import MARKER
from kino_backup_tui.core.errors import ArchiveError, IncompatibleError
from kino_backup_tui.core.files import open_regular
from kino_backup_tui.core.models import Backup, BackupStatus, EntryRole

_KINDS_OF_FILES = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
}


@no_search_for_garbage()
def scan_location(location: Path, cache: Cache, zone: tzinfo, *, elsewhere: bool) -> list[Backup]:
    """List a folder, in no order, reading at most 64 KiB of an archive the cache does not know.

    Raises `OSError` if the folder itself cannot be read.
    """
    scan = _Scan(location, cache, zone, elsewhere)
    with os.scandir(location) as found:
        # Our marker, and files of replacements that are still being written.
        files = [entry for entry in found if not entry.name.startswith(MARKER)]
    backups = [scan.look_at(file) for file in files]
    cache.remember(scan.learned, glimpsed=True)
    cache.forget_missing(location, {file.name for file in files})
    return [backup for backup in backups if backup is not None]


def scan_file(path: Path, cache: Cache, zone: tzinfo, *, elsewhere: bool) -> Backup | None:
    """One file that was chosen, whatever its name; else as `scan_location`. None if it does not exist."""
    scan = _Scan(path.parent, cache, zone, elsewhere)
    try:
        with os.scandir(path.parent) as found:
            files = (file for file in found if file.name == path.name)
            return next((scan.look_at(file, chosen=True) for file in files), None)
    except FileNotFoundError:
        return None


def newest_first(backup: Backup) -> tuple[float, str]:
    """Sort key: by the date of the backup, files without one last, then by name."""
    return (-backup.created_at.timestamp() if backup.created_at else 0.0, backup.filename)


def describe(path: Path, status: os.stat_result, known: Known, zone: tzinfo, *, elsewhere: bool) -> Backup:
    """The backup that a file and what is known of it make."""
    return _backup(path, status, known, parse_name(path.name, zone), elsewhere=elsewhere)


class _Scan:
    """Looking at the files of one folder; `learned` is what the cache did not know."""

    def __init__(self, location: Path, cache: Cache, zone: tzinfo, elsewhere: bool) -> None:
        self.learned: list[tuple[Path, Known]] = []
        self._location = location
        self._folder = str(location)
        self._cache = cache
        self._zone = zone
        self._elsewhere = elsewhere

    def look_at(self, file: os.DirEntry[str], *, chosen: bool = False) -> Backup | None:
        """What one file is; None if it was deleted since the folder was read.

        One whose name is neither that of a backup nor of an archive is only opened if it was `chosen`.
        """
        path = self._location / file.name
        try:
            status = file.stat(follow_symlinks=False)
        except FileNotFoundError:
            return None
        except OSError as error:
            return self._other(path, 0, f"It cannot be looked at: {error.strerror}.")
        if not stat.S_ISREG(status.st_mode):
            what = _KINDS_OF_FILES.get(stat.S_IFMT(status.st_mode), "not a file")
            return self._other(path, status.st_size, f"It is {what}.")
        if is_partial(file.name):
            text = "It is being written, or an interrupted run has left it."
            return self._other(path, status.st_size, text, EntryRole.LEFTOVER)
        name = parse_name(file.name, self._zone)
        if name is None and not (chosen or file.name.endswith((SUFFIX, ".tgz"))):
            return self._other(path, status.st_size, "It is no archive of Kino.")
        try:
            known = self._known(path, file.name, fingerprint_of(status))
        except IncompatibleError as error:
            # Of a later program, and not remembered: this one may be upgraded tomorrow.
            known = Known(fingerprint_of(status), BackupStatus.UNREADABLE, problem=error.message)
            return _backup(path, status, known, name, elsewhere=self._elsewhere)
        # A renamed archive of Kino 0.3 has its manifest at the end; what it begins with is a backup's.
        if name is None and known.manifest is None and known.status is not BackupStatus.UNVERIFIED:
            return self._other(path, status.st_size, "It is no archive of Kino.")
        return _backup(path, status, known, name, elsewhere=self._elsewhere)

    def _known(self, path: Path, name: str, fingerprint: Fingerprint) -> Known:
        known = self._cache.get(self._folder, name, fingerprint)
        if known is None:
            known = _peek(path, fingerprint)
            if known.status is not BackupStatus.UNREADABLE:
                self.learned.append((path, known))
        return known

    def _other(self, path: Path, size: int, problem: str, role: EntryRole = EntryRole.FOREIGN) -> Backup:
        return Backup(
            path=path,
            id=backup_id(path.name),
            role=role,
            status=BackupStatus.UNVERIFIED,
            size_bytes=size,
            problem=problem,
            elsewhere=self._elsewhere,
        )


def _peek(path: Path, fingerprint: Fingerprint) -> Known:
    # A listing from the cache alone, which is the usual one, does without gzip and tar.
    from kino_backup_tui.core.archive.peek import peek_manifest

    try:
        with open_regular(path) as stream:
            return Known(fingerprint, manifest=peek_manifest(stream))
    except ArchiveError as error:
        return Known(fingerprint, BackupStatus.DAMAGED, problem=error.message)
    except OSError as error:
        return Known(fingerprint, BackupStatus.UNREADABLE, problem=f"It cannot be read: {error.strerror}.")


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
        problem=known.problem or _reservation(known),
        elsewhere=elsewhere,
        manifest=known.manifest,
        named_kind=named_kind,
        needs_reading=known.manifest is None
        and known.status is BackupStatus.UNVERIFIED
        and _goes_on(status.st_size),
    )


def _reservation(known: Known) -> str:
    """What keeps a whole archive from ever being verified: its database was not sound when it was saved."""
    if known.manifest is None or not is_raw(known.manifest):
        return ""
    read = "Every digest fits. " if known.checksum_sha256 else ""
    return f"{read}The database in it is kept as it was found, damaged."


def _goes_on(size: int) -> bool:
    from kino_backup_tui.core.archive.peek import LISTING_BYTES

    return size > LISTING_BYTES
