"""Kino's own list of backups: read as it is, changed in short transactions, trusted in nothing."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import (
    BusyError,
    DatabaseDamagedError,
    IncompatibleError,
    NotFoundError,
    NotPermittedError,
)
from kino_backup_tui.core.kino import index_table as index_module
from kino_backup_tui.core.kino.home import DOCUMENTED, KINO_0_3, Kino
from kino_backup_tui.core.kino.index import IndexRow, index_of
from kino_backup_tui.core.models import BackupKind

ROW = IndexRow("manual", "kino-backup-a.tar.gz", 10, "0.3.2", "ab" * 32, "2026-04-29T03:00:12+00:00")


def execute(database: Path, sql: str, *values: object) -> list[tuple[object, ...]]:
    """Run SQL on a database as somebody else."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        return connection.execute(sql, values).fetchall()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits ten seconds for a lock."""
    monkeypatch.setattr(index_module, "BUSY_SECONDS", 0.05)


def test_rows_of_kino_are_read_as_kino_wrote_them(
    shipped: Kino, back_up_as_kino: Callable[..., Path]
) -> None:
    """The newest first, with the instant that nine digits of a second stand for."""
    back_up_as_kino(BackupKind.SCHEDULED)
    archive = back_up_as_kino(BackupKind.PRE_RESTORE)

    newest, oldest = index_of(shipped).rows()

    assert (newest.kind, newest.filename, newest.size_bytes) == (
        "pre_restore",
        archive.name,
        archive.stat().st_size,
    )
    assert newest.schema_version == 1
    assert newest.instant is not None
    assert newest.instant.isoformat() == "2026-04-26T09:01:00+00:00"
    assert oldest.kind == "scheduled"


