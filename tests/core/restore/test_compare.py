"""What separates a backup from Kino as it is: migrations, versions, settings that decide on access."""

from __future__ import annotations

import pytest

from kino_backup_tui.core.kino.home import DOCUMENTED, KINO_0_3
from kino_backup_tui.core.kino.releases import migrations_of
from kino_backup_tui.core.kino.rows import Row, Rows
from kino_backup_tui.core.kino.toml_file import LARGEST
from kino_backup_tui.core.models import Migration
from kino_backup_tui.core.restore.compare import (
    EFFECTS,
    access_changes,
    effects_of,
    incompatibility,
    is_readable_config,
    newer_number,
    newer_version,
    row_changes,
)
from kino_backup_tui.core.restore.plan import Change

UPGRADE = "Upgrade Kino first, then retry the restore."
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
    assert problem.hint == UPGRADE


def test_the_same_version_with_another_checksum_is_refused() -> None:
    """sqlx would refuse to start on it: it was made with another build."""
    problem = incompatibility((FIRST, Migration(2, "b0")), (FIRST, SECOND), None)

    assert problem is not None
    assert problem.message == (
        "Migration 2 of the backup (another Kino) is another than this Kino's: "
        "it was made with a different build."
    )
    assert problem.hint == "Install the build of Kino that made the backup, then retry."


def test_an_edition_of_the_schema_that_is_known_is_refused_with_its_releases() -> None:
    """Of the same version with other contents: whoever wants it is told which Kino to take."""
    theirs, ours = (migrations_of(release) for release in ("0.2.0", "0.3.2"))
    problem = incompatibility(theirs, ours, "0.2.0")

    assert problem is not None
    assert problem.message == (
        "The backup's database is one of Kino 0.1.0, 0.2.0 or 0.2.1. This Kino has the same schema version, "
        f"{theirs[0].version}, with other contents, and is expected not to start on it."
    )
    assert problem.hint == "Restore it to a Kino 0.2.1, or choose a backup that this Kino has made."


def test_a_gap_in_the_middle_is_an_unknown_migration() -> None:
    """As many migrations as ours and still not ours."""
    assert incompatibility((FIRST, THIRD), (FIRST, SECOND), None) is not None


@pytest.mark.parametrize(
    ("theirs", "ours", "fits"), [(2, 2, True), (1, 2, True), (3, 2, False), (None, 2, True), (3, None, True)]
)
def test_without_lists_the_numbers_decide(theirs: int | None, ours: int | None, fits: bool) -> None:
    """What is not known forbids nothing."""
    problem = newer_number(theirs, ours)
    assert (problem is None) is fits
    assert problem is None or (problem.message, problem.hint) == (
        "The backup has a newer schema version, 3; this Kino knows schema 2.",
        UPGRADE,
    )


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
    problem = newer_version(theirs, installed)
    assert (problem is None) is fits
    assert problem is None or (problem.message, problem.hint) == (
        f"The backup was made with Kino {theirs}, which is newer than the installed {installed}.",
        UPGRADE,
    )


def test_a_changed_port_is_told() -> None:
    """Old and new value, as in TOML; what is the same is left out."""
    now = b'[server]\nport = 8080\nhost = "nas"\n'
    then = b'[server]\nport = 80\nhost = "nas"\n'

    assert access_changes(now, then) == (Change("server.port", "8080", "80"),)


def test_of_a_kino_with_its_settings_in_its_database_the_row_is_compared() -> None:
    """In the order of the columns; what the backup's release does not have is not told, nor any secret."""
    here: Row = {"api_key": "s3cret-1", "listen_port": 8080, "data_path": "/data", "base_url": "a"}
    now: Rows = {"config": [here]}
    then: Rows = {"config": [{"data_path": "/data", "listen_port": 80, "api_key": "s3cret-2"}]}

    assert row_changes(now, then) == (
        Change("api_key", "set", "another one"),
        Change("listen_port", "8080", "80"),
    )
    unknowns: tuple[Rows, ...] = ({}, {"config": []})
    for unknown in unknowns:
        assert row_changes(now, unknown) == row_changes(unknown, then) == ()


def test_each_layout_has_its_own_effects() -> None:
    """What Kino 0.3 does with downloads, its documentation does not say."""
    assert effects_of(DOCUMENTED) == EFFECTS
    assert ("Downloads begun since then", "are deleted with their files") in effects_of(KINO_0_3)


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


def test_what_is_told_in_place_of_a_secret() -> None:
    """Whether there is one, and whether it is another."""
    now = b'[server]\napi_key = "s3cret-1"\nurl = "https://me:s3cret-1@nas/"\n'
    then = b'[server]\napi_key = "s3cret-2"\n'

    assert access_changes(now, then) == (
        Change("server.api_key", "set", "another one"),
        Change("server.url", '"https://…nas/"', "not set"),
    )


def test_what_decides_nothing_is_not_told() -> None:
    """A change of keep or quality is no reason for alarm."""
    assert access_changes(b"[backup]\nkeep = 3\n", b'[video]\nquality = "low"\n') == ()


@pytest.mark.parametrize(
    "config", [b"port = \n", b"\xff\xfe", b"a = " + b"[" * 5000, b"#" * (LARGEST + 1)], ids=range(4)
)
def test_a_config_that_is_not_toml_changes_nothing_and_is_told(config: bytes) -> None:
    """Broken text, other bytes, nesting without end, megabytes."""
    assert not is_readable_config(config)
    assert access_changes(config, b"port = 1\n") == (Change("port", "not set", "1"),)


@pytest.mark.parametrize("config", [None, b"", b"\xef\xbb\xbfport = 1\n", b"#" * LARGEST], ids=range(4))
def test_a_config_that_kino_can_read(config: bytes | None) -> None:
    """None at all, an empty one, one with a byte order mark."""
    assert is_readable_config(config)
