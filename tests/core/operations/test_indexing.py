"""Kino's own list names what is there, after each operation that makes, brings, moves or deletes a file."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from kino_backup_tui.core.catalog.locations import prepare_location
from kino_backup_tui.core.errors import ArchiveDamagedError, DatabaseDamagedError
from kino_backup_tui.core.kino import index_table as index_module
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.index import IndexRow, index_of
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus, EntryRole
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.delete import delete_backup
from kino_backup_tui.core.operations.import_ import import_backup
from kino_backup_tui.core.operations.indexing import enlist
from kino_backup_tui.core.operations.listing import complete_listing, find_backup, list_backups
from kino_backup_tui.core.operations.move import move_backups
from kino_backup_tui.core.operations.plan import plan_restore
from kino_backup_tui.core.operations.prune import prune
from kino_backup_tui.core.operations.reindex import reindex
from kino_backup_tui.core.operations.session import open_session
from kino_backup_tui.core.operations.verify import verify_backup
from kino_backup_tui.core.progress import CancelToken, Control
from kino_backup_tui.demo.shipped.archive import write_archive
from kino_backup_tui.presentation.text import reservation_text, summary_text
from tests.fakes import FakeClock


def rows(kino: Kino) -> dict[str, IndexRow]:
    """Kino's list by file name."""
    found = index_of(kino).rows()
    assert len({row.filename for row in found}) == len(found)
    return {row.filename: row for row in found}


def set_location(kino: Kino, folder: Path) -> None:
    """Move the location as Kino's own page does."""
    with closing(sqlite3.connect(kino.database)) as connection, connection:
        connection.execute("UPDATE config SET backup_location_path = ?", (str(folder),))


@pytest.fixture
def make(shipped_context: Context, clock: FakeClock) -> Callable[..., Backup]:
    """Make a backup with this program; every next one is a minute later."""

    def make_one(kind: BackupKind = BackupKind.MANUAL) -> Backup:
        created = create_backup(shipped_context, Control(), kind=kind, version="0.3.2")
        assert created.warnings == ()
        clock.advance(minutes=1)
        return created.backup

    return make_one


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits ten seconds for a lock."""
    monkeypatch.setattr(index_module, "BUSY_SECONDS", 0.05)


@pytest.fixture
def large(shipped: Kino) -> None:
    """A database whose archives have their end, and with it Kino's manifest, out of a listing's sight."""
    with closing(sqlite3.connect(shipped.database)) as connection, connection:
        connection.execute(
            "INSERT INTO history (event_type, created_at) VALUES ('x', hex(randomblob(400000)))"
        )


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


@pytest.mark.usefixtures("large")
def test_the_list_tells_the_kind_of_an_archive_that_nobody_has_read(
    shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """Kino's archives say it at their very end only, and by their name only before a restore."""
    scheduled, manual = back_up_as_kino(BackupKind.SCHEDULED), back_up_as_kino()

    kinds = {b.filename: (b.kind, b.schema_version) for b in list_backups(shipped_context).backups}

    assert kinds == {scheduled.name: (BackupKind.SCHEDULED, 1), manual.name: (BackupKind.MANUAL, 1)}


def test_what_kino_alone_knows_is_listed_as_missing_and_cannot_be_restored(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """It appears with everything else that is no backup, and never among the backups."""
    archive = back_up_as_kino()
    archive.unlink()

    assert list_backups(shipped_context).backups == ()
    (ghost,) = list_backups(shipped_context, everything=True).backups
    assert (ghost.role, ghost.filename, ghost.kind) == (EntryRole.MISSING, archive.name, BackupKind.MANUAL)
    assert str(shipped.default_location) in ghost.problem

    delete_backup(shipped_context, find_backup(shipped_context, archive.name), Control())

    assert rows(shipped) == {}
    assert list_backups(shipped_context, everything=True).backups == ()


def test_a_name_that_leads_out_of_the_location_is_never_followed(
    shipped: Kino, shipped_context: Context, tmp_path: Path
) -> None:
    """Not shown, not found, not deleted, whatever it names."""
    victim = tmp_path / "kino" / "library" / "film.mkv"
    victim.write_bytes(b"a film")
    for name in (str(victim), "../library/film.mkv"):
        row = IndexRow("manual", name, 6, "0.3.2", "ab" * 32, "2026-04-01T00:00:00+00:00")
        index_of(shipped).update([row])

    assert list_backups(shipped_context, everything=True).backups == ()
    assert victim.is_file()


def test_an_archive_in_a_former_location_is_no_missing_file(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path], tmp_path: Path
) -> None:
    """It is listed where it is; that Kino looks for it elsewhere is no second backup."""
    archive = back_up_as_kino()
    new = tmp_path / "disk"
    new.mkdir()
    set_location(shipped, new)

    (listed,) = list_backups(shipped_context, everything=True).backups

    assert (listed.path, listed.elsewhere, listed.role) == (archive, True, EntryRole.BACKUP)


