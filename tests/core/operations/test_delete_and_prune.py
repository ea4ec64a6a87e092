"""delete and prune: what goes, what stays, and on a full disk."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import pytest

from kino_backup_tui.core.catalog.retention import FateReason
from kino_backup_tui.core.errors import (
    ArchiveDamagedError,
    InvalidSettingsError,
    LocationError,
    NotFoundError,
    UnknownLocationError,
    UsageError,
)
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup, BackupKind
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.delete import delete_backup
from kino_backup_tui.core.operations.jobs import list_jobs
from kino_backup_tui.core.operations.listing import find_backup, list_backups
from kino_backup_tui.core.operations.prune import prune
from kino_backup_tui.core.operations.run_due import DueOutcome, run_due
from kino_backup_tui.core.progress import Control
from tests.fakes import FakeClock


@pytest.fixture
def nights(create: Callable[..., Backup]) -> list[Backup]:
    """Five scheduled backups, oldest first; the settings keep three."""
    return [create(BackupKind.SCHEDULED) for _ in range(5)]


def listed(context: Context) -> list[str]:
    """Names in the list, newest first."""
    return [backup.filename for backup in list_backups(context, everything=True).backups]


def test_a_deleted_backup_is_gone(context: Context, create: Callable[[], Backup]) -> None:
    """The file is unlinked and the others stay."""
    first, second = create(), create()

    delete_backup(context, first, Control())

    assert listed(context) == [second.filename]


def test_deleting_twice_says_it_is_gone(context: Context, create: Callable[[], Backup]) -> None:
    """Somebody else was faster: told as such."""
    backup = create()
    delete_backup(context, backup, Control())

    with pytest.raises(NotFoundError, match="already gone"):
        delete_backup(context, backup, Control())


def test_a_leftover_can_be_deleted(context: Context, kino: Kino, create: Callable[[], Backup]) -> None:
    """What an interrupted run left needs no other tool."""
    create()
    name = ".kino-backup-manual-2026-01-01T00-00-00-v1.tar.gz.partial"
    (kino.default_location / name).write_bytes(b"half")

    delete_backup(context, find_backup(context, name), Control())

    assert name not in listed(context)


def test_a_foreign_file_is_not_ours_to_delete(
    context: Context, kino: Kino, create: Callable[[], Backup]
) -> None:
    """A file that is no backup is refused, and stays."""
    create()
    (kino.default_location / "notes.txt").write_text("mine")

    with pytest.raises(UsageError, match="is not a backup"):
        delete_backup(context, find_backup(context, "notes.txt"), Control())

    assert "notes.txt" in listed(context)


def test_prune_keeps_the_newest(context: Context, nights: list[Backup]) -> None:
    """Three are kept as config.toml says; the two oldest go, oldest first."""
    pruned = prune(context, Control())

    assert pruned.removed == (nights[0], nights[1])
    assert listed(context) == [backup.filename for backup in nights[:1:-1]]
    assert list_jobs(context)[0].operation == "prune"


def test_a_dry_run_names_them_and_removes_nothing(context: Context, nights: list[Backup]) -> None:
    """The plan is the same as the deed."""
    before = listed(context)

    planned = prune(context, Control(), dry_run=True)

    assert listed(context) == before
    assert planned == prune(context, Control())


def test_other_kinds_take_no_place_and_never_go(
    context: Context, create: Callable[..., Backup], nights: list[Backup]
) -> None:
    """Manual and pre-restore backups stay, however many."""
    others = [create(kind) for kind in (BackupKind.MANUAL, BackupKind.PRE_RESTORE) for _ in range(4)]

    prune(context, Control())

    assert {backup.filename for backup in others} <= set(listed(context))
    assert len(listed(context)) == 3 + 8


def test_nothing_goes_when_the_newest_has_gone_bad(context: Context, nights: list[Backup]) -> None:
    """The newest verified backup is read again before anything is removed on its strength."""
    newest = nights[-1]
    stat = newest.path.stat()
    with newest.path.open("r+b") as stream:
        stream.seek(stat.st_size // 2)
        stream.write(b"\0" * 32)
    # The file looks untouched, as after bit rot: only its bytes tell.
    remember_as_verified(context, newest)

    with pytest.raises(ArchiveDamagedError):
        prune(context, Control())

    assert len(listed(context)) == 5


def remember_as_verified(context: Context, backup: Backup) -> None:
    """Make the cache hold the old result for the file as it is now."""
    from kino_backup_tui.core.operations.session import open_session

    open_session(context).remember(
        backup.path,
        backup.path.lstat(),
        backup.status,
        manifest=backup.manifest,
        checksum_sha256=backup.checksum_sha256,
        verified_at=backup.verified_at,
    )


def test_prune_needs_settings_it_can_read(context: Context, kino: Kino, nights: list[Backup]) -> None:
    """With a rule that is not known nothing is removed by a guess."""
    kino.config_file.write_text("[backup]\nkeep = 0\n")

    with pytest.raises(InvalidSettingsError, match="keep"):
        prune(context, Control())

    assert len(listed(context)) == 5


def test_prune_needs_the_location(context: Context, kino: Kino, nights: list[Backup]) -> None:
    """A location that is gone is an error, not an empty list."""
    kino.default_location.rename(kino.data_path / "unmounted")

    with pytest.raises(LocationError):
        prune(context, Control())


def test_with_the_installation_id_lost_nothing_goes_and_it_says_why(
    context: Context, kino: Kino, nights: list[Backup]
) -> None:
    """Without the id nothing proves that a backup is ours."""
    (kino.data_path / ".kino-backup" / "instance").unlink()

    pruned = prune(context, Control())

    assert pruned.removed == ()
    assert pruned.note.startswith("5 scheduled backups stay")


def test_unverified_backups_wait(context: Context, nights: list[Backup]) -> None:
    """With the cache lost, nothing counts until it is verified again."""
    (context.kino.data_path / ".kino-backup" / "catalog.json").unlink()

    assert prune(context, Control()).counted == 0


def test_a_deletion_of_a_stranger_is_not_forced(context: Context, create: Callable[[], Backup]) -> None:
    """A path that another process replaced by nothing is reported, and the list stays readable."""
    backup = create()
    moved = replace(backup, path=backup.path.with_name("kino-backup-manual-2020-01-01T00-00-00-v1.tar.gz"))

    with pytest.raises(NotFoundError):
        delete_backup(context, moved, Control())

    assert listed(context) == [backup.filename]


@pytest.mark.parametrize("marker", [None, "00000000-0000-0000-0000-000000000000"])
def test_nothing_is_pruned_on_another_disk(
    context: Context, kino: Kino, nights: list[Backup], marker: str | None
) -> None:
    """A marker that is missing or different stands for another disk, however full of backups it is."""
    path = kino.default_location / ".kino-backup-location"
    path.unlink()
    if marker:
        path.write_text(marker)

    for dry_run in (True, False):
        with pytest.raises(UnknownLocationError):
            prune(context, Control(), dry_run=dry_run)

    assert len(listed(context)) == 5


def test_a_name_that_is_no_text_can_be_deleted(
    context: Context, kino: Kino, create: Callable[[], Backup]
) -> None:
    """The journal of the deletion has the name in a form that can be written."""
    name = os.fsdecode(b"kino-backup-\xff.tar.gz")
    create().path.rename(kino.default_location / name)

    delete_backup(context, find_backup(context, name), Control())

    assert listed(context) == []
    assert list_jobs(context)[0].outcome == "ok"


def test_what_a_wrong_clock_has_dated_in_the_future_takes_no_place(
    context: Context, clock: FakeClock, create: Callable[..., Backup]
) -> None:
    """Three that are a year ahead would otherwise push out every real one, for a year."""
    clock.advance(days=365)
    ahead = [create(BackupKind.SCHEDULED) for _ in range(3)]
    clock.advance(days=-365)
    real = [create(BackupKind.SCHEDULED) for _ in range(4)]

    planned = prune(context, Control(), dry_run=True)
    assert planned.removed == (real[0],)
    assert prune(context, Control()) == planned

    assert set(listed(context)) == {backup.filename for backup in (*ahead, *real[1:])}
    fate = list_backups(context).fates[ahead[0].path]
    assert fate.reason is FateReason.AHEAD


def test_what_run_due_has_disbelieved_goes_first_when_the_clock_gets_there(
    context: Context, kino: Kino, clock: FakeClock, create: Callable[..., Backup]
) -> None:
    """The very archives whose dates run-due does not believe: prune by hand does not, either."""
    kino.config_file.write_text("[backup]\nkeep = 2\n")
    clock.advance(days=10)
    ahead = create(BackupKind.SCHEDULED)
    clock.advance(days=-10)
    assert run_due(context, Control()).outcome is DueOutcome.MADE
    clock.advance(days=5)
    real = create(BackupKind.SCHEDULED)
    clock.advance(days=6)

    pruned = prune(context, Control())

    assert pruned.removed == (ahead,)
    assert real.filename in listed(context)
