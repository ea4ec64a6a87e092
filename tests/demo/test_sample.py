"""The sample data path: what a good year leaves behind, and nothing of anybody else's."""

from __future__ import annotations

import sqlite3
import stat
import tarfile
import tomllib
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from kino_backup_tui.core.clock import Clock
from kino_backup_tui.core.errors import UsageError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.settings import BackupSettings, load_settings
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.listing import list_backups
from kino_backup_tui.demo.sample import BAD_PORT_VERSION, write_sample


@pytest.fixture(scope="module")
def data_path(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Path:
    """One sample for all tests that only look at it."""
    data_path = tmp_path_factory.mktemp("sample") / "kino"
    write_sample(data_path, clock)
    return data_path


def list_sample(data_path: Path, clock: Clock) -> tuple[Backup, ...]:
    """The backups as the page would list them, newest first."""
    return list_backups(Context(Kino(data_path), clock)).backups


def tables_of(backup: Backup) -> dict[str, int]:
    """The row counts in a backup's manifest."""
    assert backup.manifest is not None
    return dict(backup.manifest.tables)


def test_it_has_everything_that_a_backup_takes_and_leaves(data_path: Path) -> None:
    """Settings with their comments, three secrets, a WAL database, and folders no backup should carry."""
    names = {path.name for path in data_path.iterdir()}
    assert {
        "config.toml",
        "db.sqlite",
        "secrets",
        "backups",
        "log",
        "trickplay",
        "fingerprints",
        "cache",
    } <= names
    assert len(list((data_path / "secrets").iterdir())) == 3
    assert "# " in (data_path / "config.toml").read_text()
    assert {"server", "library", "metadata", "backup", "trakt"} <= tomllib.loads(
        (data_path / "config.toml").read_text()
    ).keys()
    assert load_settings(data_path / "config.toml") == BackupSettings()


def test_its_database_is_sound_and_in_wal_mode(data_path: Path) -> None:
    """The live database has the last migration and the whole library."""
    with closing(sqlite3.connect(data_path / "db.sqlite")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM _sqlx_migrations").fetchone() == (12,)
        assert connection.execute("SELECT count(*) FROM film").fetchone() == (312,)


def test_nobody_else_may_read_it(data_path: Path) -> None:
    """Settings and secrets are their owner's alone, the database is its group's too."""
    modes = {
        name: stat.filemode((data_path / name).stat().st_mode)
        for name in ("config.toml", "db.sqlite", "secrets", "secrets/trakt.json")
    }
    assert modes == {
        "config.toml": "-rw-------",
        "db.sqlite": "-rw-r-----",
        "secrets": "drwx------",
        "secrets/trakt.json": "-rw-------",
    }


def test_it_has_backups_of_all_three_kinds(data_path: Path, clock: Clock) -> None:
    """Seven nights, three made by hand, and one from before a restore."""
    kinds = Counter(backup.kind for backup in list_sample(data_path, clock))

    assert kinds == {BackupKind.SCHEDULED: 7, BackupKind.MANUAL: 3, BackupKind.PRE_RESTORE: 1}


def test_all_but_one_of_its_backups_are_verified(data_path: Path, clock: Clock) -> None:
    """One scheduled backup was damaged on disk, and a verification has found it."""
    backups = list_sample(data_path, clock)

    damaged = [backup for backup in backups if backup.status is not BackupStatus.VERIFIED]
    assert [(backup.kind, backup.status) for backup in damaged] == [
        (BackupKind.SCHEDULED, BackupStatus.DAMAGED)
    ]
    assert damaged[0].problem


def test_its_backups_tell_of_an_update_of_kino(data_path: Path, clock: Clock) -> None:
    """The older ones are of 0.4.1 and schema 11, the newer ones of 0.4.2 and schema 12."""
    versions = [(backup.kino_version, backup.schema_version) for backup in list_sample(data_path, clock)]

    assert [version for version in versions if version[0] != BAD_PORT_VERSION] == (
        [("0.4.2", 12)] * 8 + [("0.4.1", 11)] * 2
    )


def test_one_of_its_backups_has_settings_that_no_kino_starts_with(data_path: Path, clock: Clock) -> None:
    """A port that does not exist, in an archive that is whole; its version tells it from the others."""
    (bad,) = [b for b in list_sample(data_path, clock) if b.kino_version == BAD_PORT_VERSION]

    with tarfile.open(bad.path) as archive:
        member = archive.extractfile("config.toml")
        assert member is not None
        assert tomllib.loads(member.read().decode())["server"]["port"] == 80800
    assert (bad.kind, bad.status, bad.schema_version) == (BackupKind.MANUAL, BackupStatus.VERIFIED, 12)
    assert tomllib.loads((data_path / "config.toml").read_text())["server"]["port"] == 8080


def test_its_nights_are_at_three_in_the_zone_of_the_host(data_path: Path, clock: Clock) -> None:
    """Also in the nights on which the sample's instants are in another offset than now."""
    nights = [b.created_at for b in list_sample(data_path, clock) if b.kind is BackupKind.SCHEDULED]

    assert [f"{night.astimezone(clock.zone()):%m-%d %H:%M}" for night in nights if night] == [
        f"04-{day} 03:00" for day in range(26, 19, -1)
    ]


def test_its_library_grows_from_backup_to_backup(data_path: Path, clock: Clock) -> None:
    """Later backups hold at least as much as earlier ones, and the first clearly less than the last."""
    backups = list_sample(data_path, clock)
    events = [tables_of(backup)["watch_event"] for backup in backups]

    assert events == sorted(events, reverse=True)
    assert events[-1] < events[0] <= 1204
    assert tables_of(backups[-1])["film"] < tables_of(backups[0])["film"] <= 312


def test_no_backup_holds_what_can_be_made_again(data_path: Path, clock: Clock) -> None:
    """Kino's documentation: no trickplay, fingerprints, caches or logs."""
    manifest = list_sample(data_path, clock)[0].manifest

    assert manifest is not None
    assert [content.path for content in manifest.contents] == [
        "config.toml",
        "db.sqlite",
        "secrets/indexers.json",
        "secrets/subtitles.json",
        "secrets/trakt.json",
    ]


def test_an_empty_folder_is_filled(tmp_path: Path, clock: Clock) -> None:
    """The folder may be there already; it keeps its mode."""
    tmp_path.chmod(0o711)

    write_sample(tmp_path, clock)

    assert (tmp_path / "db.sqlite").exists()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o711


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path, clock: Clock) -> None:
    """Refused before anything is written, whatever the file in it is called."""
    (tmp_path / ".hidden").write_text("mine")

    with pytest.raises(UsageError, match="not empty"):
        write_sample(tmp_path, clock)

    assert [path.name for path in tmp_path.iterdir()] == [".hidden"]


def test_a_file_in_the_way_is_refused(tmp_path: Path, clock: Clock) -> None:
    """The path must be a folder or not exist."""
    (tmp_path / "kino").write_text("mine")

    with pytest.raises(UsageError, match="not a folder"):
        write_sample(tmp_path / "kino", clock)
