"""The way back: to the files that were replaced, or to the backup that was made of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import KinoBackupError, NotFoundError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup, BackupKind
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.last_restore import can_undo, way_back
from kino_backup_tui.core.operations.plan import RestoreOptions, plan_rollback
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.restore.folders import OLD, restore_folder, set_folder, transactions
from kino_backup_tui.core.restore.journal import read_record
from kino_backup_tui.core.restore.plan import Safety
from kino_backup_tui.core.workspace import Workspace, workspace_of
from tests.core.operations.restoring import change, do, execute, films, restore, rollback, state

DAY = 24 * 3600.0
WITHOUT = replace(RestoreOptions(), safety_backup=False)
OLDER = "DELETE FROM _sqlx_migrations WHERE version = 2"
MIGRATE = "INSERT INTO _sqlx_migrations VALUES (2, 'series', '2026-02-01', 1, x'bb02', 5)"


@pytest.fixture
def workspace(kino: Kino) -> Workspace:
    """Where the sets wait."""
    return workspace_of(kino)


def kept(workspace: Workspace) -> Path:
    """The set the newest restore has replaced."""
    record = read_record(workspace)
    assert record is not None
    return set_folder(workspace, record.transaction, OLD)


def test_rollback_brings_back_all_that_was_replaced(
    context: Context, kino: Kino, create: Callable[..., Backup]
) -> None:
    """With a safety backup of its own, which is now the way back."""
    backup = create()
    change(kino)
    before = state(kino)
    first = restore(context, backup)
    execute(kino, "INSERT INTO film (title) VALUES ('On the restored state')")

    result = rollback(context)

    assert (result.operation, result.outcome) == ("rollback", "ok")
    assert state(kino) == before
    assert way_back(context) == result.way_back != first.way_back
    assert result.tables is not None
    assert result.tables["film"] == 21


def test_a_rollback_can_be_rolled_back(context: Context, kino: Kino, create: Callable[..., Backup]) -> None:
    """There and back as often as one likes, nothing is lost on the way."""
    backup = create()
    change(kino)
    old = state(kino)
    restore(context, backup)
    execute(kino, "INSERT INTO film (title) VALUES ('On the restored state')")
    new = state(kino)

    for expected in (old, new, old, new):
        rollback(context, WITHOUT)
        assert state(kino) == expected


def test_the_plan_names_the_restore_that_it_undoes(
    context: Context, create: Callable[..., Backup], workspace: Workspace
) -> None:
    """By its archive and when it was done, also where the pre-restore backup takes the files' place."""
    backup = create()
    restore(context, backup)
    record = read_record(workspace)
    assert record is not None

    plan = plan_rollback(context, Control())
    shutil.rmtree(kept(workspace))
    from_backup = plan_rollback(context, Control())

    assert (plan.undoes, plan.undone_at) == (backup.filename, record.since)
    assert (from_backup.undoes, from_backup.undone_at) == (backup.filename, record.since)


def test_the_plan_of_undoing_a_rollback_names_no_archive(
    context: Context, create: Callable[..., Backup], workspace: Workspace
) -> None:
    """What is undone has put files back and restored none; it has only its time."""
    restore(context, create())
    rollback(context, WITHOUT)
    record = read_record(workspace)
    assert record is not None

    plan = plan_rollback(context, Control())

    assert (plan.undoes, plan.undone_at) == ("", record.since)


def test_the_way_back_counts_what_kino_wrote_until_its_end(
    context: Context, kino: Kino, create: Callable[..., Backup], workspace: Workspace
) -> None:
    """Rows that came between the plan and the stop are no reason to refuse it."""
    import sqlite3

    backup = create()
    restore(context, backup, WITHOUT)
    database = kept(workspace) / "db.sqlite"
    connection = sqlite3.connect(database)
    connection.execute("INSERT INTO film (title) VALUES ('just before the stop')")
    connection.commit()
    connection.close()

    rollback(context, WITHOUT)

    assert films(kino)[-1] == "just before the stop"


def test_without_the_kept_files_the_pre_restore_backup_is_restored(
    context: Context, kino: Kino, create: Callable[..., Backup], workspace: Workspace
) -> None:
    """The plan says so, and the end is the same."""
    backup = create()
    change(kino)
    before = state(kino)
    first = restore(context, backup)
    shutil.rmtree(kept(workspace))

    plan = plan_rollback(context, Control())
    result = do(context, plan)

    assert (plan.operation, plan.source.name) == ("rollback", first.way_back)
    assert result.outcome == "ok"
    assert state(kino) == before


