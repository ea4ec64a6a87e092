"""Which releases of Kino have which edition of the database's schema.

Kino rewrites its one migration instead of adding another: number 20260328000001 has one checksum (SHA-384 of
the SQL) in 0.1 and 0.2, and another in 0.3. sqlx lets a program start on a database only if it knows each of
its migrations byte for byte (launchbadge/sqlx, `sqlx-core/src/migrate/migrator.rs`). Releases that are not
here are judged by what their database says.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from kino_backup_tui.core.models import Migration

_INITIAL = 20260328000001


class Edition(NamedTuple):
    """The migrations that some releases have in common."""

    releases: tuple[str, ...]
    """Oldest first."""
    migrations: frozenset[Migration]


EDITIONS = (
    Edition(
        ("0.1.0", "0.2.0", "0.2.1"),
        frozenset(
            [
                Migration(
                    _INITIAL,
                    "1f4a4b332785c0294407739837f51ef7d39a7da8101b280644a550058593b910"
                    "fe246621faadb9d8848079754a159e60",
                )
            ]
        ),
    ),
    Edition(
        ("0.3.0", "0.3.1", "0.3.2"),
        frozenset(
            [
                Migration(
                    _INITIAL,
                    "fcf0cca17f9786f8a0937d1fce42a63cd5dd815cc69cc6a39cca33679ca8bd98"
                    "dc1c8355dc0feca3d356ff4d329cea2a",
                )
            ]
        ),
    ),
)


def migrations_of(release: str | None) -> tuple[Migration, ...]:
    """The migrations a release knows; empty for one that is not in the table."""
    fitting = [edition for edition in EDITIONS if release in edition.releases]
    return tuple(migration for edition in fitting for migration in sorted(edition.migrations))


def releases_with(migrations: Collection[Migration]) -> tuple[str, ...]:
    """The releases that can start on a database with these migrations, oldest first; none of others."""
    fitting = [edition for edition in EDITIONS if migrations and edition.migrations.issuperset(migrations)]
    return tuple(release for edition in fitting for release in edition.releases)


def is_in_table(migrations: Collection[Migration]) -> bool:
    """Whether the table says anything of a database with these migrations."""
    numbers = {migration.version for edition in EDITIONS for migration in edition.migrations}
    return any(migration.version in numbers for migration in migrations)
