"""Kino's own list of backups is brought in step with the files, on request and after a restore."""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import DatabaseDamagedError, IncompatibleError, LocationError
from kino_backup_tui.core.jobs.job import run_job
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.index import IndexRow, index_of
from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.import_ import import_backup
from kino_backup_tui.core.operations.reindex import read_index, reindex, reindex_restored
from kino_backup_tui.core.operations.session import open_session
from kino_backup_tui.core.progress import Control
from kino_backup_tui.demo.schema import open_database
from kino_backup_tui.demo.shipped.backing_up import back_up
from kino_backup_tui.demo.shipped.data_path import write_shipped_kino
from kino_backup_tui.demo.shipped.restoring import restore_by_id
from tests.fakes import FakeClock

GHOST = IndexRow("scheduled", "gone.tar.gz", 5, "0.3.2", "ab" * 32, "2026-04-01T00:00:00+00:00")

CUT_OFF = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
for setting in ("journal_mode = DELETE", "cache_size = 1", "cache_spill = 1"):
    connection.execute(f"PRAGMA {setting}")
connection.execute("BEGIN")
connection.execute("DELETE FROM backup")
connection.execute("UPDATE media SET file_path = file_path || hex(zeroblob(4000))")
os.kill(os.getpid(), signal.SIGKILL)
"""


def listed(kino: Kino) -> dict[str, str]:
    """The kinds of Kino's list by file name, each of which it has but once."""
    found = index_of(kino).rows()
    assert len({row.filename for row in found}) == len(found)
    return {row.filename: row.kind for row in found}


def execute(kino: Kino, sql: str, *values: object) -> None:
    """Change Kino's database as somebody else."""
    with closing(sqlite3.connect(kino.database)) as connection, connection:
        connection.execute(sql, values)


def restored(context: Context) -> tuple[str, ...]:
    """What a restore does once its database is in place."""
    with run_job(open_session(context).workspace, "restore", context.clock, Control()) as job:
        return reindex_restored(context, job)


