"""What status says of the backups."""

from __future__ import annotations

from pathlib import Path

from tests.cli.harness import Cli


def said_of_backups(cli: Cli) -> str:
    """The line about the backups."""
    lines = dict(line.split(maxsplit=1) for line in cli.run("status").out.splitlines())
    return lines["Backups"]


def test_status_does_not_count_backups_it_cannot_see_as_none(cli: Cli, tmp_path: Path) -> None:
    """Where the disk is gone there may be many: that is another thing than a Kino without backups."""
    disk = tmp_path / "disk"
    disk.mkdir()
    assert cli.run("schedule", "set", "--location", str(disk)).code == 0
    before = said_of_backups(cli)
    cli.create()
    disk.rename(tmp_path / "unplugged")

    assert before == "none yet"
    assert said_of_backups(cli) == "none to be seen"


def test_a_fresh_backup_passes(cli: Cli) -> None:
    """Exit 0, and the JSON says so with both ages."""
    cli.create()
    assert cli.run("status", "--max-age", "26h").code == 0
    result = cli.run("status", "--max-age", "26h", "--json")
    assert (result.code, result.json["fresh"], result.json["max_age_seconds"]) == (0, True, 26 * 3600)
    assert 0 <= result.json["age_seconds"] < 3600
    assert "error" not in result.json


def test_no_backup_is_stale(cli: Cli) -> None:
    """Exit 10 with a sentence; the status itself is shown all the same."""
    result = cli.run("status", "--max-age", "2d")
    assert result.code == 10
    assert "error: There is no verified backup of this Kino" in result.err
    assert result.out.startswith("Kino")
    document = cli.run("status", "--max-age", "2d", "--json").json
    assert (document["fresh"], document["age_seconds"]) == (False, None)
    assert document["error"]["code"] == "stale"
    assert document["location"] == str(cli.location)


def test_an_age_that_is_none_is_a_usage_error(cli: Cli) -> None:
    """Exit 2, with what is allowed."""
    result = cli.run("status", "--max-age", "soon")
    assert result.code == 2
    assert "such as 90m, 26h or 2d" in result.err


def test_without_an_age_status_judges_nothing(cli: Cli) -> None:
    """Exit 0 as ever, and no word of freshness."""
    result = cli.run("status", "--json")
    assert result.code == 0
    assert "fresh" not in result.json
