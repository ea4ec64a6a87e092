"""What most tests need: a real data path with a real database, and a clock that stands still."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kino_backup_tui.core.kino.home import KINO_0_3, Kino
from kino_backup_tui.core.models import Backup, BackupKind
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.progress import Control
from kino_backup_tui.demo.schema import open_database
from kino_backup_tui.demo.shipped.backing_up import back_up
from kino_backup_tui.demo.shipped.data_path import RELEASE, write_shipped_kino
from tests.fakes import FakeClock

CONFIG = "# Kino\n[server]\nport = 8080  # behind a proxy\n\n[backup]\nkeep = 3\n"


@pytest.fixture(autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own configuration and state out of the tests."""
    home = tmp_path_factory.mktemp("home")
    for name in ("STATE", "CONFIG", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    for name in ("KINO_DATA_PATH", "KINO_BACKUP_TUI_CONFIG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def clock() -> FakeClock:
    """26 April 2026, 11:00 in Berlin."""
    return FakeClock()


def write_database(path: Path, *, films: int = 20) -> None:
    """Write a small Kino database in WAL mode, with a trail of migrations."""
    connection = sqlite3.connect(path)
    connection.executescript(
        """
        PRAGMA journal_mode = WAL;
        CREATE TABLE _sqlx_migrations (
            version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMP NOT NULL,
            success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL
        );
        INSERT INTO _sqlx_migrations VALUES
            (1, 'initial', '2026-01-01', 1, x'aa01', 5), (2, 'series', '2026-02-01', 1, x'bb02', 5);
        CREATE TABLE film (id INTEGER PRIMARY KEY, title TEXT NOT NULL, note TEXT);
        CREATE INDEX film_title ON film (title);
        CREATE TABLE series (id INTEGER PRIMARY KEY, title TEXT NOT NULL);
        """
    )
    connection.executemany(
        "INSERT INTO film (title, note) VALUES (?, ?)", [(f"Film {n}", "x" * 50) for n in range(films)]
    )
    connection.commit()
    connection.close()


@pytest.fixture
def kino(tmp_path: Path) -> Kino:
    """A data path as Kino's documentation describes it, and nothing running on it."""
    data_path = tmp_path / "kino"
    data_path.mkdir()
    write_database(data_path / "db.sqlite")
    (data_path / "config.toml").write_text(CONFIG)
    (data_path / "secrets").mkdir()
    (data_path / "secrets" / "trakt.json").write_text('{"token": "not a real one"}')
    (data_path / "trickplay").mkdir()
    (data_path / "trickplay" / "1.jpg").write_bytes(b"sprites")
    return Kino(data_path)


@pytest.fixture
def context(kino: Kino, clock: FakeClock) -> Context:
    """The Kino, the clock, and a host name that is the same everywhere."""
    return Context(kino, clock, host="nas01")


@pytest.fixture
def create(context: Context, clock: FakeClock) -> Callable[..., Backup]:
    """Make a backup; every next one is a minute later."""

    def create_one(kind: BackupKind = BackupKind.MANUAL, **options: bool) -> Backup:
        backup = create_backup(context, Control(), kind=kind, version="0.4.2", **options).backup
        clock.advance(minutes=1)
        return backup

    return create_one


@pytest.fixture
def live_writer(kino: Kino) -> Iterator[sqlite3.Connection]:
    """Another connection that holds the database open, as a running Kino does."""
    connection = sqlite3.connect(kino.database, isolation_level=None)
    connection.execute("PRAGMA synchronous = NORMAL")
    yield connection
    connection.close()


@pytest.fixture
def shipped(tmp_path: Path, clock: FakeClock) -> Kino:
    """A data path of Kino 0.3 as it is shipped, with a library of twenty films, and nothing running on it."""
    write_shipped_kino(tmp_path / "kino", clock.now())
    return Kino(tmp_path / "kino", KINO_0_3)


@pytest.fixture
def shipped_context(shipped: Kino, clock: FakeClock) -> Context:
    """The shipped Kino, the clock, and a host name that is the same everywhere."""
    return Context(shipped, clock, host="nas01")


@pytest.fixture
def back_up_as_kino(shipped: Kino, clock: FakeClock) -> Callable[..., Path]:
    """Let Kino 0.3 itself make a backup in the shipped data path; every next one is a minute later."""

    def back_up_one(kind: BackupKind = BackupKind.MANUAL, version: str = RELEASE) -> Path:
        with closing(open_database(shipped.database)) as connection:
            archive = back_up(connection, shipped.data_path, kind, version, clock.now())
        clock.advance(minutes=1)
        return archive

    return back_up_one
