"""verify: reading all of an archive, and remembering the result."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kino_backup_tui.core.errors import (
    ArchiveDamagedError,
    ArchiveError,
    BusyError,
    DatabaseDamagedError,
    NotFoundError,
)
from kino_backup_tui.core.models import Backup, BackupStatus
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.listing import find_backup, list_backups
from kino_backup_tui.core.operations.verify import verify_backup
from kino_backup_tui.core.progress import Control, JobEvent, Stage
from tests.core.archive.archives import manifest_for, member, packed, tar


def database_bytes(tmp_path: Path, *statements: str) -> bytes:
    """A small database as one file."""
    path = tmp_path / "made.db"
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return path.read_bytes()


def place(context: Context, database: bytes, **fields: Any) -> Backup:
    """Put an archive of a database into the location, and find it."""
    context.kino.default_location.mkdir(exist_ok=True)
    name = "kino-backup-manual-2026-04-26T03-00-00-v0.4.2.tar.gz"
    data = packed(
        tar(
            member(
                "manifest.json", manifest_for({"db.sqlite": database}, **({"schema_version": 0} | fields))
            ),
            member("db.sqlite", database),
        )
    )
    (context.kino.default_location / name).write_bytes(data)
    return find_backup(context, name)


def test_a_whole_archive_is_verified_with_date_and_checksum(context: Context, tmp_path: Path) -> None:
    """What was only written becomes verified, and the list remembers."""
    backup = place(context, database_bytes(tmp_path, "CREATE TABLE film (id)"), tables={"film": 0})
    assert backup.status is BackupStatus.UNVERIFIED

    verified = verify_backup(context, backup, Control())

    assert (verified.status, verified.verified_at) == (BackupStatus.VERIFIED, context.clock.now())
    assert list_backups(context).backups == (verified,)


DAMAGE: dict[str, tuple[Callable[[Path], bytes], dict[str, Any], type[ArchiveError]]] = {
    "not a database": (lambda _path: b"SQLite format 3\0" + bytes(5000), {}, DatabaseDamagedError),
    "empty database": (lambda _path: b"", {}, DatabaseDamagedError),
    "no tables": (lambda path: database_bytes(path, "PRAGMA user_version = 1"), {}, DatabaseDamagedError),
    "rows missing": (
        lambda path: database_bytes(path, "CREATE TABLE film (id)"),
        {"tables": {"film": 312}},
        DatabaseDamagedError,
    ),
    "another schema": (
        lambda path: database_bytes(path, "CREATE TABLE film (id)"),
        {"migrations": [{"version": 1, "checksum": "aa"}]},
        ArchiveDamagedError,
    ),
    "schema number contradicts": (
        lambda path: database_bytes(path, "CREATE TABLE film (id)"),
        {"schema_version": 7},
        ArchiveDamagedError,
    ),
}


@pytest.mark.parametrize(("make", "fields", "error"), DAMAGE.values(), ids=DAMAGE.keys())
def test_a_database_that_is_not_what_the_manifest_says_is_damaged(
    context: Context,
    tmp_path: Path,
    make: Callable[[Path], bytes],
    fields: dict[str, Any],
    error: type[ArchiveError],
) -> None:
    """Digests that fit prove nothing if the database in it is broken, empty or another one."""
    backup = place(context, make(tmp_path), **fields)

    with pytest.raises(error) as caught:
        verify_backup(context, backup, Control())

    assert caught.value.message.startswith(backup.filename)
    assert "scratch" not in caught.value.message
    (listed,) = list_backups(context).backups
    assert (listed.status, bool(listed.problem)) == (BackupStatus.DAMAGED, True)


def test_a_bit_flipped_at_rest_is_found(context: Context, create: Callable[[], Backup]) -> None:
    """The archive was verified once; a flipped bit makes it damaged at the next verification."""
    backup = create()
    data = bytearray(backup.path.read_bytes())
    data[len(data) // 2] ^= 0x10
    backup.path.write_bytes(data)

    with pytest.raises(ArchiveDamagedError):
        verify_backup(context, find_backup(context, backup.filename), Control())

    assert list_backups(context).backups[0].status is BackupStatus.DAMAGED


def test_a_manifest_with_unknown_fields_is_read(context: Context, tmp_path: Path) -> None:
    """A later version may say more without a new format; what it says is ignored."""
    backup = place(context, database_bytes(tmp_path, "CREATE TABLE film (id)"), later={"x": [1]})

    assert verify_backup(context, backup, Control()).status is BackupStatus.VERIFIED


def test_verifying_leaves_no_copy_of_the_database(context: Context, create: Callable[[], Backup]) -> None:
    """The scratch folder is empty afterwards, for good and for damaged archives."""
    backup = create()
    verify_backup(context, backup, Control())
    backup.path.write_bytes(backup.path.read_bytes()[:-4])
    with pytest.raises(ArchiveDamagedError):
        verify_backup(context, find_backup(context, backup.filename), Control())

    assert list((context.kino.data_path / ".kino-backup" / "scratch").iterdir()) == []


def test_the_reader_takes_the_manifest_as_written(create: Callable[[], Backup]) -> None:
    """What the archive holds first is the JSON of the manifest, indented by two."""
    backup = create()
    text = gzip.decompress(backup.path.read_bytes())[512:]

    document, _ = json.JSONDecoder().raw_decode(text.decode("latin-1"))

    assert document["format"] == 1
    assert text.startswith(b'{\n  "format": 1,')


def swap(context: Context, backup: Backup) -> Control:
    """A control that replaces the archive while its database is checked."""

    def replace_it(event: JobEvent) -> None:
        if event.stage is Stage.CHECKING_DATABASE and event.event == "stage":
            other = backup.path.with_name("other")
            other.write_bytes(b"garbage")
            other.replace(backup.path)

    return Control(report=replace_it)


def test_a_file_that_nobody_has_read_is_never_verified(
    context: Context, create: Callable[[], Backup]
) -> None:
    """The archive is replaced while it is verified: what was read says nothing of what is there now."""
    backup = create()
    (context.kino.data_path / ".kino-backup" / "catalog.json").unlink()

    with pytest.raises(BusyError, match="changed while it was read"):
        verify_backup(context, backup, swap(context, backup))

    assert list_backups(context).backups[0].status is not BackupStatus.VERIFIED


def test_a_file_that_is_removed_while_it_is_verified_is_not_found(
    context: Context, create: Callable[[], Backup]
) -> None:
    """Verifying takes no lock, so a prune may be faster."""
    backup = create()

    def remove(event: JobEvent) -> None:
        if event.stage is Stage.CHECKING_DATABASE and event.event == "stage":
            backup.path.unlink()

    with pytest.raises(NotFoundError, match="removed while it was read"):
        verify_backup(context, backup, Control(report=remove))


@pytest.mark.parametrize(
    "date", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-12:00", "0033-04-03T15:00:00+00:00"]
)
def test_an_impossible_date_is_damage(context: Context, tmp_path: Path, date: str) -> None:
    """The ends of the calendar would overflow in some zone; the list shows the file, and goes on."""
    backup = place(context, database_bytes(tmp_path, "CREATE TABLE film (id)"), created_at=date)

    assert backup.status is BackupStatus.DAMAGED
    assert "created_at" in backup.problem
