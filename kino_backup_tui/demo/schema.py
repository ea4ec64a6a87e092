"""The sample Kino's database schema, and the migrations that lead to it.

The migrations are files, as Kino keeps them for sqlx: `{version}_{description}.sql`. What was applied is
recorded in the table `_sqlx_migrations`, whose form and rules are those of launchbadge/sqlx
(`sqlx-sqlite/src/migrate.rs`): a transaction a migration, the checksum the SHA-384 of its text.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha384
from pathlib import Path

from kino_backup_tui.core.errors import IncompatibleError

SCHEMA_OF_VERSION = {"0.4.1": 11, "0.4.2": 12}
"""Number of migrations that each release of the sample Kino knows."""

APPLIED = """
CREATE TABLE IF NOT EXISTS _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
)
"""


@dataclass(frozen=True, slots=True)
class SchemaStep:
    """One migration: its number, what it is about, and its SQL."""

    version: int
    description: str
    sql: str

    @property
    def checksum(self) -> bytes:
        """The SHA-384 of the text, by which a changed migration is noticed."""
        return sha384(self.sql.encode()).digest()


@cache
def schema_steps() -> tuple[SchemaStep, ...]:
    """All migrations in the order in which they apply."""
    steps = []
    for path in Path(__file__).with_name("migrations").glob("*.sql"):
        version, _, description = path.stem.partition("_")
        steps.append(
            SchemaStep(int(version), description.replace("_", " "), path.read_text(encoding="utf-8"))
        )
    return tuple(sorted(steps, key=lambda step: step.version))


def open_database(path: Path) -> sqlite3.Connection:
    """Open, and if need be create, the database as a server does: WAL, foreign keys, patience for locks.

    Transactions are the caller's to begin and end.
    """
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(
        "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL;"
        "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;"
    )
    return connection


def migrate(connection: sqlite3.Connection, now: datetime, *, upto: int | None = None) -> int:
    """Apply what is pending of the first `upto` migrations, all of them by default; return how many.

    Raises `IncompatibleError` for a database that has a migration we do not know, or one whose text differs:
    sqlx refuses to start on both.
    """
    known = schema_steps()[:upto]
    connection.execute(APPLIED)
    applied = dict(connection.execute("SELECT version, checksum FROM _sqlx_migrations"))
    checksums = {step.version: step.checksum for step in known}
    for version, checksum in applied.items():
        if version not in checksums:
            raise IncompatibleError(f"Migration {version} was applied before but is missing in this version.")
        if checksum != checksums[version]:
            raise IncompatibleError(f"Migration {version} was applied before but has been modified.")
    pending = [step for step in known if step.version not in applied]
    for step in pending:
        _apply(connection, step, now)
    return len(pending)


def _apply(connection: sqlite3.Connection, step: SchemaStep, now: datetime) -> None:
    started = time.perf_counter_ns()
    with connection:
        connection.executescript(f"BEGIN IMMEDIATE;\n{step.sql}")
        connection.execute(
            "INSERT INTO _sqlx_migrations"
            " (version, description, installed_on, success, checksum, execution_time)"
            " VALUES (?, ?, ?, TRUE, ?, -1)",
            (step.version, step.description, f"{now:%Y-%m-%d %H:%M:%S}", step.checksum),
        )
    connection.execute(
        "UPDATE _sqlx_migrations SET execution_time = ? WHERE version = ?",
        (time.perf_counter_ns() - started, step.version),
    )
