"""Facts and soundness of real SQLite databases, honest, damaged and hostile ones."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import (
    BusyError,
    DatabaseDamagedError,
    IncompatibleError,
    NotFoundError,
    OperationCancelledError,
)
from kino_backup_tui.core.kino.database import (
    LARGEST_VALUE,
    DatabaseFacts,
    check_integrity,
    database_error,
    database_uri,
    open_untrusted,
    read_facts,
)
from kino_backup_tui.core.models import Migration
from kino_backup_tui.core.progress import CancelToken

MIGRATIONS = """
CREATE TABLE _sqlx_migrations (
  version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMP NOT NULL,
  success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL
);
INSERT INTO _sqlx_migrations VALUES
  (20260201, 'second', '2026-02-01', 1, x'beef', 5), (20260101, 'first', '2026-01-01', 1, x'00ff', 5),
  (20260301, 'failed', '2026-03-01', 0, x'dead', 5);
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database will be."""
    return tmp_path / "db.sqlite"


@pytest.fixture
def opened(path: Path) -> Iterator[Callable[[], sqlite3.Connection]]:
    """Opens the database as an untrusted copy, and closes it at the end."""
    connections: list[sqlite3.Connection] = []

    def open_it() -> sqlite3.Connection:
        connections.append(open_untrusted(path))
        return connections[-1]

    yield open_it
    for connection in connections:
        connection.close()


def _make(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


Open = Callable[[], sqlite3.Connection]


def test_facts_are_successful_migrations_and_row_counts(path: Path, opened: Open) -> None:
    """A failed migration, views, virtual tables and SQLite's own tables are not part of them."""
    _make(
        path,
        MIGRATIONS
        + """
        CREATE TABLE film (id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT);
        INSERT INTO film (title) VALUES ('a'), ('b'), ('c');
        CREATE TABLE "odd ""name"" [x]; --" (a);
        CREATE TABLE sqliteish (a);
        CREATE VIEW recent AS SELECT * FROM film;
        CREATE VIRTUAL TABLE search USING fts5(title);
        """,
    )
    facts = read_facts(opened())
    assert facts.migrations == (Migration(20260101, "00ff"), Migration(20260201, "beef"))
    assert facts.schema_version == 2
    shadows = {name for name in facts.tables if name.startswith("search_")}
    assert {name: count for name, count in facts.tables.items() if name not in shadows} == {
        "_sqlx_migrations": 3, "film": 3, 'odd "name" [x]; --': 0, "sqliteish": 0,
    }  # fmt: skip


def test_a_database_without_migrations_has_schema_version_0(path: Path, opened: Open) -> None:
    """The table may be absent."""
    _make(path, "CREATE TABLE film (a);")
    assert read_facts(opened()) == DatabaseFacts((), {"film": 0})


def test_a_list_of_migrations_of_another_kind_is_refused(path: Path, opened: Open) -> None:
    """Texts where sqlx writes numbers and blobs are not believed."""
    _make(path, "CREATE TABLE _sqlx_migrations (version, checksum, success); "
                "INSERT INTO _sqlx_migrations VALUES ('1', 'abc', 1);")  # fmt: skip
    with pytest.raises(DatabaseDamagedError, match="not as sqlx writes it"):
        read_facts(opened())


def test_a_sound_database_passes(path: Path, opened: Open) -> None:
    """No error is the answer."""
    _make(path, MIGRATIONS)
    check_integrity(path, CancelToken())
    assert read_facts(opened()).schema_version == 2


@pytest.mark.parametrize(
    "content",
    [b"", b"this is not a database at all" * 100, b"SQLite format 3\0" + b"\0" * 84],
    ids=["empty", "text", "header only"],
)
def test_what_is_no_database_is_damaged(path: Path, content: bytes) -> None:
    """Empty, something else, or cut off after the header."""
    path.write_bytes(content)
    with pytest.raises(DatabaseDamagedError, match="The database is"):
        check_integrity(path, CancelToken())


