"""The rows of the table as values: what is shown, in which order, and what a filter finds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from typing import NamedTuple

from kino_backup_tui.core.models import Backup, BackupStatus, EntryRole
from kino_backup_tui.core.sizes import size_text
from kino_backup_tui.presentation import text

_BAD = frozenset({BackupStatus.DAMAGED, BackupStatus.UNREADABLE})


class Order(StrEnum):
    """The orders a list can be in; the values are what the screen says."""

    NEWEST = "newest first"
    OLDEST = "oldest first"
    LARGEST = "largest first"
    KIND = "by kind"

    def next(self) -> Order:
        """The one after this, around."""
        orders = list(Order)
        return orders[(orders.index(self) + 1) % len(orders)]


class Row(NamedTuple):
    """One line of the table."""

    key: str
    kind: str
    created: str
    age: str
    size: str
    kino: str
    state: str
    schema: str
    filename: str
    bad: bool
    good: bool


def row_of(backup: Backup, now: datetime, zone: tzinfo, way_back: str = "") -> Row:
    """What the table says of one file; `way_back` is the name of the one that undoes the last restore."""
    bad = backup.status in _BAD
    return Row(
        key=str(backup.path),
        kind=text.kind_text(backup),
        created=text.date_text(backup.created_at, zone),
        age=text.age_text(backup.created_at, now),
        size=size_text(backup.size_bytes),
        kino=backup.kino_version or text.NOT_KNOWN,
        state=text.WAY_BACK if is_way_back(backup, way_back) else text.state_text(backup),
        schema=text.NOT_KNOWN if backup.schema_version is None else str(backup.schema_version),
        filename=text.printable(backup.filename),
        bad=bad,
        good=backup.role is EntryRole.BACKUP and backup.status is BackupStatus.VERIFIED,
    )


def is_way_back(backup: Backup, way_back: str) -> bool:
    """Whether this backup, of that name, can undo the last restore; a damaged one leads nowhere."""
    return text.is_way_back(backup, way_back) and backup.status not in _BAD


def matches(row: Row, words: Sequence[str]) -> bool:
    """Whether each word is somewhere in the row, in any case."""
    haystack = " ".join((row.kind, row.created, row.kino, row.state, row.filename)).casefold()
    return all(word.casefold() in haystack for word in words)


def arrange(backups: Sequence[Backup], order: Order) -> list[Backup]:
    """The backups in an order; equals stay newest first, those without a date come last."""
    newest = sorted(backups, key=_created, reverse=True)
    if order is Order.OLDEST:
        return sorted(newest, key=lambda backup: (backup.created_at is None, _created(backup)))
    if order is Order.LARGEST:
        return sorted(newest, key=lambda backup: -backup.size_bytes)
    if order is Order.KIND:
        return sorted(newest, key=lambda backup: (backup.kind is None, text.kind_text(backup)))
    return newest


def _created(backup: Backup) -> datetime:
    return backup.created_at or datetime.min.replace(tzinfo=UTC)