@pytest.mark.usefixtures("large")
def test_an_archive_is_inflated_once_and_known_from_then_on(
    shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """One reading to the end gives manifest and checksum; a second listing reads nothing of it."""
    archive = back_up_as_kino()
    assert list_backups(shipped_context).backups[0].needs_reading

    assert complete_listing(shipped_context, CancelToken()) is True

    (backup,) = list_backups(shipped_context).backups
    assert backup.manifest is not None
    assert backup.checksum_sha256 == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert not backup.needs_reading
    assert complete_listing(shipped_context, CancelToken()) is False


def test_an_archive_of_kino_is_verified_although_it_records_nothing(
    shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """gzip, tar and the database are sound, and the checksum is the one in Kino's list."""
    archive = back_up_as_kino(BackupKind.SCHEDULED)

    backup = verify_backup(shipped_context, find_backup(shipped_context, archive.name), Control())

    assert (backup.status, backup.kind) == (BackupStatus.VERIFIED, BackupKind.SCHEDULED)
    assert backup.checksum_sha256 == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert reservation_text(backup) == "whole, with a sound database; nothing recorded in it to compare with"


def test_an_archive_that_is_not_what_kino_has_listed_is_damaged(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """Whole in itself, and another one: neither verified nor restored, until it is somewhere else."""
    first, second = back_up_as_kino(), back_up_as_kino()
    shutil.copyfile(second, first)

    with pytest.raises(ArchiveDamagedError, match="list describes"):
        verify_backup(shipped_context, find_backup(shipped_context, first.name), Control())

    damaged = find_backup(shipped_context, first.name)
    assert damaged.status is BackupStatus.DAMAGED
    plan = plan_restore(shipped_context, damaged, Control())
    assert any("list describes" in problem.message for problem in plan.blockers)
    elsewhere = shipped.data_path.parent / first.name
    shutil.copyfile(first, elsewhere)
    assert not [
        problem
        for problem in plan_restore(shipped_context, elsewhere, Control()).blockers
        if isinstance(problem, ArchiveDamagedError)
    ]


def test_of_twins_one_row_is_enough(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path], clock: FakeClock
) -> None:
    """Two backups in one second: the row of the first describes a file that the second has truncated."""
    archive = back_up_as_kino()
    clock.advance(minutes=-1)
    with closing(sqlite3.connect(shipped.database)) as connection, connection:
        connection.execute("INSERT INTO history (event_type, created_at) VALUES ('x', 'y')")
    back_up_as_kino()

    backup = verify_backup(shipped_context, find_backup(shipped_context, archive.name), Control())

    assert backup.status is BackupStatus.VERIFIED


def test_a_dead_database_does_not_keep_an_archive_from_being_verified(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """What the list said is lost with it; the archive stands for itself."""
    archive = back_up_as_kino()
    for end in ("-wal", "-shm"):
        shipped.database.with_name(shipped.database.name + end).unlink(missing_ok=True)
    shipped.database.write_bytes(b"no database " * 1000)

    backup = verify_backup(shipped_context, find_backup(shipped_context, archive.name), Control())

    assert backup.status is BackupStatus.VERIFIED


def test_an_archive_of_zeros_is_damaged(
    shipped_context: Context, back_up_as_kino: Callable[..., Path], tmp_path: Path
) -> None:
    """A file system that reports what was just written as one hole makes Kino archive nothing but zeros."""
    archive = back_up_as_kino()
    zeros = tmp_path / "zeros.db"
    zeros.write_bytes(bytes(1 << 16))
    index_of(shipped_context.kino).forget([archive.name])
    write_archive(
        archive,
        zeros,
        kind=BackupKind.MANUAL,
        version="0.3.2",
        created_at=shipped_context.clock.now(),
        sparse=True,
    )

    with pytest.raises(DatabaseDamagedError):
        verify_backup(shipped_context, find_backup(shipped_context, archive.name), Control())


def test_nobody_looks_into_the_list_while_the_database_is_being_replaced(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """Whoever has it open then is in the way of the restore."""
    back_up_as_kino().unlink()
    session = open_session(shipped_context)
    session.workspace.ensure()
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from kino_backup_tui.core.clock import SystemClock\n"
        "from kino_backup_tui.core.jobs.job import run_job\n"
        "from kino_backup_tui.core.kino.home import KINO_0_3, Kino\n"
        "from kino_backup_tui.core.progress import Control\n"
        "from kino_backup_tui.core.workspace import workspace_of\n"
        "workspace = workspace_of(Kino(Path(sys.argv[1]), KINO_0_3))\n"
        "with run_job(workspace, 'restore', SystemClock(), Control()):\n"
        "    print('ready', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(shipped.data_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as restoring:
        assert restoring.stdout is not None
        restoring.stdout.readline()

        assert list_backups(shipped_context, everything=True).backups == ()

        restoring.communicate()
    (ghost,) = list_backups(shipped_context, everything=True).backups
    assert ghost.role is EntryRole.MISSING


def test_a_backup_that_kinos_page_does_not_show_says_so(
    shipped: Kino, shipped_context: Context, make: Callable[..., Backup], back_up_as_kino: Callable[..., Path]
) -> None:
    """In the line that tells what is inside; of a listed one nothing is said."""
    listed, other = back_up_as_kino(), make()
    index_of(shipped).forget([other.filename])

    texts = {b.filename: summary_text(b) for b in list_backups(shipped_context, everything=True).backups}

    assert texts[other.filename].endswith(" · not on Kino's own page")
    assert "page" not in texts[listed.name]


def test_the_kind_of_a_damaged_archive_is_known_from_the_list(
    shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """Nothing but Kino's list can tell it any more."""
    archive = back_up_as_kino(BackupKind.SCHEDULED)
    data = archive.read_bytes()
    archive.write_bytes(data[: len(data) // 2])

    (backup,) = list_backups(shipped_context).backups

    assert (backup.status, backup.kind) == (BackupStatus.DAMAGED, BackupKind.SCHEDULED)
