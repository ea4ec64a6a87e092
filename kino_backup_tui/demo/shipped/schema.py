"""The schema of the shipped sample, and the one row of migrations that goes with each edition of it.

All releases of Kino so far have a single migration under the same number; between 0.2.1 and 0.3.0 its text
was edited, so its checksum differs. A database is as old or as new as that row says: `migrate` refuses what
sqlx refuses (launchbadge/sqlx, `sqlx-core/src/migrate/migrator.rs`).

The tables are those that a backup program meets, under the names Kino gives them, and a library to fill them.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime
from pathlib import Path

from kino_backup_tui.core.errors import IncompatibleError
from kino_backup_tui.demo.schema import APPLIED

MIGRATION = 20260328000001
CHECKSUMS = {
    "0.2": bytes.fromhex(
        "1f4a4b332785c0294407739837f51ef7d39a7da8101b280644a550058593b910fe246621faadb9d8848079754a159e60"
    ),
    "0.3": bytes.fromhex(
        "fcf0cca17f9786f8a0937d1fce42a63cd5dd815cc69cc6a39cca33679ca8bd98dc1c8355dc0feca3d356ff4d329cea2a"
    ),
}
"""The SHA-384 of the migration's text, by the first two numbers of the release."""
_NEW_IN_0_3 = {
    "config": ("definitions_last_refreshed_at", "definitions_auto_refresh_enabled"),
    "cast_device": ("capabilities",),
}
_TEXT = Path(__file__).with_name("schema.sql")


def edition_of(release: str) -> str:
    """The edition of the schema that a release has: 0.2 for 0.2.1; that of 0.1 is the same."""
    major_minor = ".".join(release.split(".")[:2])
    return "0.2" if major_minor == "0.1" else major_minor


def migrate(connection: sqlite3.Connection, release: str, now: datetime) -> bool:
    """Bring a database to the schema of a release as sqlx does; True if there was something to do.

    A database without a list of migrations counts as new, whatever is in it. Raises `IncompatibleError` for
    one that sqlx refuses: with another migration, another checksum, or one that did not come to its end.
    """
    connection.execute(APPLIED)
    rows = connection.execute("SELECT version, checksum, success FROM _sqlx_migrations").fetchall()
    for version, checksum, success in rows:
        if not success:
            raise IncompatibleError(f"migration {version} is partially applied")
        if version != MIGRATION:
            raise IncompatibleError(f"migration {version} was previously applied but is missing")
        if checksum != CHECKSUMS[edition_of(release)]:
            raise IncompatibleError(f"migration {version} was previously applied but has been modified")
    if rows:
        return False
    with connection:
        connection.executescript(f"BEGIN IMMEDIATE;\n{_TEXT.read_text(encoding='utf-8')}")
        if edition_of(release) == "0.2":
            _take_back(connection)
        connection.execute(
            "INSERT INTO _sqlx_migrations VALUES (?, 'initial schema', ?, TRUE, ?, 48123456)",
            (MIGRATION, f"{now:%Y-%m-%d %H:%M:%S}", CHECKSUMS[edition_of(release)]),
        )
    return True


def _take_back(connection: sqlite3.Connection) -> None:
    for table, columns in _NEW_IN_0_3.items():
        for column in columns:
            connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
