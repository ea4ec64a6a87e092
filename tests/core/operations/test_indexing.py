"""Kino's own list names what is there, after each operation that makes, brings, moves or deletes a file."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from kino_backup_tui.core.catalog.locations import prepare_location
from kino_backup_tui.core.kino import index_table as index_module
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.index import index_of
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.delete import delete_backup
from kino_backup_tui.core.operations.import_ import import_backup
from kino_backup_tui.core.operations.indexing import enlist
from kino_backup_tui.core.operations.listing import find_backup
from kino_backup_tui.core.operations.move import move_backups
from kino_backup_tui.core.operations.prune import prune
from kino_backup_tui.core.operations.reindex import reindex
from kino_backup_tui.core.operations.session import open_session
from kino_backup_tui.core.progress import Control
from tests.core.operations.kinos_list import rows, set_location
from tests.fakes import FakeClock


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits ten seconds for a lock."""
    monkeypatch.setattr(index_module, "BUSY_SECONDS", 0.05)


def test_a_new_backup_is_listed_with_what_its_file_is(shipped: Kino, make: Callable[..., Backup]) -> None:
    """Kino compares both numbers before it restores, and sends the size with a download."""
    for kind in BackupKind:
        backup = make(kind)
        row = rows(shipped)[backup.filename]
        data = backup.path.read_bytes()
        assert (row.kind, row.size_bytes, row.checksum_sha256, row.kino_version) == (
            kind.value,
            len(data),
            hashlib.sha256(data).hexdigest(),
            "0.3.2",
        )
        assert row.created_at.endswith("+00:00")
        assert row.instant == backup.created_at


def test_a_scheduled_backup_of_the_future_holds_up_no_schedule_of_kino(
    shipped: Kino, shipped_context: Context, clock: FakeClock
) -> None:
    """Kino makes none until a day after the newest scheduled one, so one from ahead is listed as manual."""
    clock.advance(days=400)
    ahead = create_backup(shipped_context, Control(), kind=BackupKind.SCHEDULED, version="0.3.2").backup
    assert rows(shipped)[ahead.filename].kind == "scheduled"
    index_of(shipped).forget([ahead.filename])
    clock.advance(days=-400)

    assert enlist(open_session(shipped_context), ahead, clock.now()) == ()

    assert rows(shipped)[ahead.filename].kind == "manual"


def test_an_imported_scheduled_backup_is_none_that_kino_may_remove(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path], tmp_path: Path
) -> None:
    """Somebody wanted it here; in Kino's list only manual ones stay."""
    archive = back_up_as_kino(BackupKind.SCHEDULED)
    away = tmp_path / archive.name
    shutil.move(archive, away)
    index_of(shipped).forget([archive.name])

    backup = import_backup(shipped_context, away, Control()).backup

    assert backup.kind is BackupKind.SCHEDULED
    assert rows(shipped)[backup.filename].kind == "manual"


def test_a_deleted_backup_leaves_the_list(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path], make: Callable[..., Backup]
) -> None:
    """One of Kino's own, and one of ours."""
    kinos, ours = back_up_as_kino(), make()

    for name in (kinos.name, ours.filename):
        assert delete_backup(shipped_context, find_backup(shipped_context, name), Control()) == ()

    assert rows(shipped) == {}
    assert not kinos.exists()


def test_what_retention_removes_leaves_the_list(
    shipped: Kino, shipped_context: Context, make: Callable[..., Backup]
) -> None:
    """And what it keeps stays in it."""
    with closing(sqlite3.connect(shipped.database)) as connection, connection:
        connection.execute("UPDATE config SET backup_retention_count = 2")
    made = [make(BackupKind.SCHEDULED).filename for _ in range(4)]

    pruned = prune(shipped_context, Control())

    assert {backup.filename for backup in pruned.removed} == set(made[:2])
    assert rows(shipped).keys() == set(made[2:])
    assert pruned.note == ""


def test_without_a_limit_retention_removes_nothing(
    shipped: Kino, shipped_context: Context, make: Callable[..., Backup]
) -> None:
    """A count of nothing means to Kino that all are kept, and must not be read as "keep none"."""
    with closing(sqlite3.connect(shipped.database)) as connection, connection:
        connection.execute("UPDATE config SET backup_retention_count = 0")
    made = [make(BackupKind.SCHEDULED) for _ in range(3)]

    assert prune(shipped_context, Control()).removed == ()
    assert all(backup.path.is_file() for backup in made)


@pytest.fixture
def moving(shipped: Kino, shipped_context: Context, tmp_path: Path) -> Path:
    """A new location, ready for what is to be moved there."""
    new = tmp_path / "disk"
    new.mkdir()
    set_location(shipped, new)
    workspace = open_session(shipped_context).workspace
    prepare_location(new, workspace, shipped.default_location, accept=True)
    return new


