"""Which scheduled backups go, which stay, and why: pure functions of the listing.

Only verified scheduled backups of this installation, in the current location, whose file name and manifest
agree, are counted or removed. Kino's documentation: manual and pre-restore backups never expire.

Only a date that can be believed tells which is the oldest. A backup that is dated after now is left alone
until the clock gets there; one that was so once comes after all others, however new it says it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from kino_backup_tui.core.catalog.dates import Dates
from kino_backup_tui.core.kino.settings import KEEP_ALL
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus, EntryRole


class FateReason(StrEnum):
    """Why retention keeps or will remove a file."""

    COUNTED = "counted"
    """A scheduled backup among the newest `keep`, of ours or of Kino's own list."""
    NEXT_TO_GO = "next_to_go"
    """A scheduled backup beyond `keep`: the next prune removes it."""
    NEXT_TO_GO_BY_KINO = "next_to_go_by_kino"
    """One that is beyond `keep` in Kino's own list: Kino removes it after its next scheduled backup."""
    MANUAL = "manual"
    PRE_RESTORE = "pre_restore"
    KIND_UNKNOWN = "kind_unknown"
    IMPORTED = "imported"
    OTHER_INSTALLATION = "other_installation"
    MADE_BY_KINO = "made_by_kino"
    """A scheduled backup that Kino made by itself: nobody else removes it."""
    UNVERIFIED = "unverified"
    """Not counted until it is verified."""
    DAMAGED = "damaged"
    ELSEWHERE = "elsewhere"
    AHEAD = "ahead"
    """Dated after now."""
    NOT_A_BACKUP = "not_a_backup"


class Fate(NamedTuple):
    """What retention means for one file."""

    reason: FateReason
    rank: int | None = None
    """1 for the newest counted scheduled backup; where Kino counts others, the rank that goes first."""
    keep: int | None = None
    goes_at: datetime | None = None
    """When a counted backup goes if every scheduled run succeeds; aware."""


_KEPT_KINDS: Mapping[BackupKind | None, FateReason] = {
    BackupKind.MANUAL: FateReason.MANUAL,
    BackupKind.PRE_RESTORE: FateReason.PRE_RESTORE,
}


def counted(backups: Iterable[Backup], instance: str | None, dates: Dates) -> list[Backup]:
    """The backups retention counts, newest first."""
    found = [backup for backup in backups if _exemption(backup, instance, dates) is None]
    return sorted(
        found, key=lambda backup: (dates.believes(backup), backup.created_at, backup.filename), reverse=True
    )


def removable(backups: Iterable[Backup], instance: str | None, keep: int, dates: Dates) -> list[Backup]:
    """The counted backups beyond the newest `keep`, oldest first; none where all are kept."""
    if keep == KEEP_ALL:
        return []
    return counted(backups, instance, dates)[keep:][::-1]


def fates(
    backups: Sequence[Backup],
    instance: str | None,
    keep: int,
    slots: Sequence[datetime],
    dates: Dates,
    listed: Sequence[str] = (),
) -> dict[Path, Fate]:
    """Why each file is kept or when it goes.

    `slots` are the next `keep` scheduled runs. `listed` are the file names of those that Kino itself counts,
    the newest first, and removes after a scheduled backup of its own, whatever they are.
    """
    ours = {backup.path: rank for rank, backup in enumerate(counted(backups, instance, dates), start=1)}
    # Of several entries of one name, Kino removes the file with the oldest.
    kinos = {name: rank for rank, name in enumerate(listed, start=1)}
    found: dict[Path, Fate] = {}
    for backup in backups:
        is_here = backup.role is EntryRole.BACKUP and not backup.elsewhere
        ranks = (ours.get(backup.path, 0), kinos.get(backup.filename, 0) if is_here else 0)
        reason = _exemption(backup, instance, dates)
        found[backup.path] = Fate(reason) if reason and not any(ranks) else _rank_fate(*ranks, keep, slots)
    return found


def _rank_fate(ours: int, kinos: int, keep: int, slots: Sequence[datetime]) -> Fate:
    """What becomes of one that we or Kino count, or both; 0 is the rank of what is not counted."""
    rank = max(ours, kinos)
    if keep == KEEP_ALL:
        return Fate(FateReason.COUNTED, rank, keep)
    if ours > keep:
        return Fate(FateReason.NEXT_TO_GO, ours, keep)
    runs = max(keep - rank, 0)
    goes_at = slots[runs] if runs < len(slots) else None
    return Fate(FateReason.COUNTED if rank <= keep else FateReason.NEXT_TO_GO_BY_KINO, rank, keep, goes_at)


def is_of_another_installation(backup: Backup, instance: str | None) -> bool:
    """Whether only its origin keeps a scheduled backup from being counted."""
    return _origin_or_content(backup, instance) is FateReason.OTHER_INSTALLATION


def _exemption(backup: Backup, instance: str | None, dates: Dates) -> FateReason | None:
    """Why retention leaves a file alone; None if it counts it."""
    return _origin_or_content(backup, instance) or (FateReason.AHEAD if dates.is_ahead(backup) else None)


def _origin_or_content(backup: Backup, instance: str | None) -> FateReason | None:
    """The same, whatever its date."""
    if backup.role is not EntryRole.BACKUP:
        return FateReason.NOT_A_BACKUP
    if backup.elsewhere:
        return FateReason.ELSEWHERE
    if backup.imported:
        return FateReason.IMPORTED
    if backup.kind is not BackupKind.SCHEDULED:
        return _KEPT_KINDS.get(backup.kind, FateReason.KIND_UNKNOWN)
    if backup.status in (BackupStatus.DAMAGED, BackupStatus.UNREADABLE):
        return FateReason.DAMAGED
    if backup.named_kind is None and not (backup.manifest and backup.manifest.instance):
        return FateReason.MADE_BY_KINO
    if backup.named_kind is not backup.kind:
        return FateReason.KIND_UNKNOWN
    if backup.manifest is None:
        return FateReason.UNVERIFIED
    if instance is None or backup.manifest.instance != instance:
        return FateReason.OTHER_INSTALLATION
    if backup.status is not BackupStatus.VERIFIED or backup.created_at is None:
        return FateReason.UNVERIFIED
    return None