def _damage_index(path: Path) -> None:
    """Make an index disagree with its table, which only a full check sees."""
    _make(
        path, "CREATE TABLE film (id INTEGER PRIMARY KEY, title TEXT); CREATE INDEX by_title ON film (title);"
    )
    with closing(sqlite3.connect(path)) as connection:
        connection.executemany("INSERT INTO film (title) VALUES (?)", [(f"title {n:05}",) for n in range(50)])
        connection.commit()
    data = path.read_bytes()
    at = data.rindex(b"title 00007")
    path.write_bytes(data[:at] + b"title 90007" + data[at + 11 :])


def _damage_page(path: Path) -> None:
    """Overwrite a page in the middle with noise."""
    _make(path, "CREATE TABLE film (title TEXT);")
    with closing(sqlite3.connect(path)) as connection:
        connection.executemany("INSERT INTO film VALUES (?)", [("x" * 500,) for _ in range(100)])
        connection.commit()
    with path.open("r+b") as stream:
        stream.seek(4096 * 4)
        stream.write(b"\xa5" * 4096)


@pytest.mark.parametrize("damage", [_damage_index, _damage_page])
def test_damage_is_reported_with_the_first_problem(path: Path, damage: Callable[[Path], None]) -> None:
    """The message is one line, in SQLite's words."""
    damage(path)
    with pytest.raises(DatabaseDamagedError, match="The database is damaged: ") as caught:
        check_integrity(path, CancelToken())
    assert "\n" not in caught.value.message


def test_facts_of_a_damaged_schema_are_refused(path: Path, opened: Open) -> None:
    """Whoever asks for facts before the check gets the same kind of error."""
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(DatabaseDamagedError, match="not a database"):
        read_facts(opened())


def test_an_unknown_collation_is_not_called_damage(path: Path, opened: Open) -> None:
    """What cannot be checked says so; the facts can still be read."""
    with closing(sqlite3.connect(path)) as connection:
        connection.create_collation("by_number", lambda a, b: (a > b) - (a < b))
        connection.executescript(
            "CREATE TABLE film (title COLLATE by_number UNIQUE); INSERT INTO film VALUES ('a');"
        )
    with pytest.raises(IncompatibleError, match="by_number"):
        check_integrity(path, CancelToken())
    assert read_facts(opened()).tables == {"film": 1}


