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