def test_a_moved_backup_is_listed_where_kino_looks_now(
    shipped: Kino,
    shipped_context: Context,
    back_up_as_kino: Callable[..., Path],
    make: Callable[..., Backup],
    moving: Path,
) -> None:
    """Kino joins its names to the current location: each is of a file again, and one that lacked is added."""
    set_location(shipped, shipped.default_location)
    unlisted = make().filename
    names = {back_up_as_kino().name, unlisted}
    index_of(shipped).forget([unlisted])
    set_location(shipped, moving)

    moved = move_backups(shipped_context, Control())

    assert {backup.filename for backup in moved.moved} == names
    assert moved.warnings == ()
    assert rows(shipped).keys() == names
    assert all((moving / name).is_file() for name in names)


def test_a_move_does_not_have_kino_delete_what_it_had_lost_sight_of(
    shipped: Kino,
    shipped_context: Context,
    back_up_as_kino: Callable[..., Path],
    moving: Path,
) -> None:
    """Listed as scheduled, those beyond its number would go with its next run."""
    set_location(shipped, shipped.default_location)
    with closing(sqlite3.connect(shipped.database)) as connection, connection:
        connection.execute("UPDATE config SET backup_retention_count = 2")
    made = [back_up_as_kino(BackupKind.SCHEDULED).name]
    index_of(shipped).forget(made)
    made += [back_up_as_kino(BackupKind.SCHEDULED).name for _ in range(2)]
    set_location(shipped, moving)

    move_backups(shipped_context, Control())
    back_up_as_kino(BackupKind.SCHEDULED)

    assert [(moving / name).is_file() for name in made] == [True, False, True]


@pytest.mark.usefixtures("impatient")
def test_a_move_beside_a_locked_database_warns(
    shipped: Kino, shipped_context: Context, moving: Path, make: Callable[..., Backup]
) -> None:
    """The files are where they should be; Kino's page is told later."""
    set_location(shipped, shipped.default_location)
    name = make().filename
    index_of(shipped).forget([name])
    set_location(shipped, moving)
    with closing(sqlite3.connect(shipped.database, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        moved = move_backups(shipped_context, Control())

    assert (moving / name).is_file()
    assert any("reindex" in warning and name in warning for warning in moved.warnings)


def test_no_command_is_named_that_would_not_help(shipped: Kino, shipped_context: Context) -> None:
    """What has no such list cannot be brought in step; the backup is made and deleted all the same."""
    with closing(sqlite3.connect(shipped.database)) as connection, connection:
        connection.execute("ALTER TABLE backup DROP COLUMN checksum_sha256")

    created = create_backup(shipped_context, Control(), version="0.3.2")
    warnings = (*created.warnings, *delete_backup(shipped_context, created.backup, Control()))

    assert len(warnings) == 2
    assert all("no list of backups" in warning and "reindex" not in warning for warning in warnings)


def test_a_database_that_does_not_say_what_it_is_keeps_its_list(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """Without a list of migrations Kino takes it for a new one, and starts on any other of its release."""
    archive = back_up_as_kino()
    with closing(sqlite3.connect(shipped.database)) as connection, connection:
        connection.execute("DROP TABLE _sqlx_migrations")
    index_of(shipped).forget([archive.name])

    created = create_backup(shipped_context, Control(), version="0.3.2")
    done = reindex(shipped_context, Control())

    assert created.warnings == ()
    assert [backup.filename for backup in done.added] == [archive.name]
    assert rows(shipped).keys() == {archive.name, created.backup.filename}


@pytest.mark.usefixtures("impatient")
def test_a_locked_database_does_not_fail_a_good_backup(
    shipped: Kino, shipped_context: Context, clock: FakeClock
) -> None:
    """The backup is there and verified; that Kino's page does not show it yet is a warning."""
    with closing(sqlite3.connect(shipped.database, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        created = create_backup(shipped_context, Control(), version="0.3.2")

        assert created.backup.status is BackupStatus.VERIFIED
        (warning,) = created.warnings
        assert "locked" in warning
        assert "reindex" in warning
        (gone,) = delete_backup(shipped_context, created.backup, Control())
        assert "goes on showing" in gone
    assert not created.backup.path.exists()


def test_a_damaged_database_does_not_fail_a_delete(
    shipped: Kino, shipped_context: Context, make: Callable[..., Backup]
) -> None:
    """Room is needed most when everything is broken."""
    backup = make()
    for end in ("-wal", "-shm"):
        shipped.database.with_name(shipped.database.name + end).unlink(missing_ok=True)
    shipped.database.write_bytes(b"no database " * 1000)

    (warning,) = delete_backup(shipped_context, backup, Control())

    assert not backup.path.exists()
    assert "damaged" in warning