@pytest.mark.parametrize("name", ["db.sqlite", "config.toml", "secrets"])
def test_kept_files_that_are_not_whole_are_not_gone_back_to(
    context: Context, kino: Kino, create: Callable[..., Backup], workspace: Workspace, name: str
) -> None:
    """Half a state is none; the backup has all of it."""
    backup = create()
    change(kino)
    before = state(kino)
    restore(context, backup)
    lost = kept(workspace) / name
    shutil.rmtree(lost) if lost.is_dir() else lost.unlink()

    rollback(context)

    assert state(kino) == before


@pytest.mark.parametrize("migrated", [True, False])
def test_the_way_back_from_an_older_backup_is_open(
    context: Context, kino: Kino, create: Callable[..., Backup], workspace: Workspace, migrated: bool
) -> None:
    """Whether Kino has brought the restored database up to date, or was never started on it."""
    execute(kino, OLDER)
    older = create()
    execute(kino, MIGRATE)
    before = state(kino)
    restore(context, older)
    if migrated:
        execute(kino, MIGRATE)
    shutil.rmtree(kept(workspace))

    rollback(context)

    assert state(kino) == before


def test_with_neither_there_is_no_way_back(
    context: Context, kino: Kino, create: Callable[..., Backup], workspace: Workspace
) -> None:
    """It says what is gone."""
    restore(context, create(), WITHOUT)
    shutil.rmtree(kept(workspace))

    with pytest.raises(NotFoundError, match="gone"):
        plan_rollback(context, Control())


def test_without_a_restore_there_is_nothing_to_undo(context: Context, create: Callable[..., Backup]) -> None:
    """A backup alone is no restore."""
    create()
    assert not can_undo(context)
    with pytest.raises(NotFoundError):
        plan_rollback(context, Control())


def test_a_restore_that_was_refused_leaves_the_way_back(
    context: Context, kino: Kino, create: Callable[..., Backup]
) -> None:
    """Of the one that is in effect."""
    backup = create()
    change(kino)
    before = state(kino)
    first = restore(context, backup)
    other = create()
    data = other.path.read_bytes()
    from kino_backup_tui.core.operations.plan import plan_restore

    plan = plan_restore(context, other, Control())
    other.path.write_bytes(data[:-5])
    with pytest.raises(KinoBackupError):
        do(context, plan)

    assert way_back(context) == first.way_back
    rollback(context)
    assert state(kino) == before


def test_replaced_files_are_kept_for_a_week_and_until_the_next_restore(
    context: Context, create: Callable[..., Backup], workspace: Workspace
) -> None:
    """The newest one's for ever, an earlier one's for at least seven days."""
    backup = create()
    folders = []
    for age in (8 * DAY, 6 * DAY, 30 * DAY):
        restore(context, backup, WITHOUT)
        folders.append(kept(workspace))
        then = context.clock.now().timestamp() - age
        os.utime(folders[-1], (then, then))
    assert [folder.exists() for folder in folders] == [False, True, True]

    restore(context, backup, WITHOUT)

    assert [folder.exists() for folder in folders] == [False, True, False]
    assert len(transactions(workspace)) == 2


def test_a_rollback_leaves_no_empty_folders(
    context: Context, create: Callable[..., Backup], workspace: Workspace
) -> None:
    """Only the set that it has put aside."""
    restore(context, create())
    rollback(context)

    assert len(transactions(workspace)) == 1
    assert sorted(path.name for path in restore_folder(workspace).iterdir()) == [
        *transactions(workspace),
        "journal.json",
    ]


def test_the_way_back_never_expires(context: Context, create: Callable[..., Backup]) -> None:
    """It is a pre-restore backup, of which retention takes none."""
    from kino_backup_tui.core.operations.prune import prune

    result = restore(context, create())
    for _ in range(4):
        create(kind=BackupKind.SCHEDULED)
    prune(context, Control())

    assert (context.kino.default_location / result.way_back).exists()


def test_a_plan_of_a_rollback_says_what_it_goes_back_to(
    context: Context, kino: Kino, create: Callable[..., Backup]
) -> None:
    """In numbers, and that the current state is saved first."""
    backup = create()
    change(kino)
    restore(context, backup)

    plan = plan_rollback(context, Control())

    assert plan.blockers == ()
    assert (plan.safety, plan.arriving) == (Safety.BACKUP, ("db.sqlite", "config.toml", "secrets"))
    assert plan.backup.tables is not None
    assert plan.backup.tables["film"] == 21
