"""Completion in the shell."""

from __future__ import annotations

from tests.cli.harness import COMMAND, Cli, Result, run


def complete(cli: Cli, *words: str) -> Result:
    """What a shell would offer for the last of the words."""
    line = ["kino-backup-tui", "--data-path", str(cli.data_path), *words]
    return run(
        COMMAND,
        _KINO_BACKUP_TUI_COMPLETE="bash_complete",
        COMP_WORDS=" ".join(line),
        COMP_CWORD=str(len(line) - 1),
    )


def offered(result: Result) -> list[str]:
    """The words offered."""
    return [line.partition(",")[2] for line in result.out.splitlines() if line]


def test_backup_names_are_offered(cli: Cli) -> None:
    """`kino-backup-tui verify <TAB>` lists the backups and `latest`."""
    name = cli.create().name
    assert offered(complete(cli, "verify", "")) == ["latest", name]
    assert offered(complete(cli, "show", "kino-b")) == [name]
    assert offered(complete(cli, "delete", "la")) == ["latest"]


def test_verbs_and_values_are_offered(cli: Cli) -> None:
    """The first word is a verb; options with few values offer them."""
    assert offered(complete(cli, "sch")) == ["schedule"]
    assert offered(complete(cli, "list", "--kind", "")) == ["scheduled", "manual", "pre_restore"]


def test_no_kino_is_no_error_in_the_middle_of_a_line(cli: Cli) -> None:
    """A completion that fails would garble the prompt: it offers nothing instead."""
    (cli.data_path / "db.sqlite").unlink()
    result = complete(cli, "verify", "kino")
    assert (result.code, offered(result), result.err) == (0, [], "")


def test_the_script_for_each_shell_is_printed() -> None:
    """README tells to source it."""
    for shell in ("bash", "zsh", "fish"):
        result = run(COMMAND, _KINO_BACKUP_TUI_COMPLETE=f"{shell}_source")
        assert "_KINO_BACKUP_TUI_COMPLETE" in result.out
