"""Retention counts and removes only what it may."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kino_backup_tui.core.archive.manifest import Manifest
from kino_backup_tui.core.archive.names import backup_id, format_name
from kino_backup_tui.core.catalog.dates import Dates
from kino_backup_tui.core.catalog.retention import (
    Fate,
    FateReason,
    fates,
    is_of_another_installation,
    removable,
)
from kino_backup_tui.core.kino.settings import KEEP_ALL
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus, EntryRole

OURS = "a" * 32
NIGHT = datetime(2026, 4, 26, 1, 0, tzinfo=UTC)
TODAY = Dates(NIGHT)


def scheduled(age: int, **changes: Any) -> Backup:
    """A verified scheduled backup of ours, so many days old."""
    created_at = NIGHT - timedelta(days=age)
    path = Path("/backups") / format_name(BackupKind.SCHEDULED, created_at, "0.4.2", UTC)
    manifest = Manifest("0.4.2", 12, BackupKind.SCHEDULED, created_at, instance=OURS)
    backup = Backup(
        path=path,
        id=backup_id(path.name),
        role=EntryRole.BACKUP,
        status=BackupStatus.VERIFIED,
        size_bytes=1,
        kind=BackupKind.SCHEDULED,
        named_kind=BackupKind.SCHEDULED,
        created_at=created_at,
        manifest=manifest,
    )
    return replace(backup, **changes)


def nameless(backup: Backup) -> Backup:
    """The same backup, whose manifest names no installation."""
    assert backup.manifest is not None
    return replace(backup, manifest=replace(backup.manifest, instance=""))


def foreign_instance(backup: Backup) -> Backup:
    """The same backup, made by another installation."""
    assert backup.manifest is not None
    return replace(backup, manifest=replace(backup.manifest, instance="b" * 32))


def test_the_oldest_beyond_keep_go_first() -> None:
    """Seven of ten stay; the three oldest go, oldest first."""
    backups = [scheduled(age) for age in range(10)]

    assert removable(backups, OURS, 7, TODAY) == [backups[9], backups[8], backups[7]]


NEVER: dict[str, tuple[Backup, FateReason]] = {
    "manual": (scheduled(30, kind=BackupKind.MANUAL), FateReason.MANUAL),
    "pre-restore": (scheduled(30, kind=BackupKind.PRE_RESTORE), FateReason.PRE_RESTORE),
    "imported": (scheduled(30, named_kind=BackupKind.MANUAL), FateReason.IMPORTED),
    "damaged": (scheduled(30, status=BackupStatus.DAMAGED), FateReason.DAMAGED),
    "unreadable": (scheduled(30, status=BackupStatus.UNREADABLE), FateReason.DAMAGED),
    "unverified": (scheduled(30, status=BackupStatus.UNVERIFIED), FateReason.UNVERIFIED),
    "elsewhere": (scheduled(30, elsewhere=True), FateReason.ELSEWHERE),
    "other installation": (foreign_instance(scheduled(30)), FateReason.OTHER_INSTALLATION),
    "name says otherwise": (
        scheduled(30, named_kind=BackupKind.PRE_RESTORE),
        FateReason.KIND_UNKNOWN,
    ),
    "of no known kind": (scheduled(30, kind=None, named_kind=None), FateReason.KIND_UNKNOWN),
    "not read yet": (scheduled(30, manifest=None, status=BackupStatus.UNVERIFIED), FateReason.UNVERIFIED),
    "made by Kino": (nameless(scheduled(30, named_kind=None)), FateReason.MADE_BY_KINO),
    "made by Kino, not read yet": (scheduled(30, named_kind=None, manifest=None), FateReason.MADE_BY_KINO),
    "renamed": (scheduled(30, named_kind=None), FateReason.KIND_UNKNOWN),
    "dated after now": (scheduled(-30), FateReason.AHEAD),
    "leftover": (scheduled(30, role=EntryRole.LEFTOVER), FateReason.NOT_A_BACKUP),
    "foreign": (scheduled(30, role=EntryRole.FOREIGN), FateReason.NOT_A_BACKUP),
}


@pytest.mark.parametrize(("backup", "reason"), NEVER.values(), ids=NEVER.keys())
def test_it_is_neither_counted_nor_removed(backup: Backup, reason: FateReason) -> None:
    """Whatever is not a verified scheduled backup of this installation stays, and takes no place."""
    backups = [scheduled(0), scheduled(1), backup]

    assert removable(backups, OURS, 1, TODAY) == [backups[1]]
    assert fates(backups, OURS, 1, [], TODAY)[backup.path].reason is reason


def test_with_the_id_of_the_installation_lost_nothing_goes() -> None:
    """Then nothing proves that a backup is ours."""
    assert removable([scheduled(age) for age in range(10)], None, 1, TODAY) == []


def test_each_backup_knows_when_it_goes() -> None:
    """Keeping three: the oldest goes with the next run, the newest with the third."""
    backups = [scheduled(0), scheduled(1), scheduled(2), scheduled(3)]
    slots = [NIGHT + timedelta(days=day) for day in (1, 2, 3)]

    assert [fates(backups, OURS, 3, slots, TODAY)[backup.path] for backup in backups] == [
        Fate(FateReason.COUNTED, 1, 3, slots[2]),
        Fate(FateReason.COUNTED, 2, 3, slots[1]),
        Fate(FateReason.COUNTED, 3, 3, slots[0]),
        Fate(FateReason.NEXT_TO_GO, 4, 3),
    ]


def test_where_all_are_kept_none_goes_and_none_has_a_date() -> None:
    """Each is counted, however many there are."""
    backups = [scheduled(age) for age in range(3)]
    slots = [NIGHT + timedelta(days=1)]

    assert removable(backups, OURS, KEEP_ALL, TODAY) == []
    assert [fates(backups, OURS, KEEP_ALL, slots, TODAY)[backup.path] for backup in backups] == [
        Fate(FateReason.COUNTED, rank, KEEP_ALL) for rank in (1, 2, 3)
    ]


def test_where_kino_counts_too_the_rank_that_goes_first_is_told() -> None:
    """Kino counts more than we do, and whatever its list has; ours go by its rank, unless ours is larger."""
    ours = [scheduled(age) for age in range(4)]
    own = scheduled(9, named_kind=None, manifest=None)
    gone = "no longer there"
    slots = [NIGHT + timedelta(days=day) for day in (1, 2, 3)]

    def told(*listed: str) -> list[Fate]:
        found = fates([*ours, own], OURS, 3, slots, TODAY, listed)
        return [found[backup.path] for backup in (*ours, own)]

    assert told(ours[0].filename, own.filename, ours[1].filename, ours[2].filename, ours[3].filename) == [
        Fate(FateReason.COUNTED, 1, 3, slots[2]),
        Fate(FateReason.COUNTED, 3, 3, slots[0]),
        Fate(FateReason.NEXT_TO_GO_BY_KINO, 4, 3, slots[0]),
        Fate(FateReason.NEXT_TO_GO, 4, 3),
        Fate(FateReason.COUNTED, 2, 3, slots[1]),
    ]
    assert told(ours[2].filename, gone, ours[0].filename, ours[0].filename) == [
        Fate(FateReason.NEXT_TO_GO_BY_KINO, 4, 3, slots[0]),
        Fate(FateReason.COUNTED, 2, 3, slots[1]),
        Fate(FateReason.COUNTED, 3, 3, slots[0]),
        Fate(FateReason.NEXT_TO_GO, 4, 3),
        Fate(FateReason.MADE_BY_KINO),
    ]


def test_what_kino_counts_has_no_date_without_a_schedule_and_none_is_beyond_where_all_are_kept() -> None:
    """It removes after a scheduled backup of its own, and nothing where its number is 0."""
    backups = [scheduled(0), scheduled(1)]
    listed = ["newer", backups[0].filename]

    assert fates(backups, OURS, 1, [], TODAY, listed)[backups[0].path] == Fate(
        FateReason.NEXT_TO_GO_BY_KINO, 2, 1
    )
    assert fates(backups, OURS, KEEP_ALL, [NIGHT], TODAY, listed)[backups[0].path] == Fate(
        FateReason.COUNTED, 2, KEEP_ALL
    )


@pytest.mark.parametrize("name", ["elsewhere", "leftover"])
def test_kinos_list_is_of_the_backups_in_the_present_location(name: str) -> None:
    """A file of the same name in a former one is not what Kino removes, nor is one that is no backup."""
    backup, reason = NEVER[name]

    assert fates([backup], OURS, 1, [], TODAY, [backup.filename])[backup.path] == Fate(reason)


def test_without_a_schedule_nothing_has_a_date() -> None:
    """Backups that are off never push one out."""
    assert fates([scheduled(0)], OURS, 3, [], TODAY)[scheduled(0).path].goes_at is None


def test_what_was_dated_after_now_once_goes_before_all_others() -> None:
    """Made a year ago by a clock that was a year ahead, it is no newer than those of last week."""
    once_ahead = scheduled(0)
    backups = [once_ahead, *(scheduled(age) for age in (1, 2, 3))]
    dates = Dates(NIGHT, frozenset({once_ahead.filename}))

    assert removable(backups, OURS, 3, dates) == [once_ahead]
    assert fates(backups, OURS, 3, [], dates)[once_ahead.path].rank == 4


def test_a_clock_that_has_lost_the_time_removes_nothing() -> None:
    """Where everything is dated after now, nothing tells which is the oldest."""
    backups = [scheduled(age) for age in range(10)]

    assert removable(backups, OURS, 1, Dates(datetime(1970, 1, 1, tzinfo=UTC))) == []


ORIGINS: dict[str, tuple[Backup, str | None, bool]] = {
    "ours": (scheduled(1), OURS, False),
    "ours, and dated after now": (scheduled(-1), OURS, False),
    "of another": (foreign_instance(scheduled(1)), OURS, True),
    "of another, and made by hand": (foreign_instance(scheduled(1, kind=BackupKind.MANUAL)), OURS, False),
    "of nobody known": (scheduled(1), None, True),
}


@pytest.mark.parametrize(("backup", "instance", "foreign"), ORIGINS.values(), ids=ORIGINS.keys())
def test_only_a_scheduled_backup_can_be_missed_for_its_origin(
    backup: Backup, instance: str | None, foreign: bool
) -> None:
    """What is left alone for another reason is nothing to tell of the other installation."""
    assert is_of_another_installation(backup, instance) is foreign