@pytest.mark.parametrize("end", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_a_date_that_no_calendar_has_is_none(end: str) -> None:
    """In UTC it would lie before the first day, or after the last."""
    assert ROW._replace(created_at=end).instant is None


def test_a_new_row_takes_the_schema_version_of_the_newest(shipped: Kino) -> None:
    """Kino refuses to restore a row with a larger one than it knows, so none is made up."""
    index = index_of(shipped)
    index.update([ROW])
    execute(shipped.database, "UPDATE backup SET schema_version = 3")
    index.update([ROW._replace(filename="b.tar.gz")])

    assert execute(shipped.database, "SELECT filename, schema_version FROM backup ORDER BY id") == [
        ("kino-backup-a.tar.gz", 3),
        ("b.tar.gz", 3),
    ]


def test_the_first_row_of_all_has_schema_version_one(shipped: Kino) -> None:
    """What every release of Kino writes."""
    index_of(shipped).update([ROW])

    assert execute(
        shipped.database,
        "SELECT kind, filename, size_bytes, kino_version, schema_version, checksum_sha256, created_at "
        "FROM backup",
    ) == [("manual", ROW.filename, 10, "0.3.2", 1, "ab" * 32, "2026-04-29T03:00:12+00:00")]


def test_putting_a_row_twice_leaves_one(shipped: Kino) -> None:
    """The row that is there stays, with its id."""
    index = index_of(shipped)
    index.update([ROW])
    before = index.rows()
    index.update([ROW])

    assert index.rows() == before


def test_a_row_of_another_file_of_that_name_gives_way(shipped: Kino) -> None:
    """Two backups in one second share a name, and the first row describes nothing any more."""
    index = index_of(shipped)
    index.update([ROW._replace(checksum_sha256="cd" * 32)])
    index.update([ROW])

    assert [row.checksum_sha256 for row in index.rows()] == ["ab" * 32]


def test_all_twins_of_a_file_are_forgotten_with_it(shipped: Kino) -> None:
    """And nobody else."""
    insert = "INSERT INTO backup (kind, filename, size_bytes, kino_version, schema_version, checksum_sha256, "
    for name in ("a", "a", "b"):
        execute(shipped.database, f"{insert}created_at) VALUES ('manual', ?, 1, '0.3.2', 1, '', '')", name)

    index_of(shipped).forget(["a"])

    assert [row.filename for row in index_of(shipped).rows()] == ["b"]


@pytest.mark.parametrize("name", ["/etc/passwd", "../library/film.mkv", "..", ".", "", "a/b", "a\0b"])
def test_a_name_that_leads_elsewhere_is_not_plain(name: str) -> None:
    """Kino joins it to its location and would follow it."""
    assert not ROW._replace(filename=name).is_plain


@pytest.mark.parametrize("text", ["", "yesterday", "2026-04-29T03:00:12", "2026-13-01T00:00:00+00:00"])
def test_a_date_that_is_none_has_no_instant(text: str) -> None:
    """It is nothing to compare a clock with."""
    assert ROW._replace(created_at=text).instant is None


def test_values_of_other_types_are_read_all_the_same(shipped: Kino) -> None:
    """SQLite keeps what it is given: bytes that are no text, text that is no number."""
    execute(
        shipped.database,
        "INSERT INTO backup (kind, filename, size_bytes, kino_version, schema_version, checksum_sha256, "
        "created_at) VALUES (x'ff', x'ff00', 'many', 3, 'x', '', '')",
    )

    (row,) = index_of(shipped).rows()

    assert (row.filename, row.size_bytes, row.kino_version) == ("\udcff\0", 0, "3")
    assert not row.is_plain


def test_as_documented_there_is_no_list(kino: Kino) -> None:
    """Nothing is read, nothing is written, nothing fails."""
    index = index_of(kino)
    assert kino.layout == DOCUMENTED
    kino.database.unlink()

    index.update([ROW])
    index.forget(["a"])

    assert (index.is_kept, index.rows()) == (False, ())
    assert not kino.database.exists()


def test_a_running_kino_goes_on_writing_beside_it(shipped: Kino) -> None:
    """Many short transactions of both sides, and none is lost."""
    script = (
        "import sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)\n"
        "print('ready', flush=True)\n"
        "for n in range(300):\n"
        "    c.execute('BEGIN IMMEDIATE')\n"
        "    c.execute(\"INSERT INTO history (event_type, created_at) VALUES ('x', ?)\", (str(n),))\n"
        "    c.execute('COMMIT')\n"
    )
    (before,) = execute(shipped.database, "SELECT count(*) FROM history")[0]
    with subprocess.Popen(
        [sys.executable, "-c", script, str(shipped.database)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        for number in range(50):
            index_of(shipped).update([ROW._replace(filename=f"{number}.tar.gz")])
    assert writer.returncode == 0

    assert execute(shipped.database, "SELECT count(*) FROM history") == [(before + 300,)]  # type: ignore[operator]
    assert len(index_of(shipped).rows()) == 50


@pytest.mark.usefixtures("impatient")
def test_a_lock_that_stays_is_an_error_and_nothing_is_half_done(shipped: Kino) -> None:
    """Somebody else writes, and does not end."""
    with closing(sqlite3.connect(shipped.database, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(BusyError):
            index_of(shipped).update([ROW])
        assert index_of(shipped).rows() == ()  # readers are not held up
        writer.execute("ROLLBACK")

    assert index_of(shipped).rows() == ()


def test_a_short_lock_is_waited_for(shipped: Kino) -> None:
    """Kino is in a transaction of its own, and ends it."""
    held = sqlite3.connect(shipped.database, isolation_level=None, check_same_thread=False)
    held.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, lambda: held.execute("COMMIT"))
    release.start()

    index_of(shipped).update([ROW])

    release.join()
    held.close()
    assert len(index_of(shipped).rows()) == 1


def _without_table(database: Path) -> None:
    execute(database, "DROP TABLE backup")


def _renamed_column(database: Path) -> None:
    execute(database, "ALTER TABLE backup RENAME COLUMN filename TO path")


def _view(database: Path) -> None:
    execute(database, "DROP TABLE backup")
    execute(database, "CREATE VIEW backup AS SELECT 1 AS id")


def _trigger(database: Path) -> None:
    execute(
        database,
        "CREATE TRIGGER t AFTER INSERT ON backup BEGIN DELETE FROM config; END",
    )


def _needy_column(database: Path) -> None:
    """A later Kino wants to know more."""
    execute(database, "DROP TABLE backup")
    execute(
        database,
        "CREATE TABLE backup (id INTEGER PRIMARY KEY, kind TEXT, filename TEXT, size_bytes INTEGER, "
        "kino_version TEXT, schema_version INTEGER, checksum_sha256 TEXT, created_at TEXT, "
        "place TEXT NOT NULL)",
    )


@pytest.mark.parametrize("change", [_without_table, _renamed_column, _view, _trigger, _needy_column])
def test_a_table_that_is_not_kinos_is_left_alone(shipped: Kino, change: Callable[[Path], None]) -> None:
    """Nothing is written to what may do something else with it; the settings are still there."""
    change(shipped.database)

    with pytest.raises(IncompatibleError, match="no list of backups such as Kino"):
        index_of(shipped).update([ROW])
    with pytest.raises(IncompatibleError):
        index_of(shipped).rows()
    assert execute(shipped.database, "SELECT count(*) FROM config") == [(1,)]


def test_a_column_more_with_a_default_does_not_matter(shipped: Kino) -> None:
    """A later Kino may have added one."""
    execute(shipped.database, "ALTER TABLE backup ADD COLUMN note TEXT NOT NULL DEFAULT ''")

    index_of(shipped).update([ROW])

    assert len(index_of(shipped).rows()) == 1


def test_a_database_that_is_none_is_damage_and_a_missing_one_is_not_made(shipped: Kino) -> None:
    """An index is no reason to bring an empty database into the world."""
    for end in ("-wal", "-shm"):
        shipped.database.with_name(shipped.database.name + end).unlink(missing_ok=True)
    shipped.database.write_bytes(b"no database " * 1000)
    with pytest.raises(DatabaseDamagedError):
        index_of(shipped).update([ROW])
    shipped.database.unlink()
    with pytest.raises(NotFoundError):
        index_of(shipped).update([ROW])
    assert not shipped.database.exists()


def test_the_log_of_a_database_is_not_worked_in_by_a_change(shipped: Kino) -> None:
    """While Kino has it open, that is Kino's business."""
    with closing(sqlite3.connect(shipped.database, isolation_level=None)) as running:
        running.execute("PRAGMA wal_autocheckpoint = 0")
        for number in range(1200):
            running.execute(
                "INSERT INTO history (event_type, created_at) VALUES ('x', ?)", (str(number) * 800,)
            )
        before = shipped.database.read_bytes()
        index_of(shipped).update([ROW])
        assert shipped.database.read_bytes() == before


@pytest.fixture
def owned_by_nobody(shipped: Kino) -> Kino:
    """A data path of a service user, worked on by root."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    os.chown(shipped.data_path, 65534, 65534)
    for file in shipped.data_path.glob("kino.db*"):
        os.chown(file, 65534, 65534)
    return shipped


def test_what_sqlite_makes_for_root_belongs_to_kino(owned_by_nobody: Kino) -> None:
    """A -wal or -shm that Kino cannot write would keep it from starting."""
    with closing(sqlite3.connect(owned_by_nobody.database)) as holding:
        holding.execute("SELECT 1 FROM config").fetchone()
        index_of(owned_by_nobody).update([ROW])
        owners = {file.name: file.stat().st_uid for file in owned_by_nobody.data_path.glob("kino.db*")}

    assert owners == {"kino.db": 65534, "kino.db-wal": 65534, "kino.db-shm": 65534}


def test_a_link_to_anothers_database_is_not_followed(owned_by_nobody: Kino, tmp_path: Path) -> None:
    """Kino's user may have put it there; root would write into a database that is none of Kino's business."""
    theirs = tmp_path / "theirs.db"
    owned_by_nobody.database.rename(theirs)
    os.chown(theirs, 0, 0)
    owned_by_nobody.database.symlink_to(theirs)
    os.chown(owned_by_nobody.database, 65534, 65534, follow_symlinks=False)

    with pytest.raises(NotPermittedError, match="link"):
        index_of(owned_by_nobody).update([ROW])
    assert index_of(Kino(tmp_path / "x", KINO_0_3)).is_kept