def test_files_are_listed_and_rows_without_a_file_are_not(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """As the files are, with their kinds, sizes and checksums."""
    kept, scheduled, lost = back_up_as_kino(), back_up_as_kino(BackupKind.SCHEDULED), back_up_as_kino()
    index_of(shipped).forget([scheduled.name])
    lost.unlink()

    done = reindex(shipped_context, Control())

    assert [backup.filename for backup in done.added] == [scheduled.name]
    assert [row.filename for row in done.removed] == [lost.name]
    assert listed(shipped) == {kept.name: "manual", scheduled.name: "scheduled"}
    row = next(row for row in index_of(shipped).rows() if row.filename == scheduled.name)
    assert row.is_of(scheduled.stat().st_size, hashlib.sha256(scheduled.read_bytes()).hexdigest())
    assert row.schema_version == 1


def test_a_dry_run_tells_the_same_and_changes_nothing(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """Nothing is written, not even a journal."""
    archive = back_up_as_kino()
    index_of(shipped).forget([archive.name])
    index_of(shipped).update([GHOST])
    before = index_of(shipped).rows()

    told = reindex(shipped_context, Control(), dry_run=True)

    assert [backup.filename for backup in told.added] == [archive.name]
    assert told.removed == before
    assert index_of(shipped).rows() == before


def test_nothing_is_concluded_from_a_disk_that_is_not_there(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """An unmounted disk would make every row one without a file."""
    create_backup(shipped_context, Control(), version="0.3.2")
    back_up_as_kino()
    before = listed(shipped)
    shipped.default_location.rename(shipped.data_path / "unmounted")
    shipped.default_location.mkdir()

    for dry_run in (True, False):
        with pytest.raises(LocationError):
            reindex(shipped_context, Control(), dry_run=dry_run)
    (warning,) = restored(shipped_context)

    assert "restored day" in warning
    assert listed(shipped) == before


def test_a_row_that_leads_out_of_the_location_goes_and_what_it_names_stays(
    shipped: Kino, shipped_context: Context
) -> None:
    """Kino would follow it, and its retention would delete what it finds there."""
    film = next((shipped.data_path / "library").glob("*/*.mkv"))
    shipped.default_location.mkdir()
    for name in (str(film), f"../library/{film.parent.name}/{film.name}"):
        index_of(shipped).update([GHOST._replace(filename=name)])
    state = read_index(open_session(shipped_context), shipped_context.clock.now())
    assert (len(state.leading_out), state.missing) == (2, ())

    reindex(shipped_context, Control())

    assert listed(shipped) == {}
    assert film.is_file()


def test_a_row_of_a_link_stays(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path], tmp_path: Path
) -> None:
    """Where somebody has put an archive on another disk, Kino follows the link, and restores it."""
    archive = back_up_as_kino()
    archive.symlink_to(archive.rename(tmp_path / archive.name))

    done = reindex(shipped_context, Control())

    assert done.removed == ()
    assert listed(shipped) == {archive.name: "manual"}


def test_of_two_backups_in_one_second_the_row_that_fits_stays(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path], clock: FakeClock
) -> None:
    """The second run has truncated the file of the first, whose row describes nothing any more."""
    archive = back_up_as_kino()
    clock.advance(minutes=-1)
    execute(shipped, "INSERT INTO history (event_type, created_at) VALUES ('x', 'y')")
    assert back_up_as_kino() == archive
    assert len(index_of(shipped).rows()) == 2

    reindex(shipped_context, Control())

    (row,) = index_of(shipped).rows()
    assert row.is_of(archive.stat().st_size, hashlib.sha256(archive.read_bytes()).hexdigest())


def test_a_file_that_is_not_what_kino_recorded_keeps_its_row(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """The row is the only proof that the file was changed: it is told, and not made to fit."""
    archive = back_up_as_kino()
    (before,) = index_of(shipped).rows()
    archive.write_bytes(archive.read_bytes() + b"x")

    done = reindex(shipped_context, Control())

    assert [(backup.filename, why) for backup, why in done.left] == [
        (archive.name, "Kino's list describes another file of that name")
    ]
    assert index_of(shipped).rows() == (before,)


def test_half_an_archive_is_not_listed(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """A Kino that was killed leaves one under a name like any other; its page must not offer it."""
    execute(shipped, "INSERT INTO history (event_type, created_at) VALUES ('x', hex(randomblob(400000)))")
    archive = back_up_as_kino()
    index_of(shipped).forget([archive.name])
    data = archive.read_bytes()
    archive.write_bytes(data[: len(data) // 2])

    done = reindex(shipped_context, Control())

    assert listed(shipped) == {}
    assert [(backup.filename, why) for backup, why in done.left] == [(archive.name, "it is damaged")]
    # From then on it is known to be, and nothing that doctor would ask to list.
    state = read_index(open_session(shipped_context), shipped_context.clock.now())
    assert (state.unlisted, state.repairable) == ((), False)


def test_a_scheduled_row_ahead_of_the_clock_holds_nothing_up_any_more(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path], clock: FakeClock
) -> None:
    """Made while the clock was a year ahead: as it was, Kino makes no scheduled backup for that year."""
    clock.advance(days=365)
    archive = back_up_as_kino(BackupKind.SCHEDULED)
    clock.advance(days=-366)

    reindex(shipped_context, Control())

    assert listed(shipped) == {archive.name: "manual"}
    (row,) = index_of(shipped).rows()
    assert row.is_of(archive.stat().st_size, hashlib.sha256(archive.read_bytes()).hexdigest())


def test_kino_is_not_made_to_delete_what_it_had_left_alone(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """As scheduled ones, those beyond its number would go with its next run; they are listed as manual."""
    execute(shipped, "UPDATE config SET backup_retention_count = 9")
    archives = [back_up_as_kino(BackupKind.SCHEDULED) for _ in range(5)]
    execute(shipped, "UPDATE config SET backup_retention_count = 3")
    execute(shipped, "DELETE FROM backup")

    reindex(shipped_context, Control())

    assert listed(shipped) == {
        archive.name: "manual" if number < 2 else "scheduled" for number, archive in enumerate(archives)
    }


def test_what_kino_has_listed_counts_also_before_it_is_read(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """The manifest is too far inside for a glance; by its row it is one of those that Kino keeps."""
    execute(shipped, "UPDATE config SET backup_retention_count = 9")
    execute(shipped, "INSERT INTO history (event_type, created_at) VALUES ('x', hex(randomblob(400000)))")
    old, *kept = [back_up_as_kino(BackupKind.SCHEDULED) for _ in range(4)]
    execute(shipped, "UPDATE config SET backup_retention_count = 3")
    index_of(shipped).forget([old.name])

    reindex(shipped_context, Control())
    newest = back_up_as_kino(BackupKind.SCHEDULED)

    assert old.is_file()
    assert listed(shipped) == {old.name: "manual"} | {
        archive.name: "scheduled" for archive in (*kept[1:], newest)
    }


def test_after_a_restore_every_archive_on_disk_is_listed_again(
    shipped: Kino,
    shipped_context: Context,
    back_up_as_kino: Callable[..., Path],
    clock: FakeClock,
) -> None:
    """Restored by Kino itself, it lacks its own origin, all that is newer, the way back, and has a ghost."""
    pruned = back_up_as_kino()
    origin = back_up_as_kino()
    newer = create_backup(shipped_context, Control(), version="0.3.2").backup
    clock.advance(minutes=1)
    pruned.unlink()
    index_of(shipped).forget([pruned.name])
    number = next(row.id for row in index_of(shipped).rows() if row.filename == origin.name)
    assert number is not None
    with closing(open_database(shipped.database)) as connection:
        restore_by_id(connection, shipped.data_path, number, "0.3.2", clock.now())
    assert listed(shipped) == {pruned.name: "manual"}

    for _ in range(2):
        assert restored(shipped_context) == ()
        (way_back,) = shipped.default_location.glob("*pre-restore*")
        assert listed(shipped) == {
            origin.name: "manual",
            newer.filename: "manual",
            way_back.name: "pre_restore",
        }


def test_a_restore_that_was_killed_over_its_list_brings_it_in_step(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """The restored database is in no WAL mode yet: half a change is undone before anything is read."""
    archive = back_up_as_kino()
    before = shipped.database.stat().st_size
    subprocess.run([sys.executable, "-c", CUT_OFF, shipped.database], check=False)
    assert shipped.database.with_name("kino.db-journal").stat().st_size > 0
    with pytest.raises(DatabaseDamagedError, match="still to be undone"):
        reindex(shipped_context, Control())

    assert restored(shipped_context) == ()

    assert listed(shipped) == {archive.name: "manual"}
    assert shipped.database.stat().st_size == before


def test_a_restore_is_not_undone_for_its_list(shipped: Kino, shipped_context: Context) -> None:
    """A restored database without such a table is restored all the same."""
    execute(shipped, "DROP TABLE backup")

    (warning,) = restored(shipped_context)

    assert "no list of backups" in warning
    with pytest.raises(IncompatibleError):
        reindex(shipped_context, Control())


def test_as_documented_there_is_nothing_to_bring_in_step(kino: Kino, context: Context) -> None:
    """The files are the index."""
    assert not reindex(context, Control()).is_kept
    assert restored(context) == ()
    assert kino.database.is_file()


@pytest.fixture
def archive_of_0_2(clock: FakeClock, tmp_path: Path) -> Path:
    """One of another Kino, whose manifest is out of a listing's sight."""
    write_shipped_kino(tmp_path / "old", clock.now(), release="0.2.1")
    with closing(open_database(tmp_path / "old" / "kino.db")) as connection:
        with connection:
            connection.execute(
                "INSERT INTO history (event_type, created_at) VALUES ('x', hex(randomblob(400000)))"
            )
        return back_up(connection, tmp_path / "old", BackupKind.MANUAL, "0.2.1", clock.now())


def test_what_an_archive_only_says_at_its_end_decides_as_well(
    shipped: Kino, shipped_context: Context, archive_of_0_2: Path
) -> None:
    """A name without a version tells nothing of the schema; the manifest does."""
    shipped.default_location.mkdir()
    nameless = shipped.default_location / "kino-backup-2026-04-26T09-00-00Z.tar.gz"
    archive_of_0_2.rename(nameless)

    done = reindex(shipped_context, Control())

    assert listed(shipped) == {}
    ((left, why),) = done.left
    assert (left.filename, "expected not to start" in why) == (nameless.name, True)


def test_a_backup_that_kino_would_not_start_on_is_not_offered_by_its_page(
    shipped: Kino, shipped_context: Context, archive_of_0_2: Path
) -> None:
    """Kino restores from its list without a look at schemas: one of 0.2 would be its last."""
    archive = archive_of_0_2

    imported = import_backup(shipped_context, archive, Control())
    done = reindex(shipped_context, Control())

    assert listed(shipped) == {}
    assert any("expected not to start" in warning for warning in imported.warnings)
    ((left, why),) = done.left
    assert left.filename == imported.backup.filename
    assert "expected not to start" in why
