"""The files are the index: everything in a location is shown as what it is."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import ArchiveRefusedError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus, EntryRole
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.listing import complete_listing, find_backup, list_backups
from kino_backup_tui.core.operations.verify import verify_backup
from kino_backup_tui.core.progress import CancelToken, Control
from tests.as_user import NOBODY, let_others_in, run_as
from tests.core.archive.archives import manifest_last, member, packed, tar

MANIFEST_LAST = manifest_last()


def only(context: Context) -> Backup:
    """The one entry of a listing of everything."""
    (backup,) = list_backups(context, everything=True).backups
    return backup


def test_no_backups_are_an_empty_list(context: Context) -> None:
    """A location that was never used is not an error."""
    listing = list_backups(context)

    assert listing.backups == ()
    assert listing.location_problem is None


def test_newest_first_across_kinds(context: Context, create: Callable[..., Backup]) -> None:
    """The order is that of the dates inside, whatever the kind."""
    made = [create(kind) for kind in (BackupKind.MANUAL, BackupKind.SCHEDULED, BackupKind.PRE_RESTORE)]

    assert list(list_backups(context).backups) == made[::-1]
    assert [backup.kind for backup in list_backups(context, kind=BackupKind.SCHEDULED).backups] == [
        "scheduled"
    ]


ODD = "kino-backup-manual-2026-04-26T03-00-00-v0.4.2.tar.gz"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04 no archive",
        packed(b"text" * 500),
        packed(tar(member("manifest.json", b"{"))),
        b"\x1f\x8b" * 9,
    ],
    ids=["empty", "zip", "gzip of text", "broken manifest", "half a header"],
)
def test_what_only_looks_like_a_backup_is_damaged(context: Context, location: Path, data: bytes) -> None:
    """The name says backup, the bytes do not: it stays in the list, with the reason."""
    (location / ODD).write_bytes(data)

    backup = only(context)

    assert (backup.role, backup.status) == (EntryRole.BACKUP, BackupStatus.DAMAGED)
    assert backup.problem
    assert backup.kind is BackupKind.MANUAL


@pytest.mark.parametrize("name", ["notes.txt", "photos.tar.gz", "[b]old [x] backup.zip", "файл", "x" * 255])
def test_foreign_files_are_shown_only_with_everything(context: Context, location: Path, name: str) -> None:
    """They are none of ours, but hiding them would hide what fills the disk."""
    (location / name).write_bytes(b"something else")

    assert list_backups(context).backups == ()
    assert only(context).role is EntryRole.FOREIGN


def test_a_folder_a_link_and_a_pipe_are_foreign(context: Context, location: Path) -> None:
    """Nothing but a regular file is a backup, whatever its name."""
    (location / ODD).mkdir()
    (location / ODD.replace("26", "25")).symlink_to("/etc/passwd")
    os.mkfifo(location / ODD.replace("26", "24"))

    entries = list_backups(context, everything=True).backups

    assert {entry.role for entry in entries} == {EntryRole.FOREIGN}
    assert {entry.problem for entry in entries} == {
        "It is a folder.",
        "It is a symbolic link.",
        "It is a named pipe.",
    }


def test_a_partial_is_a_leftover(context: Context, location: Path) -> None:
    """What a power cut left is shown, and is never a backup."""
    (location / f".{ODD}.partial").write_bytes(b"half")

    assert only(context).role is EntryRole.LEFTOVER


def test_a_renamed_backup_is_still_one(context: Context, create: Callable[[], Backup]) -> None:
    """The manifest tells kind, date and version, whatever the admin called the file."""
    backup = create()
    backup.path.rename(backup.path.with_name("before [the] upgrade.tar.gz"))

    found = only(context)

    assert (found.kind, found.created_at, found.kino_version) == (
        BackupKind.MANUAL,
        backup.created_at,
        "0.4.2",
    )


def test_a_renamed_archive_of_kino_is_still_one(context: Context, location: Path) -> None:
    """Its manifest is too far inside for a glance; what it begins with is the database of a backup."""
    (location / "before the upgrade.tar.gz").write_bytes(MANIFEST_LAST)

    assert only(context).role is EntryRole.BACKUP
    assert (only(context).needs_reading, only(context).kind) == (True, None)
    complete_listing(context, CancelToken())
    assert (only(context).role, only(context).schema_version) == (EntryRole.BACKUP, 2)


def test_a_renamed_archive_of_something_else_is_foreign(context: Context, location: Path) -> None:
    """However long it is, and also once it has been read."""
    photos = packed(tar(member("photo.jpg", os.urandom(200_000))))
    (location / "photos.tar.gz").write_bytes(photos)
    broken = packed(tar(member("db.sqlite", os.urandom(200_000))))
    (location / "data.tar.gz").write_bytes(broken)
    complete_listing(context, CancelToken())

    assert {b.role for b in list_backups(context, everything=True).backups} == {EntryRole.FOREIGN}


@pytest.mark.parametrize("name", ["kino-backup-2026-04-26T03-00-12Z-v0.3.2.tar (1).gz", "kino.bin"])
def test_a_file_that_is_chosen_may_have_any_name(
    context: Context, create: Callable[[], Backup], tmp_path: Path, name: str
) -> None:
    """A browser adds a number to what it downloads twice."""
    for data in (MANIFEST_LAST, create().path.read_bytes()):
        (tmp_path / name).write_bytes(data)

        assert find_backup(context, str(tmp_path / name)).role is EntryRole.BACKUP

    (tmp_path / name).write_bytes(b"something else")
    with pytest.raises(ArchiveRefusedError):
        find_backup(context, str(tmp_path / name))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_an_unreadable_file_says_so(context: Context, create: Callable[[], Backup]) -> None:
    """Not being allowed to read says nothing of what is inside."""
    backup = create()
    let_others_in(backup.path)
    (context.kino.data_path / ".kino-backup").chmod(0o700)

    def status() -> str:
        return only(context).status

    assert run_as(NOBODY, status) == BackupStatus.UNREADABLE


def test_a_changed_file_is_not_verified_any_more(context: Context, create: Callable[[], Backup]) -> None:
    """What was proven of the old bytes says nothing of the new ones."""
    backup = create()
    data = bytearray(backup.path.read_bytes())
    data[-20] ^= 1
    backup.path.write_bytes(data)

    assert only(context).status is not BackupStatus.VERIFIED


def test_losing_the_cache_loses_no_backup(context: Context, kino: Kino, create: Callable[[], Backup]) -> None:
    """Without the working folder every backup is listed, and one verification brings its state back."""
    backup = create()
    for path in sorted((kino.data_path / ".kino-backup").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()

    found = only(context)

    assert found.status is BackupStatus.UNVERIFIED
    assert verify_backup(context, found, Control()).checksum_sha256 == backup.checksum_sha256


def test_a_corrupt_cache_is_ignored(context: Context, kino: Kino, create: Callable[[], Backup]) -> None:
    """Garbage in catalog.json is as good as no cache."""
    create()
    cache = kino.data_path / ".kino-backup" / "catalog.json"
    for garbage in (b"{", b"[]", b'{"version": 2, "locations": {"x": 3}}', b"\xff"):
        cache.write_bytes(garbage)
        assert only(context).kind is BackupKind.MANUAL


def test_the_second_listing_opens_no_archive(context: Context, create: Callable[[], Backup]) -> None:
    """What the cache knows is not read again."""
    first = create()
    opened: list[object] = []
    watching = True

    def audit(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event == "open":
            opened.append(arguments[0])

    sys.addaudithook(audit)
    assert only(context) == first
    watching = False

    assert opened
    assert str(first.path) not in map(str, opened)


def test_backups_of_a_former_location_stay_listed(
    context: Context, kino: Kino, create: Callable[[], Backup], tmp_path: Path
) -> None:
    """After the location has moved, the old place's backups are shown as elsewhere."""
    old = create()
    (tmp_path / "nas").mkdir()
    kino.config_file.write_text(f'[backup]\nlocation = "{tmp_path}/nas"\n')

    assert [(backup.filename, backup.elsewhere) for backup in list_backups(context).backups] == [
        (old.filename, True)
    ]


def test_what_is_known_survives_a_disk_that_is_not_mounted(
    context: Context, kino: Kino, create: Callable[..., Backup]
) -> None:
    """An empty mount point is listed as empty; its archives are as verified as before once they are back."""
    create()
    aside = kino.data_path / "aside"
    kino.default_location.rename(aside)
    kino.default_location.mkdir()
    assert list_backups(context).backups == ()
    kino.default_location.rmdir()
    aside.rename(kino.default_location)

    assert [backup.status for backup in list_backups(context).backups] == [BackupStatus.VERIFIED]
