"""The raw backup: the files of a damaged database as they are, for a restore that can be undone."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from kino_backup_tui.core.archive.manifest import is_raw
from kino_backup_tui.core.catalog.retention import FateReason
from kino_backup_tui.core.errors import (
    ArchiveDamagedError,
    BusyError,
    DatabaseDamagedError,
    NotFoundError,
    NotPermittedError,
)
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.import_ import import_backup
from kino_backup_tui.core.operations.listing import find_backup, list_backups
from kino_backup_tui.core.operations.prune import prune
from kino_backup_tui.core.operations.verify import verify_backup
from kino_backup_tui.core.progress import Control
from tests.as_user import NOBODY
from tests.core.operations.saving import (
    as_found,
    crash,
    damaged_inside,
    damages,
    empty,
    left_behind,
    made,
    not_a_database,
    take,
    take_raw,
    truncate,
    unpacked,
)

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@damages
def test_a_damaged_database_asks_for_a_raw_backup(
    context: Context, kino: Kino, damage: Callable[[Kino], None]
) -> None:
    """While Kino may have it open, nothing is packed that SQLite does not vouch for, and nothing is left."""
    damage(kino)

    taken = take(context)

    assert (taken.backup, taken.needs_raw) == (None, True)
    assert isinstance(taken.problem, DatabaseDamagedError)
    assert str(kino.database) in taken.problem.message
    assert left_behind(kino) == set()


@damages
def test_a_raw_backup_is_byte_for_byte_what_was_there(
    context: Context, kino: Kino, damage: Callable[[Kino], None]
) -> None:
    """Whatever the damage: database, log, index, journal, config and secrets."""
    damage(kino)
    for end in ("-wal", "-shm", "-journal"):
        kino.database.with_name(f"db.sqlite{end}").write_bytes(os.urandom(5000))
    before = as_found(kino)

    backup = made(take_raw(context))

    files = unpacked(backup)
    del files["manifest.json"]
    assert files == before == as_found(kino)
    assert left_behind(kino) == {backup.filename}


def test_a_raw_backup_of_a_killed_kino_brings_back_its_last_rows(
    context: Context, kino: Kino, tmp_path: Path
) -> None:
    """The files in it are those of one moment: SQLite works the log into the database from them."""
    crash(kino)

    backup = made(take_raw(context))

    back = tmp_path / "back"
    shutil.unpack_archive(backup.path, back, filter="data")
    connection = sqlite3.connect(back / "db.sqlite")
    assert connection.execute("SELECT count(*) FROM film WHERE title = 'only in the log'").fetchone() == (1,)
    connection.close()


def test_a_raw_manifest_claims_nothing_of_the_database(context: Context, kino: Kino) -> None:
    """State raw, pre-restore, no schema, no rows; contents and origin as always."""
    not_a_database(kino)

    manifest = made(take_raw(context)).manifest

    assert manifest is not None
    assert is_raw(manifest)
    assert manifest.kind is BackupKind.PRE_RESTORE
    assert (manifest.schema_version, manifest.migrations, dict(manifest.tables)) == (None, (), {})
    assert (manifest.kino_version, manifest.host, manifest.data_path) == (
        "0.4.2",
        "nas01",
        str(kino.data_path),
    )
    assert [content.path for content in manifest.contents] == [
        "config.toml",
        "db.sqlite",
        "secrets/trakt.json",
    ]


def test_a_raw_backup_is_listed_as_what_it_is(context: Context, kino: Kino) -> None:
    """Neither verified nor damaged, with the reason, also after the cache is lost; never `latest`."""
    not_a_database(kino)
    backup = made(take_raw(context))

    assert (backup.status, backup.verified_at) == (BackupStatus.UNVERIFIED, None)
    assert backup.problem == "Every digest fits. The database in it is kept as it was found, damaged."
    assert list_backups(context).backups == (backup,)
    with pytest.raises(NotFoundError, match="no verified backup"):
        find_backup(context, "latest")
    (kino.data_path / ".kino-backup" / "catalog.json").unlink()
    (listed,) = list_backups(context).backups
    assert (listed.status, listed.checksum_sha256) == (BackupStatus.UNVERIFIED, None)
    assert listed.problem == "The database in it is kept as it was found, damaged."


def test_verifying_a_raw_backup_compares_every_digest(context: Context, kino: Kino) -> None:
    """It passes as what it is; a flipped bit is damage as in any other."""
    empty(kino)
    backup = made(take_raw(context))
    (kino.data_path / ".kino-backup" / "catalog.json").unlink()

    verified = verify_backup(context, find_backup(context, backup.filename), Control())

    assert verified == backup
    data = bytearray(backup.path.read_bytes())
    data[len(data) // 2] ^= 0x10
    backup.path.write_bytes(data)
    with pytest.raises(ArchiveDamagedError):
        verify_backup(context, find_backup(context, backup.filename), Control())
    assert list_backups(context).backups[0].status is BackupStatus.DAMAGED


def test_a_raw_backup_can_be_brought_back_in(context: Context, kino: Kino, tmp_path: Path) -> None:
    """Exported, deleted and imported it keeps its name, and what it is."""
    truncate(kino)
    backup = made(take_raw(context))
    outside = tmp_path / backup.filename
    backup.path.rename(outside)

    created = import_backup(context, outside, Control())

    assert (created.backup.filename, created.backup.status) == (backup.filename, BackupStatus.UNVERIFIED)
    assert created.warnings == (created.backup.problem,)


def test_retention_touches_neither_pre_restore_nor_raw_backups(
    context: Context, kino: Kino, create: Callable[..., Backup]
) -> None:
    """They stay however many scheduled ones there are, and are not counted among them."""
    kino.config_file.write_text("[backup]\nkeep = 1\n")
    sound = made(take(context))
    raw = made(take_raw(context))
    scheduled = [create(BackupKind.SCHEDULED) for _ in range(3)]

    pruned = prune(context, Control())

    assert {backup.filename for backup in pruned.removed} == {old.filename for old in scheduled[:2]}
    assert sound.path.exists()
    assert raw.path.exists()
    fates = list_backups(context).fates
    assert {fates[backup.path].reason for backup in (sound, raw)} == {FateReason.PRE_RESTORE}


def test_with_nobody_there_a_damaged_database_is_packed_at_once(context: Context, kino: Kino) -> None:
    """Sound is tried first; the warnings say why it is not."""
    damaged_inside(kino)

    taken = take(context, raw_now=True)

    backup = made(taken)
    assert backup.manifest is not None
    assert is_raw(backup.manifest)
    assert str(kino.database) in taken.warnings[0]
    assert taken.warnings[1] == "The files of the database are kept in it as they were found."


def test_with_nobody_there_a_sound_database_is_not_packed_raw(context: Context) -> None:
    """Raw is for what cannot be saved otherwise."""
    assert made(take(context, raw_now=True)).status is BackupStatus.VERIFIED


@as_root
@pytest.mark.parametrize("name", ["db.sqlite", "db.sqlite-wal"])
def test_a_link_planted_by_kinos_user_is_not_packed_raw(
    context: Context, kino: Kino, tmp_path: Path, name: str
) -> None:
    """It could bring any file of the system into an archive that Kino's user may read."""
    (tmp_path / "roots-own").write_text("secret")
    link = kino.data_path / name
    link.unlink(missing_ok=True)
    link.symlink_to(tmp_path / "roots-own")
    os.chown(link, NOBODY, NOBODY, follow_symlinks=False)

    taken = take_raw(context)

    assert isinstance(taken.problem, NotPermittedError)
    assert left_behind(kino) == set()


def test_a_database_that_is_a_link_is_packed_raw_with_the_files_beside_its_target(
    context: Context, kino: Kino, tmp_path: Path
) -> None:
    """SQLite keeps the log where the file really is."""
    fast = tmp_path / "ssd"
    fast.mkdir()
    kino.database.rename(fast / "kino.db")
    kino.database.symlink_to(fast / "kino.db")
    (fast / "kino.db-wal").write_bytes(b"log")

    assert unpacked(made(take_raw(context)))["db.sqlite-wal"] == b"log"


def test_a_database_that_is_still_written_is_not_packed_raw(
    context: Context, kino: Kino, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files of two moments are no state to go back to."""
    (tmp_path / "cp").write_text('#!/bin/sh\nPATH=/bin:/usr/bin cp "$@" && echo more >>"$3"\n')
    (tmp_path / "cp").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    taken = take_raw(context)

    assert isinstance(taken.problem, BusyError)
    assert left_behind(kino) == set()
