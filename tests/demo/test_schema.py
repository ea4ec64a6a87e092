"""Migrations are applied and checked as sqlx does it."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import IncompatibleError
from kino_backup_tui.demo import schema

NOW = datetime(2026, 4, 12, 18, 30, tzinfo=UTC)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """An empty database, opened as the server opens it."""
    with closing(schema.open_database(tmp_path / "db.sqlite")) as connection:
        yield connection


def test_an_empty_database_gets_all_twelve_migrations_in_order(connection: sqlite3.Connection) -> None:
    """Each is recorded with sqlx's columns and the SHA-384 of its file."""
    applied = schema.migrate(connection, NOW)

    assert applied == 12
    folder = Path(schema.__file__).with_name("migrations")
    expected = [
        (int(file.name[:14]), file.stem[15:].replace("_", " "), hashlib.sha384(file.read_bytes()).digest())
        for file in sorted(folder.iterdir())
    ]
    rows = connection.execute("SELECT version, description, checksum FROM _sqlx_migrations ORDER BY rowid")
    assert rows.fetchall() == expected
    states = connection.execute(
        "SELECT DISTINCT installed_on, success, execution_time > 0 FROM _sqlx_migrations"
    )
    assert states.fetchall() == [("2026-04-12 18:30:00", 1, 1)]


def test_the_record_has_the_column_types_of_sqlx(connection: sqlite3.Connection) -> None:
    """`_sqlx_migrations` is declared as launchbadge/sqlx declares it."""
    schema.migrate(connection, NOW)

    columns = [(row[1], row[2], row[5]) for row in connection.execute("PRAGMA table_info(_sqlx_migrations)")]

    assert columns == [
        ("version", "BIGINT", 1),
        ("description", "TEXT", 0),
        ("installed_on", "TIMESTAMP", 0),
        ("success", "BOOLEAN", 0),
        ("checksum", "BLOB", 0),
        ("execution_time", "BIGINT", 0),
    ]


def test_only_what_is_pending_is_applied(connection: sqlite3.Connection) -> None:
    """A database of 0.4.1 needs one migration more, and none after that."""
    schema.migrate(connection, NOW, upto=schema.SCHEMA_OF_VERSION["0.4.1"])

    assert schema.migrate(connection, NOW) == 1
    assert schema.migrate(connection, NOW) == 0


def test_a_database_from_the_future_is_refused(connection: sqlite3.Connection) -> None:
    """A release that knows eleven migrations does not touch a database with twelve."""
    schema.migrate(connection, NOW)

    with pytest.raises(IncompatibleError, match=r"20260411000001 .* missing"):
        schema.migrate(connection, NOW, upto=11)


def test_a_migration_with_another_text_is_refused(connection: sqlite3.Connection) -> None:
    """The same number with another checksum is another migration."""
    schema.migrate(connection, NOW)
    connection.execute("UPDATE _sqlx_migrations SET checksum = zeroblob(48) WHERE version = 20250301000001")

    with pytest.raises(IncompatibleError, match=r"20250301000001 .* modified"):
        schema.migrate(connection, NOW)


def test_a_migration_that_fails_leaves_nothing_behind(connection: sqlite3.Connection) -> None:
    """Statements and record are one transaction: a table in the way undoes both."""
    schema.migrate(connection, NOW, upto=11)
    connection.execute("CREATE INDEX watch_event_by_device ON watch_event (id)")

    with pytest.raises(sqlite3.OperationalError, match="watch_event_by_device"):
        schema.migrate(connection, NOW)

    assert connection.execute("SELECT count(*) FROM _sqlx_migrations").fetchone() == (11,)
    assert not connection.execute("SELECT * FROM sqlite_schema WHERE name = 'playback_device'").fetchall()
