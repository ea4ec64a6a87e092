"""`schedule` on a Kino 0.3, while another process has its database open."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kino_backup_tui.core.kino.home import KINO_0_3, Kino
from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.demo.schema import open_database
from kino_backup_tui.demo.shipped.backing_up import back_up
from kino_backup_tui.demo.shipped.data_path import write_shipped_kino
from tests.cli.harness import Cli

BERLIN = "Europe/Berlin"


@pytest.fixture
def shipped_cli(tmp_path: Path) -> Iterator[Cli]:
    """A Kino 0.3 that is running, as far as its database is concerned."""
    write_shipped_kino(tmp_path / "kino", datetime.now(UTC))
    database = Kino(tmp_path / "kino", KINO_0_3).database
    with closing(sqlite3.connect(database)) as kino:
        kino.execute("SELECT 1 FROM config").fetchone()
        yield Cli(tmp_path / "kino")


def config(cli: Cli, column: str) -> object:
    """A column of the row."""
    with closing(sqlite3.connect(cli.data_path / "kino.db")) as connection:
        return connection.execute(f"SELECT {column} FROM config").fetchone()[0]


def test_show_names_the_clock_and_when_that_is_here(shipped_cli: Cli) -> None:
    """03:00 of UTC is five o'clock in summer, and four in winter."""
    result = shipped_cli.run("schedule", TZ=BERLIN)
    assert result.code == 0
    first = result.out.splitlines()[0]
    assert first.startswith("Schedule    Daily at 03:00 UTC = 0")
    assert first.endswith(("05:00 +0200", "04:00 +0100"))


def test_json_names_the_zone_of_the_time_and_what_kino_does_not_go_by(shipped_cli: Cli) -> None:
    """Beside the zone of the host, in which nothing of the schedule is."""
    shipped_cli.run("schedule", "set", "--frequency", "weekly", TZ=BERLIN)
    shown = shipped_cli.run("schedule", "show", "--json", TZ=BERLIN).json
    assert (shown["frequency"], shown["zone"], shown["host_zone"]) == ("weekly", "UTC", "Europe/Berlin")
    assert shown["remarks"] == ["Kino's weekly is every 6 days, so the weekday moves."]
    assert shipped_cli.run("status", "--json", TZ=BERLIN).json["schedule"]["zone"] == "UTC"


def test_set_writes_what_kino_goes_by(shipped_cli: Cli) -> None:
    """Disabling is off, enabling takes a preset, and the rest stays."""
    assert shipped_cli.run("schedule", "set", "--disabled").code == 0
    assert (config(shipped_cli, "backup_schedule"), config(shipped_cli, "backup_enabled")) == ("off", 0)
    assert shipped_cli.run("schedule", "set", "--enabled", "--time", "04:15").code == 0
    assert (config(shipped_cli, "backup_schedule"), config(shipped_cli, "backup_enabled")) == ("daily", 1)
    assert config(shipped_cli, "backup_time") == "04:15"
    assert shipped_cli.run("schedule", "set", "--disabled").code == 0
    assert shipped_cli.run("schedule", "set", "--frequency", "monthly").code == 0
    assert (config(shipped_cli, "backup_schedule"), config(shipped_cli, "backup_enabled")) == ("monthly", 1)


def test_a_bad_value_is_replaced_by_the_one_that_is_given_and_an_error_otherwise(shipped_cli: Cli) -> None:
    """With the exit code for settings that are not allowed."""
    with closing(sqlite3.connect(shipped_cli.data_path / "kino.db")) as connection, connection:
        connection.execute("UPDATE config SET backup_time = '25:00'")
    result = shipped_cli.run("schedule", "set", "--keep", "3")
    assert result.code == 12
    assert 'backup_time is "25:00"' in result.err
    assert config(shipped_cli, "backup_retention_count") == 7
    assert shipped_cli.run("schedule", "set", "--time", "03:00").code == 0


def test_a_lower_keep_names_what_kino_itself_will_remove(shipped_cli: Cli) -> None:
    """Which `prune` does not: it leaves what Kino made to Kino."""
    with closing(open_database(shipped_cli.data_path / "kino.db")) as connection:
        nights = [
            back_up(connection, shipped_cli.data_path, BackupKind.SCHEDULED, "0.3.2", night).name
            for night in (datetime(2026, 4, day, 3, tzinfo=UTC) for day in (1, 2, 3))
        ]

    result = shipped_cli.run("schedule", "set", "--keep", "1", "--dry-run")

    gone = [line.split()[-1] for line in result.out.splitlines() if line.startswith("Would go")]
    assert gone == nights[:2]
    assert "beyond the 1 scheduled ones that are kept: Kino's next run removes them." in result.err
    assert shipped_cli.run("schedule", "set", "--keep", "1", "--json").json["removes"] == nights[:2]
    assert shipped_cli.run("prune", "--dry-run").out == ""


def test_status_does_not_tell_a_schedule_that_cannot_be_read(shipped_cli: Cli) -> None:
    """Kino makes no backup at "noon"; one at the usual time must not be foretold."""
    with closing(sqlite3.connect(shipped_cli.data_path / "kino.db")) as connection, connection:
        connection.execute("UPDATE config SET backup_time = 'noon'")

    result = shipped_cli.run("status")

    assert "Schedule    not known: the settings cannot be used" in result.out
    assert not any(word in result.out for word in ("03:00", "Next run", "Timer"))
    assert 'backup_time is "noon"' in result.err
    told = shipped_cli.run("status", "--json").json
    assert (told["schedule"], told["next_run"], told["unattended"]) == (None, None, False)
    assert told["schedule_problem"]["code"] == "invalid_settings"


def test_two_databases_are_a_question_that_the_layout_answers(shipped_cli: Cli) -> None:
    """Both choices are named."""
    (shipped_cli.data_path / "db.sqlite").touch()
    result = shipped_cli.run("schedule")
    assert result.code == 2
    assert "--layout documented for db.sqlite or --layout kino-0.3 for kino.db" in result.err
