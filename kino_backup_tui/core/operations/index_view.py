"""What Kino's own list of backups adds to what the files say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from kino_backup_tui.core.archive.names import backup_id
from kino_backup_tui.core.errors import ArchiveDamagedError, BusyError, KinoBackupError
from kino_backup_tui.core.kino.index import SCHEDULED, IndexRow, index_of
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus, EntryRole
from kino_backup_tui.core.operations.session import Session

if TYPE_CHECKING:
    from kino_backup_tui.core.archive.verify import ReadArchive


def listed_problem(session: Session, path: Path, read: ReadArchive) -> ArchiveDamagedError | None:
    """What Kino's own list says against a file; None if it says nothing, or the same.

    Kino 0.3 records the checksum of an archive nowhere else. Of twins, whose second run has truncated the
    file of the first, one fits.
    """
    if path.parent != session.location:
        return None
    rows = [row for row in listed_rows(session) or () if row.filename == path.name]
    if not rows or any(row.is_of(read.size_bytes, read.checksum_sha256) for row in rows):
        return None
    return ArchiveDamagedError(
        "It is not the file that Kino's own list describes: size or SHA-256 differ.",
        hint="It may have been damaged, or replaced. If you know better, copy it to another folder and use "
        "that copy.",
    )


def listed_rows(session: Session) -> tuple[IndexRow, ...] | None:
    """What Kino's list says, for a listing; None if there is none that can be read now."""
    index = index_of(session.kino)
    if not index.is_kept or isinstance(session.settings_problem, BusyError):  # it is being replaced
        return None
    try:
        return index.rows()
    except KinoBackupError:
        return None


def rows_ahead(rows: Sequence[IndexRow], now: datetime) -> tuple[IndexRow, ...]:
    """The scheduled backups of Kino's list that are dated after now."""
    return tuple(row for row in rows if row.kind == SCHEDULED and row.instant and row.instant > now)


def ahead_text(ahead: Sequence[IndexRow]) -> str:
    """What such rows mean, as a sentence."""
    newest = max(row.instant for row in ahead if row.instant)
    return (
        f"Kino's own list has a scheduled backup of {newest:%Y-%m-%d %H:%M} UTC, which is in the future: "
        "until then Kino is expected to make no scheduled backup."
    )


def told_by_index(
    session: Session, backups: list[Backup], rows: Sequence[IndexRow], *, ghosts: bool
) -> list[Backup]:
    """A listing with what Kino's list knows of archives that have not been read yet, and which it lacks.

    With `ghosts`, what is known from that list alone is added: it has no file, and nothing can be restored
    from it. A name that leads out of the location is left out, for it is never followed.
    """
    by_name = {row.filename: row for row in reversed(rows) if row.is_plain}
    told = [
        _completed(backup, by_name.get(backup.filename)) if not backup.elsewhere else backup
        for backup in backups
    ]
    if ghosts:
        there = {backup.filename for backup in backups}
        told += [_ghost(session, row) for name, row in by_name.items() if name not in there]
    return told


def _completed(backup: Backup, row: IndexRow | None) -> Backup:
    """Kino's archives carry their manifest at the end, and their kind nowhere else."""
    if row is None:
        return replace(backup, unlisted=backup.role is EntryRole.BACKUP)
    if backup.manifest is not None or backup.role is not EntryRole.BACKUP:
        return backup
    backup = replace(backup, kind=backup.kind or _kind(row))
    if row.size_bytes != backup.size_bytes:
        return backup
    return replace(
        backup,
        created_at=row.instant or backup.created_at,
        kino_version=backup.kino_version or row.kino_version,
        schema_version=row.schema_version,
    )


def _ghost(session: Session, row: IndexRow) -> Backup:
    return Backup(
        path=session.location / row.filename,
        id=backup_id(row.filename),
        role=EntryRole.MISSING,
        status=BackupStatus.UNVERIFIED,
        size_bytes=max(0, row.size_bytes),
        kind=_kind(row),
        created_at=row.instant,
        kino_version=row.kino_version,
        schema_version=row.schema_version,
        problem=f"Kino's own list names it; there is no such file in {session.location}.",
    )


def _kind(row: IndexRow) -> BackupKind | None:
    try:
        return BackupKind(row.kind)
    except ValueError:
        return None
