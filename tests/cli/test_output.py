"""Tables, widths and streams."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kino_backup_tui.cli.output import display_width, table_lines, talk, write_json
from tests.cli.harness import COMMAND, Cli


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    """Wide and combining characters count as the columns a terminal gives them."""
    lines = table_lines(("Name", "Size"), [("映画", "1"), ("e\u0301a", "1024")], right=(1,))
    assert lines == ["Name  Size", "映画     1", "e\u0301a    1024"]


@pytest.mark.parametrize(
    ("text", "width"), [("", 0), ("plain", 5), ("Über", 4), ("映画", 4), ("e\u0301", 1), ("✓ verified", 10)]
)
def test_width_is_what_a_terminal_shows(text: str, width: int) -> None:
    """Unicode Standard Annex #11, with combining marks on their base."""
    assert display_width(text) == width


def test_json_is_ascii_and_takes_undecodable_names(capsys: pytest.CaptureFixture[str]) -> None:
    """A file name that is no UTF-8 must not break the line for the reader."""
    write_json({"filename": "\udcff é"})
    assert capsys.readouterr().out == '{"filename":"\\udcff \\u00e9"}\n'


def test_a_reader_that_leaves_is_no_error(cli: Cli) -> None:
    """`list | head -1` ends quietly: no message, exit code 0."""
    with cli.running("list", "--json") as command:
        assert command.stdout is not None
        assert command.stderr is not None
        command.stdout.close()
        assert command.stderr.read() == ""
        assert command.wait() == 0


def test_a_full_disk_behind_standard_output_is_reported(cli: Cli) -> None:
    """A list that could not be written is no success."""
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            cli.arguments("list", "--json"), stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 6
    assert b"standard output" in done.stderr


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_a_full_disk_behind_the_help_is_reported_as_such(cli: Cli, option: str) -> None:
    """What click writes by itself ends like everything else, and not as an error in this program."""
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run([*COMMAND, option], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 6
    assert b"standard output" in done.stderr
    assert b"backup location" not in done.stderr


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_a_reader_that_has_left_the_help_is_no_error(option: str) -> None:
    """`--help | head -0` ends quietly, with exit code 0."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*COMMAND, option], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("extra", [(), ("--json",)], ids=["words", "json"])
def test_a_backup_whose_path_cannot_be_printed_is_told_of(cli: Cli, extra: tuple[str, ...]) -> None:
    """It was made: whoever reads the error must not think that it was not."""
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            cli.arguments("create", *extra), stdout=full, stderr=subprocess.PIPE, check=False
        )
    (archive,) = cli.archives
    told = done.stderr.decode()
    assert done.returncode == 6
    assert told.index(f"Created {archive.name}") < told.index("standard output")


def test_closed_streams_are_survived(cli: Cli) -> None:
    """A cron job may run with nothing open; the database must not get a number that messages go to."""
    shell = 'exec "$@" <&- >&- 2>&-'
    done = subprocess.run(["sh", "-c", shell, "sh", *cli.arguments("create")], check=False)
    assert done.returncode == 0
    assert len(cli.archives) == 1


def test_a_poor_encoding_costs_a_character_not_the_run(cli: Cli) -> None:
    """A terminal that knows only Latin letters gets escapes for the signs it lacks."""
    cli.create()
    result = cli.run("list", PYTHONIOENCODING="ascii")
    assert result.code == 0
    assert "\\u2713 verified" in result.out


def test_a_message_cannot_move_the_cursor(cli: Cli) -> None:
    """Names in errors are text from outside; a line break in one does not begin a line of its own."""
    for arguments in (["show", "evil\x1b[2J\nwarning: forged"], ["import", "/evil\x1b[2J\r\n/x"]):
        result = cli.run(*arguments)
        assert result.code == 3
        assert "evil\\x1b[2J" in result.err
        assert all(char.isprintable() or char == "\n" for char in result.err)
        assert "\nwarning" not in result.err


def test_a_warning_cannot_move_the_cursor(cli: Cli, tmp_path: Path) -> None:
    """Nor can the name of a location."""
    (cli.data_path / "config.toml").write_text(f'[backup]\nlocation = "{tmp_path}/gone\\u202e"\n')
    result = cli.run("list")
    assert result.code == 11
    assert "gone\\u202e" in result.err
    assert "\u202e" not in result.err


def test_lines_of_a_hint_stay_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Usage is several lines; what is in them is shown, not sent."""
    talk("Usage: this\nTry \x1b]0;that\x07")
    assert capsys.readouterr().err == "Usage: this\nTry \\x1b]0;that\\x07\n"


def test_the_module_is_the_command() -> None:
    """`python -m kino_backup_tui` and the installed script are the same thing."""
    done = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("kino-backup-tui ")
    assert sys.executable in COMMAND


def test_a_tz_that_names_no_zone_is_said_once_and_stops_nothing(cli: Cli) -> None:
    """Every verb goes on in the zone of the host, with one warning."""
    for verb in (["list"], ["status"], ["schedule"], ["create"]):
        result = cli.run(*verb, TZ="Europe/berlin")
        assert result.code == 0, result.err
        assert result.err.count("warning: TZ is 'Europe/berlin', which is no time zone here") == 1
