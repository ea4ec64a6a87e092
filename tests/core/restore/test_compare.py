"""What separates a backup from Kino as it is: migrations, versions, settings that decide on access."""

from __future__ import annotations

import pytest

from kino_backup_tui.core.models import Migration
from kino_backup_tui.core.restore.compare import (
    access_changes,
    incompatibility,
    is_readable_config,
    newer_number,
    newer_version,
)
from kino_backup_tui.core.restore.plan import Change

FIRST, SECOND, THIRD = Migration(1, "aa"), Migration(2, "bb"), Migration(3, "cc")


@pytest.mark.parametrize("theirs", [(), (FIRST,), (FIRST, SECOND)])
def test_the_same_schema_or_an_older_one_can_be_restored(theirs: tuple[Migration, ...]) -> None:
    """Pending migrations run at Kino's next start."""
    assert incompatibility(theirs, (FIRST, SECOND), "0.4.2") is None


def test_a_newer_schema_is_refused() -> None:
    """The message has both numbers and the version that made it; the way out is an upgrade."""
    problem = incompatibility((FIRST, SECOND, THIRD), (FIRST, SECOND), "0.5.0")

    assert problem is not None
    assert "Kino 0.5.0, schema 3; this Kino knows schema 2" in problem.message
    assert "Upgrade Kino" in problem.hint


def test_the_same_version_with_another_checksum_is_refused() -> None:
    """sqlx would refuse to start on it: it was made with another build."""
    problem = incompatibility((FIRST, Migration(2, "b0")), (FIRST, SECOND), None)

    assert problem is not None
    assert problem.message.startswith("Migration 2 of the backup (another Kino)")
    assert "build" in problem.hint


def test_a_gap_in_the_middle_is_an_unknown_migration() -> None:
    """As many migrations as ours and still not ours."""
    assert incompatibility((FIRST, THIRD), (FIRST, SECOND), None) is not None


@pytest.mark.parametrize(
    ("theirs", "ours", "fits"), [(2, 2, True), (1, 2, True), (3, 2, False), (None, 2, True), (3, None, True)]
)
def test_without_lists_the_numbers_decide(theirs: int | None, ours: int | None, fits: bool) -> None:
    """What is not known forbids nothing."""
    assert (newer_number(theirs, ours) is None) is fits


@pytest.mark.parametrize(
    ("theirs", "installed", "fits"),
    [
        ("0.4.2", "0.4.2", True),
        ("0.4.1", "0.4.2", True),
        ("0.5.0", "0.4.2", False),
        ("0.10.0", "0.9.0", False),
        ("0.9.0", "0.10.0", True),
        ("1.0", "1.0.0", True),
        ("1.0.0", "1.0", True),
        ("0.5.0-rc.1", "0.5.0", True),
        ("0.5.0", "0.5.0-rc.1", False),
        ("0.5.0-rc.2", "0.5.0-rc.1", False),
        ("0.5.0-rc.9", "0.5.0-rc.10", True),
        ("0.5.0-rc.10", "0.5.0-rc.9", False),
        ("0.5.0-alpha", "0.5.0-alpha.1", True),
        ("0.5.0-alpha.beta", "0.5.0-alpha.1", False),
        ("0.5.0-beta", "0.5.0-alpha.beta", False),
        ("0.5.0+build.7", "0.5.0", True),
        ("0.5.0-rc.1+b", "0.5.0-rc.1+a", True),
        ("0.5.0", None, True),
        (None, "0.5.0", True),
        ("0.5.0-", "0.5.0", True),
        ("x" * 64, "0.4.2", True),
        ("9" * 64, "0.4.2", False),
    ],
)
def test_versions_are_ordered_as_semver_orders_them(
    theirs: str | None, installed: str | None, fits: bool
) -> None:
    """Numbers as numbers, pre-releases before their release and in order, builds not at all."""
    assert (newer_version(theirs, installed) is None) is fits


def test_a_changed_port_is_told() -> None:
    """Old and new value, as in TOML; what is the same is left out."""
    now = b'[server]\nport = 8080\nhost = "nas"\n'
    then = b'[server]\nport = 80\nhost = "nas"\n'

    assert access_changes(now, then) == (Change("server.port", "8080", "80"),)


def test_nested_tables_and_lists_of_tables_are_looked_into() -> None:
    """With dotted names, the places in a list by number."""
    now = b"[http.tls]\nport = 1\n[[listeners]]\nport = 80\n[[listeners]]\nport = 81\n"
    then = b"[http.tls]\nport = 2\n[[listeners]]\nport = 80\n"

    assert access_changes(now, then) == (
        Change("http.tls.port", "1", "2"),
        Change("listeners.1.port", "81", "not set"),
    )


def test_a_missing_config_means_the_defaults() -> None:
    """On either side."""
    config = b'[backup]\nlocation = "/mnt/nas"\n'

    assert access_changes(None, config) == (Change("backup.location", "not set", '"/mnt/nas"'),)
    assert access_changes(config, None) == (Change("backup.location", '"/mnt/nas"', "not set"),)
    assert access_changes(None, None) == ()


@pytest.mark.parametrize(
    ("now", "then"),
    [
        (b'[server]\napi_key = "s3cret-1"\n', b'[server]\napi_key = "s3cret-2"\n'),
        (b'[server]\napi_key = ["s3cret-1"]\n', b""),
        (b"", b'[trakt.token]\nurl = "s3cret-2"\n'),
        (b'[proxy]\nurl = "https://me:s3cret-1@nas/"\n', b'[proxy]\nurl = "https://nas/"\n'),
        (b"", b'[proxy]\nurl = "nas/?api_key=s3cret-2"\n'),
    ],
)
def test_no_secret_is_shown(now: bytes, then: bytes) -> None:
    """Only that it is another one."""
    changes = access_changes(now, then)

    assert len(changes) == 1
    assert "s3cret" not in str(changes)


def test_what_decides_nothing_is_not_told() -> None:
    """A change of keep or quality is no reason for alarm."""
    assert access_changes(b"[backup]\nkeep = 3\n", b'[video]\nquality = "low"\n') == ()


@pytest.mark.parametrize("config", [b"port = \n", b"\xff\xfe", b"a = " + b"[" * 5000, b"#" * (2 << 20)])
def test_a_config_that_is_not_toml_changes_nothing_and_is_told(config: bytes) -> None:
    """Broken text, other bytes, nesting without end, megabytes."""
    assert not is_readable_config(config)
    assert access_changes(config, b"port = 1\n") == (Change("port", "not set", "1"),)


@pytest.mark.parametrize("config", [None, b"", b"\xef\xbb\xbfport = 1\n"])
def test_a_config_that_kino_can_read(config: bytes | None) -> None:
    """None at all, an empty one, one with a byte order mark."""
    assert is_readable_config(config)
