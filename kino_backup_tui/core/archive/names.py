"""File names of archives: the one we write, and every dialect found in the wild.

Kino's documentation shows `kino-backup-2026-04-26T03-00-00-v0.4.2.tar.gz`, "with the kind baked into the
filename"; Kino 0.3 writes UTC with a `Z`, and the kind only for pre-restore backups.
"""

from __future__ import annotations

import hashlib
import os
import re
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

from kino_backup_tui.core.models import BackupKind

SUFFIX = ".tar.gz"
PARTIAL_SUFFIX = ".partial"
UNKNOWN_VERSION = "unknown"

_KINDS = {
    "scheduled": BackupKind.SCHEDULED,
    "manual": BackupKind.MANUAL,
    "pre-restore": BackupKind.PRE_RESTORE,
}
_WORDS = {kind: word for word, kind in _KINDS.items()}
_NAME = re.compile(
    r"kino-backup-(?:(?P<before>scheduled|manual|pre-restore)-)?"
    r"(?P<stamp>\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d)(?P<utc>Z?)"
    r"(?:-(?P<after>scheduled|manual|pre-restore))?"
    r"(?:-v(?P<version>[0-9A-Za-z.+-]+?))?(?:~\d+)?\.tar\.gz",
)
_STAMP = "%Y-%m-%dT%H-%M-%S"


class ArchiveName(NamedTuple):
    """What a file name says; None where it does not."""

    kind: BackupKind | None
    created_at: datetime
    """Aware; a name without `Z` is read as local time."""
    kino_version: str | None


def format_name(kind: BackupKind, created_at: datetime, kino_version: str, zone: tzinfo) -> str:
    """The name of a new archive, its time in the given zone."""
    stamp = created_at.astimezone(zone).strftime(_STAMP)
    return f"kino-backup-{_WORDS[kind]}-{stamp}-v{kino_version}{SUFFIX}"


def numbered(name: str, number: int) -> str:
    """The same name with `~number` before its ending, for a name that is taken."""
    return f"{re.sub('~[0-9]+$', '', name.removesuffix(SUFFIX))}~{number}{SUFFIX}"


def parse_name(name: str, zone: tzinfo) -> ArchiveName | None:
    """Read a file name of any dialect; None if it is not a backup's."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    try:
        # A local time that a clock change repeats is read as its first occurrence.
        # Not strptime(), which loads the locale and its calendar for every headless verb.
        day, _, time = match["stamp"].partition("T")
        stamp = datetime.fromisoformat(f"{day}T{time.replace('-', ':')}").replace(
            tzinfo=UTC if match["utc"] else zone
        )
    except ValueError:
        return None
    if not is_plausible(stamp):
        return None
    word = match["before"] or match["after"]
    version = match["version"]
    return ArchiveName(
        kind=_KINDS[word] if word else None,
        created_at=stamp,
        kino_version=None if version in (None, UNKNOWN_VERSION) else version,
    )


def is_plausible(instant: datetime) -> bool:
    """Whether a backup can be of that time; the ends of the calendar overflow in some zone."""
    return 1970 <= instant.year < 9999


def partial_name(name: str) -> str:
    """The name of an archive that is still being written: hidden, and never taken for a backup."""
    return f".{name}{PARTIAL_SUFFIX}"


def is_partial(name: str) -> bool:
    """Whether a file is (or was, before a power cut) an archive being written."""
    return name.startswith(".kino-backup-") and name.endswith(SUFFIX + PARTIAL_SUFFIX)


def backup_id(name: str) -> int:
    """The id of a backup: 48 bits of the SHA-256 of its file name, so it is exact in any JSON reader."""
    return int.from_bytes(hashlib.sha256(os.fsencode(name)).digest()[:6], "big")
