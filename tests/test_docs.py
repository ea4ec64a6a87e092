"""README says what is true: every command, option, key and exit code, and recipes that run."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from kino_backup_tui.cli import exit_codes
from kino_backup_tui.cli.main import VERBS, cli
from kino_backup_tui.core import errors
from kino_backup_tui.core.models import Backup
from kino_backup_tui.core.progress import Stage
from kino_backup_tui.presentation.objects import backup_object
from kino_backup_tui.presentation.text import STAGE_NAMES
from kino_backup_tui.tui.actions import PAGE_ACTIONS

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
SIGNAL_CODES = {129, 130, 143}
RESTORE_CODES = {exit_codes.WAITING_FOR_KINO, exit_codes.KEEP_STOPPED}
"""What is no error and not done either."""


def section(title: str) -> str:
    """The text below a heading, up to the next one."""
    match = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#+ |\Z)", README, re.MULTILINE | re.DOTALL)
    assert match is not None, title
    return match[1]


def rows(title: str) -> list[list[str]]:
    """The cells of the table below a heading, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def leaf_commands() -> dict[str, click.Command]:
    """Every command by what is typed for it."""
    context = click.Context(cli)
    found = {}
    for name in VERBS:
        command = cli.get_command(context, name)
        assert command is not None
        found[name] = command
        if isinstance(command, click.Group):
            found.update({f"{name} {child}": each for child, each in command.commands.items()})
    return found


def test_each_command_is_in_the_table() -> None:
    """And the table has no command that is not there."""
    named = {cell.split()[0] for row in rows("Commands") for cell in re.findall(r"`([^`]+)`", row[0])}
    assert named == set(VERBS)


@pytest.mark.parametrize(("name", "command"), leaf_commands().items())
def test_each_command_and_option_explains_itself(name: str, command: click.Command) -> None:
    """Help for the command and for each of its options, and the option is named in README."""
    assert command.help, name
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, (name, parameter.opts)
            for option in (*parameter.opts, *parameter.secondary_opts):
                assert option in README, (name, option)


def test_the_options_before_the_verb_are_named() -> None:
    """Those of the program itself."""
    for parameter in cli.params:
        for option in parameter.opts:
            assert option in README, option


def test_each_key_is_in_the_table() -> None:
    """With the words that the palette and the help screen use for it."""
    table = {row[0].strip("`"): row[1] for row in rows("Keys")}
    shown = {action.shown_key: action.command for action in PAGE_ACTIONS if action.shown_key}
    assert set(table) == set(shown)
    for key, command in shown.items():
        assert table[key].startswith(command), key


def test_the_exit_codes_are_those_of_the_program() -> None:
    """Each number, and below it the `code` of every error that has it."""
    table = {int(row[0]): set(re.findall(r"`(\w+)`", row[2])) for row in rows("Exit codes")}
    assert set(table) == {exit_codes.OK, *exit_codes.EXIT_CODES.values(), *SIGNAL_CODES, *RESTORE_CODES}
    for kind in all_errors(errors.KinoBackupError):
        assert kind.code in table[exit_codes.exit_code(kind)], kind
    assert {code for codes in table.values() for code in codes} == {
        kind.code for kind in all_errors(errors.KinoBackupError)
    }


def all_errors(kind: type[errors.KinoBackupError]) -> list[type[errors.KinoBackupError]]:
    """A class of errors and all below it."""
    return [kind, *(found for child in kind.__subclasses__() for found in all_errors(child))]


def test_the_fields_of_a_backup_are_listed(tmp_path: Path) -> None:
    """Scripts are written from README."""
    from kino_backup_tui.core.models import BackupStatus, EntryRole

    backup = Backup(tmp_path / "a", 1, EntryRole.BACKUP, BackupStatus.UNVERIFIED, 0)
    text = section("In scripts")
    for field in (*backup_object(backup, way_back=""), "fate"):
        assert f"`{field}`" in text, field
    # Not what the name alone suggests: an imported manual backup is a manual backup like any other.
    assert "`imported` (a scheduled backup that was brought in from outside)" in text


def test_each_stage_has_a_name() -> None:
    """The names are keyed by value, so the type checker does not see a missing one."""
    assert set(STAGE_NAMES) == {stage.value for stage in Stage}


@pytest.mark.parametrize("tool", ["tar", "jq", "sha256sum", "sqlite3"])
def test_the_recipe_by_hand_uses_only_common_tools(tool: str) -> None:
    """No program of ours."""
    assert tool in section("By hand")
    assert "kino-backup-tui" not in section("By hand")


@pytest.mark.skipif(
    not all(shutil.which(tool) for tool in ("jq", "sha256sum", "sqlite3")),
    reason="the tools are not installed",
)
def test_the_recipe_by_hand_runs_as_printed(tmp_path: Path) -> None:
    """It passes for a true archive and fails for one with another byte in a file."""
    from tests.cli.harness import write_kino

    kino = write_kino(tmp_path / "kino")
    archive = kino.create()
    block = re.search(r"```sh\n(.*?)```", section("By hand"), re.DOTALL)
    assert block is not None
    script = f"set -e; archive={archive}\n{block[1]}"
    subprocess.run(["bash", "-c", script], cwd=tmp_path, check=True, capture_output=True)

    subprocess.run(["tar", "-xzf", archive, "-C", tmp_path / "proof"], check=True)
    (tmp_path / "proof" / "config.toml").write_text("[backup]\nkeep = 4\n")
    forged = tmp_path / "forged.tar.gz"
    names = ["manifest.json", "config.toml", "db.sqlite", "secrets"]
    subprocess.run(["tar", "-czf", forged, "-C", tmp_path / "proof", *names], check=True)
    shutil.rmtree(tmp_path / "proof")
    script = script.replace(str(archive), str(forged))
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode != 0
    assert "config.toml: FAILED" in done.stdout
