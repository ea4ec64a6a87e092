"""Which releases of Kino start on which database."""

from __future__ import annotations

import pytest

from kino_backup_tui.core.kino.releases import EDITIONS, is_in_table, migrations_of, releases_with
from kino_backup_tui.core.models import Migration
from kino_backup_tui.demo.shipped.schema import CHECKSUMS, MIGRATION


@pytest.mark.parametrize(
    ("edition", "releases"),
    [("0.2", ("0.1.0", "0.2.0", "0.2.1")), ("0.3", ("0.3.0", "0.3.1", "0.3.2"))],
)
def test_a_migration_tells_the_releases_that_know_it(edition: str, releases: tuple[str, ...]) -> None:
    """And each of them knows that one alone; the sample has the checksums from elsewhere."""
    migration = Migration(MIGRATION, CHECKSUMS[edition].hex())

    assert releases_with([migration]) == releases
    assert all(migrations_of(release) == (migration,) for release in releases)
    assert is_in_table([migration])


@pytest.mark.parametrize("release", [None, "", "0.3", "0.3.3", "0.4.2", "unknown"])
def test_a_release_that_is_not_in_the_table_knows_nothing_here(release: str | None) -> None:
    """Its database has to tell."""
    assert migrations_of(release) == ()


@pytest.mark.parametrize("migrations", [(), (Migration(1, "aa"),), (Migration(MIGRATION, "ab" * 48),)])
def test_other_migrations_are_of_no_known_release(migrations: tuple[Migration, ...]) -> None:
    """No release is guessed."""
    assert releases_with(migrations) == ()


def test_a_later_migration_beside_a_known_one_is_of_no_known_release() -> None:
    """Every one has to be known."""
    (known,) = migrations_of("0.3.2")

    assert releases_with([known, Migration(20270101000001, "ab" * 48)]) == ()


def test_the_checksums_are_such() -> None:
    """SHA-384 in hexadecimal."""
    found = [migration for edition in EDITIONS for migration in edition.migrations]
    assert len({migration.checksum for migration in found}) == len(found)
    assert all(len(bytes.fromhex(migration.checksum)) == 48 for migration in found)
