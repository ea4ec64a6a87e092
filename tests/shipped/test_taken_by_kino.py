"""What this program makes is a backup to Kino 0.3: read as Kino reads, restored by list and by upload."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.index import index_of
from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.progress import Control
from kino_backup_tui.demo.schema import open_database
from kino_backup_tui.demo.shipped.backing_up import back_up
from kino_backup_tui.demo.shipped.restoring import restore_by_id, restore_upload
from kino_backup_tui.demo.shipped.schema import migrate
from tests.fakes import FakeClock

REGULAR = (b"0", b"\0")


def entries(archive: Path) -> list[tuple[str, bytes, bytes]]:
    """Path, type and data of each entry, by the fields of a tar's header alone; of gzip, the first member."""
    inflate = zlib.decompressobj(31)
    tar = inflate.decompress(archive.read_bytes())
    assert inflate.eof
    assert inflate.unused_data == b""
    found, at = [], 0
    while any(header := tar[at : at + 512]):
        assert int(header[148:156].strip(b" \0"), 8) == sum(header[:148]) + 256 + sum(header[156:])
        size = int(header[124:136].strip(b" \0"), 8)
        name = header[:100].rstrip(b"\0").decode()
        found.append((name, header[156:157], tar[at + 512 : at + 512 + size]))
        at += 512 + -(-size // 512) * 512
    assert set(tar[at:]) == {0}
    assert len(tar) - at >= 1024
    return found


def content(database: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of what a restore has to bring back."""
    with closing(sqlite3.connect(database)) as connection:
        return {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
            for table in ("config", "media", "movie", "download", "_sqlx_migrations")
        }


@pytest.fixture
def made(shipped_context: Context, clock: FakeClock) -> Path:
    """An archive of this program, and a Kino that has changed since."""
    archive = create_backup(shipped_context, Control(), version="0.3.2").backup.path
    clock.advance(minutes=5)
    return archive


def test_the_database_is_one_regular_entry_of_exactly_that_name(made: Path) -> None:
    """Kino compares the path as a string, takes the last one of the name, and opens what it is given."""
    found = entries(made)

    assert [name for name, _, _ in found] == ["manifest.json", "kino.db"]
    assert all(kind in REGULAR for _, kind, _ in found)
    database = found[-1][2]
    assert database.startswith(b"SQLite format 3\0")
    assert len(database) == int.from_bytes(database[16:18], "big") * int.from_bytes(database[28:32], "big")
    # Not in WAL mode: nothing beside it is missed.
    assert database[18:20] == b"\1\1"


@pytest.mark.parametrize("way", ["list", "upload"])
def test_kino_restores_it(
    way: str, made: Path, shipped: Kino, shipped_context: Context, clock: FakeClock
) -> None:
    """By the row in its list, with checksum and schema version, and by upload; it starts on the result."""
    before = content(shipped.database)
    with closing(open_database(shipped.database)) as connection:
        with connection:
            connection.execute("DELETE FROM media")
            connection.execute("UPDATE config SET listen_port = 81")
        (row,) = index_of(shipped).rows()
        assert row.id is not None
        if way == "list":
            restore_by_id(connection, shipped.data_path, row.id, "0.3.2", clock.now())
        else:
            restore_upload(connection, shipped.data_path, made, "0.3.2", clock.now())

    assert content(shipped.database) == before
    with closing(open_database(shipped.database)) as connection:
        assert migrate(connection, "0.3.2", clock.now()) is False


def test_kinos_own_retention_counts_it_and_removes_its_file(
    shipped: Kino, shipped_context: Context, clock: FakeClock, back_up_as_kino: Callable[..., Path]
) -> None:
    """A scheduled one is to Kino like any other: it goes when it is one too many, row and file."""
    with closing(sqlite3.connect(shipped.database)) as connection, connection:
        connection.execute("UPDATE config SET backup_retention_count = 2")
    ours = create_backup(shipped_context, Control(), kind=BackupKind.SCHEDULED, version="0.3.2").backup.path
    clock.advance(minutes=1)
    first = back_up_as_kino(BackupKind.SCHEDULED)
    assert ours.is_file()

    second = back_up_as_kino(BackupKind.SCHEDULED)

    assert not ours.exists()
    assert {row.filename for row in index_of(shipped).rows()} == {first.name, second.name}


def test_the_restored_list_lacks_what_this_program_then_adds(
    made: Path, shipped: Kino, clock: FakeClock
) -> None:
    """The row goes in after the snapshot, as Kino's own does: no archive has its own row."""
    target = shipped.data_path / "unpacked.db"
    target.write_bytes(entries(made)[-1][2])
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("SELECT count(*) FROM backup").fetchone() == (0,)
    assert [row.filename for row in index_of(shipped).rows()] == [made.name]
    assert index_of(shipped).rows()[0].checksum_sha256 == sha256(made.read_bytes()).hexdigest()
    with closing(open_database(shipped.database)) as connection:
        back_up(connection, shipped.data_path, BackupKind.MANUAL, "0.3.2", clock.now())
    assert len(index_of(shipped).rows()) == 2