def test_lost_pages_are_found_though_every_table_is_sound(path: Path) -> None:
    """A page that no table and no free list knows is damage that only a look at the whole file shows."""
    _make(path, MIGRATIONS)
    with path.open("r+b") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.write(bytes(4096))
        stream.seek(28)  # the size of the database in pages: SQLite file format, 1.3.8
        stream.write((size // 4096 + 1).to_bytes(4, "big"))
    with pytest.raises(DatabaseDamagedError, match="never used"):
        check_integrity(path, CancelToken())


def test_a_table_with_a_name_that_needs_quotes_is_checked(path: Path) -> None:
    """Damage in the index of such a table is found."""
    _make(
        path,
        'CREATE TABLE "a ""b"" c" (id INTEGER PRIMARY KEY, title TEXT);'
        'CREATE INDEX by_title ON "a ""b"" c" (title);',
    )
    with closing(sqlite3.connect(path)) as connection:
        connection.execute('INSERT INTO "a ""b"" c" (title) VALUES (\'Film 11\')')
        connection.commit()
    data = path.read_bytes()
    at = data.rfind(b"Film 11")
    path.write_bytes(data[:at] + b"Film 99" + data[at + 7 :])
    with pytest.raises(DatabaseDamagedError, match="missing from index"):
        check_integrity(path, CancelToken())


def test_a_cancelled_check_ends_at_once(path: Path) -> None:
    """A cancel in the middle ends a check of many indexed rows, which otherwise would pass."""
    rows = 300_000
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE film (title)")
        connection.execute("CREATE INDEX by_title ON film (title)")
        connection.executemany(
            "INSERT INTO film VALUES (?)", ((f"{n * 7919 % rows:08}",) for n in range(rows))
        )
        connection.commit()
    cancel = CancelToken()
    timer = threading.Timer(0.05, cancel.cancel)
    timer.start()
    with pytest.raises(OperationCancelledError):
        check_integrity(path, cancel)
    timer.join()


def test_a_cancel_from_before_is_seen(path: Path, opened: Open) -> None:
    """Even a short check does not begin then."""
    _make(path, MIGRATIONS)
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(OperationCancelledError):
        check_integrity(path, cancel)
    with pytest.raises(OperationCancelledError):
        read_facts(opened(), cancel)


@pytest.mark.parametrize(
    "name", ["plain", "a b", "100%", "what?#x&y=1", "ünï", "[b]", "%2f", "~'\"", "back\\slash"]
)
def test_any_path_has_a_uri(tmp_path: Path, name: str) -> None:
    """SQLite opens exactly the file that was meant."""
    path = tmp_path / name
    _make(path, "CREATE TABLE mark (a);")
    with closing(sqlite3.connect(database_uri(path, mode="ro"), uri=True)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("mark",)]
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_a_uri_takes_bytes_that_are_no_text_and_two_slashes(tmp_path: Path) -> None:
    """Neither is read as something else."""
    path = Path("/" + os.fsdecode(bytes(tmp_path) + b"/\xff"))
    assert str(path).startswith("//")
    with closing(sqlite3.connect(database_uri(path, mode="rwc"), uri=True)) as connection:
        connection.execute("CREATE TABLE mark (a)")
    assert [bytes(entry)[-2:] for entry in tmp_path.iterdir()] == [b"/\xff"]


def test_opening_a_copy_leaves_nothing_beside_it(path: Path, tmp_path: Path, opened: Open) -> None:
    """A copy whose header says WAL is read without a -wal or -shm, and cannot be written."""
    _make(path, "PRAGMA journal_mode = WAL;" + MIGRATIONS)
    before = path.read_bytes()
    check_integrity(path, CancelToken())
    connection = opened()
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM _sqlx_migrations")
    connection.close()
    assert path.read_bytes() == before


def test_a_copy_that_comes_with_its_wal_is_read_with_it(path: Path, tmp_path: Path) -> None:
    """Rows that are only in the -wal count."""
    with closing(sqlite3.connect(path)) as writer:
        writer.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE film (a);"
        )
        writer.execute("INSERT INTO film VALUES (1)")
        writer.commit()
        copy = tmp_path / "copy" / "db.sqlite"
        copy.parent.mkdir()
        for suffix in ("", "-wal"):
            copy.with_name(copy.name + suffix).write_bytes(path.with_name(path.name + suffix).read_bytes())
    with closing(open_untrusted(copy)) as connection:
        assert read_facts(connection).tables == {"film": 1}


def test_an_untrusted_schema_cannot_run_functions_of_ours(path: Path, opened: Open) -> None:
    """A view cannot call a function that the schema of a stranger has no business with."""
    _make(path, "CREATE TABLE film (a); CREATE VIEW trap AS SELECT touch() FROM sqlite_master;")
    called = []
    connection = opened()
    connection.create_function("touch", 0, lambda: called.append(1))
    with pytest.raises(sqlite3.OperationalError, match="unsafe use"):
        connection.execute("SELECT * FROM trap").fetchall()
    assert called == []


def test_an_untrusted_database_cannot_fill_the_memory(path: Path, opened: Open) -> None:
    """A value beyond the limit is refused."""
    _make(path, f"CREATE TABLE film (a); INSERT INTO film VALUES (zeroblob({LARGEST_VALUE + 1}));")
    with pytest.raises(sqlite3.Error) as caught:
        opened().execute("SELECT a FROM film").fetchall()
    assert caught.value.sqlite_errorcode == sqlite3.SQLITE_TOOBIG


def test_a_missing_database_is_not_found(path: Path) -> None:
    """Opening creates nothing."""
    with pytest.raises(NotFoundError, match=str(path)):
        open_untrusted(path)
    assert not path.exists()


def test_a_locked_database_is_busy(path: Path) -> None:
    """The result code decides what an error is."""
    _make(path, MIGRATIONS)
    with closing(sqlite3.connect(path, isolation_level=None)) as one:
        one.execute("BEGIN EXCLUSIVE")
        with (
            closing(sqlite3.connect(path, timeout=0)) as two,
            pytest.raises(sqlite3.OperationalError) as caught,
        ):
            two.execute("SELECT * FROM _sqlx_migrations")
    assert isinstance(database_error(caught.value, path), BusyError)
