"""run-due as a timer or an admin calls it."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.harness import Cli, end_of, event_of

NIGHT = "2026-04-27T03:00:00+02:00"
LATER = "2026-04-27T03:15:00+02:00"


def due(cli: Cli, now: str = NIGHT) -> Any:
    """The result of a run at an instant."""
    return cli.run("run-due", "--now", now, "--json").json


def test_a_backup_that_is_made_is_named(cli: Cli) -> None:
    """Its path on standard output, the rest beside it, exit code 0."""
    result = cli.run("run-due", "--now", NIGHT)

    assert result.code == 0
    assert Path(result.out.strip()) == cli.archives[0]
    assert cli.archives[0].name.startswith("kino-backup-scheduled-2026-04-27T03-00-00-")
    assert "✓ verified. The next run is Tue 28 Apr 03:00 +0200." in result.err


def test_where_nothing_is_due_nothing_is_said(cli: Cli) -> None:
    """Cron would send a mail for every word; with --json the result is there all the same."""
    cli.run("run-due", "--now", NIGHT)

    result = cli.run("run-due", "--now", LATER)
    assert (result.code, result.out, result.err) == (0, "", "")
    assert due(cli, LATER) == {
        "outcome": "not_due",
        "slot": None,
        "slot_used_up": False,
        "backup": None,
        "removed": [],
        "next_run": "2026-04-28T03:00:00+02:00",
        "warnings": [],
    }


def test_the_result_has_the_backup_and_what_was_removed(cli: Cli) -> None:
    """Three are kept."""
    results = [due(cli, f"2026-05-0{day}T03:00:00+02:00") for day in range(1, 5)]

    assert [result["outcome"] for result in results] == ["made"] * 4
    assert results[3]["slot"] == "2026-05-04T03:00:00+02:00"
    assert results[3]["backup"]["kind"] == "scheduled"
    assert results[3]["backup"]["status"] == "verified"
    assert [each["filename"] for each in results[3]["removed"]] == [results[0]["backup"]["filename"]]
    assert len(cli.archives) == 3


def test_without_now_the_clock_of_the_machine_counts(cli: Cli) -> None:
    """A new installation gets its first backup."""
    assert cli.run("run-due", "--json").json["outcome"] == "made"
    assert cli.run("run-due", "--json").json["outcome"] == "not_due"


@pytest.mark.parametrize("setting", ["enabled = false", 'frequency = "off"'])
def test_off_does_nothing(cli: Cli, setting: str) -> None:
    """Exit code 0: that is what was asked for."""
    (cli.data_path / "config.toml").write_text(f"[backup]\n{setting}\n")

    result = cli.run("run-due", "--now", NIGHT)
    assert (result.code, result.out, result.err) == (0, "", "")
    assert due(cli)["outcome"] == "off"


def test_a_missing_location_is_said_once_and_has_its_exit_code_each_time(cli: Cli) -> None:
    """The slot stays due."""
    due(cli)
    cli.location.rename(cli.data_path / "unplugged")

    first = cli.run("run-due", "--now", "2026-04-28T03:00:00+02:00")
    again = cli.run("run-due", "--now", "2026-04-28T03:15:00+02:00")

    assert (first.code, again.code) == (11, 11)
    assert first.err.startswith("error: The backup location ")
    assert "The run of Tue 28 Apr 03:00 +0200 stays due." in first.err
    assert again.err == ""
    as_json = due(cli, "2026-04-28T03:30:00+02:00")
    assert as_json["outcome"] == "location_missing"
    assert as_json["error"]["code"] == "location_unknown"


def test_a_damaged_database_gives_the_slot_up(cli: Cli) -> None:
    """Exit code 4, and nothing to do until the next one."""
    (cli.data_path / "db.sqlite").write_bytes(b"\xff" * 8192)

    result = cli.run("run-due", "--now", NIGHT)

    assert result.code == 4
    assert "The run of Mon 27 Apr 03:00 +0200 is given up. The next run is Tue 28 Apr" in result.err
    assert cli.run("run-due", "--now", LATER).code == 0
    assert cli.unfinished == []


def test_invalid_settings_have_their_code(cli: Cli) -> None:
    """Nothing is guessed."""
    (cli.data_path / "config.toml").write_text("[backup]\nkeep = 0\n")

    result = cli.run("run-due", "--now", NIGHT)

    assert result.code == 12
    assert "backup.keep is 0" in result.err
    assert due(cli)["error"]["code"] == "invalid_settings"


def test_it_waits_for_another_operation_as_long_as_it_may(cli: Cli) -> None:
    """Exit code 7 at once with --wait 0; the slot stays due."""
    due(cli, "2026-04-26T03:00:00+02:00")
    with (cli.data_path / ".kino-backup" / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = cli.run("run-due", "--now", NIGHT, "--wait", "0", "--json")
    assert (result.code, result.json["outcome"], result.json["slot_used_up"]) == (7, "failed", False)

    assert due(cli, LATER)["outcome"] == "made"


def test_a_shutdown_leaves_nothing_and_the_slot_due(slow_cli: Cli) -> None:
    """SIGTERM in the middle; after the restart it is made up for."""
    with slow_cli.running("run-due", "--now", NIGHT, "--json", "--progress") as process:
        assert event_of(process)["operation"] == "run-due"
        event_of(process)
        process.terminate()
        code, _, _ = end_of(process)

    assert code == 143
    assert slow_cli.archives == slow_cli.unfinished == []
    assert due(slow_cli, LATER)["outcome"] == "made"


def test_a_killed_run_is_made_up_for_and_its_leftovers_go(slow_cli: Cli) -> None:
    """A power cut at night."""
    with slow_cli.running("run-due", "--now", NIGHT, "--json", "--progress") as process:
        while event_of(process)["stage"] != "packing":
            pass
        process.kill()

    assert due(slow_cli, LATER)["outcome"] == "made"
    assert slow_cli.unfinished == []


def test_the_command_that_is_configured_is_told(cli: Cli, tmp_path: Path) -> None:
    """Through the real configuration, with the real environment."""
    config, got = tmp_path / "tool.toml", tmp_path / "got"
    config.write_text(f'notify_command = ["tee", "{got}"]\n')
    config.chmod(0o600)
    (cli.data_path / "db.sqlite").write_bytes(b"\xff" * 8192)

    cli.run("run-due", "--now", NIGHT, KINO_BACKUP_TUI_CONFIG=str(config))

    told = json.loads(got.read_text())
    assert (told["event"], told["at"], told["nights"]) == ("backup_failed", NIGHT, 1)
