"""A restore under a Kino 0.3 that runs and has somebody who stops and starts it: the sample's own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kino_backup_tui.core.clock import SystemClock
from kino_backup_tui.core.kino.home import KINO_0_3
from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.demo.session import DemoKino, demo_session
from kino_backup_tui.demo.shipped.archive import write_archive
from tests.cli.harness import Cli, Result
from tests.shipped.serving import PATIENCE, ask, key_of, values

TITLES = "SELECT title FROM movie ORDER BY id"


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoKino]:
    """A running sample of Kino 0.3."""
    with demo_session(SystemClock(), KINO_0_3) as demo:
        yield demo


def run(demo: DemoKino, *verb: str) -> Result:
    """Run a verb on it to its end."""
    return Cli(demo.data_path).run(*verb, KINO_BACKUP_TUI_CONFIG=str(demo.config))


def execute(database: Path, sql: str) -> None:
    """Change a database."""
    with closing(sqlite3.connect(database, timeout=PATIENCE)) as connection, connection:
        connection.execute(sql)


def test_kino_runs_again_on_the_backup(demo: DemoKino) -> None:
    """Exit code 0 with the rows proven, and Kino's page lists what there is, the way back too."""
    name = run(demo, "create", "--json").json["filename"]
    before = values(demo.data_path / "kino.db", TITLES)
    execute(demo.data_path / "kino.db", "DELETE FROM movie WHERE id < 9")

    result = run(demo, "restore", name, "--yes", "--json")

    assert result.code == 0, result
    assert (result.json["outcome"], result.json["kino_version"]) == ("ok", "0.3.2")
    assert values(demo.data_path / "kino.db", TITLES) == before
    listed = ask(f"{demo.url}/api/v1/backups", headers=key_of(demo.data_path / "kino.db"))
    kinds = {backup["filename"]: backup["kind"] for backup in listed}
    assert (kinds[name], kinds[result.json["way_back"]]) == ("manual", "pre_restore")


def test_a_kino_that_does_not_start_on_it_runs_on_the_old_one_again(demo: DemoKino, tmp_path: Path) -> None:
    """Exit code 9 with Kino's last words; nothing is lost, and nobody had to do anything."""
    before = values(demo.data_path / "kino.db", TITLES)
    copy = tmp_path / "copy.db"
    execute(demo.data_path / "kino.db", f"VACUUM INTO '{copy}'")
    execute(copy, "ALTER TABLE config RENAME COLUMN listen_port TO elsewhere")
    archive = tmp_path / "kino-backup-2026-04-26T03-00-00Z-v0.3.2.tar.gz"
    at = datetime(2026, 4, 26, 3, tzinfo=UTC)
    write_archive(archive, copy, kind=BackupKind.MANUAL, version="0.3.2", created_at=at)

    result = run(demo, "restore", str(archive), "--yes")

    assert result.code == 9, result
    assert "no such column: listen_port" in result.err
    assert "is back and Kino runs on it" in result.err
    assert values(demo.data_path / "kino.db", TITLES) == before
    assert ask(f"{demo.url}/api/v1/status")["first_time_setup"] is False
