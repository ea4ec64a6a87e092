"""Requests that make no sense, and help."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kino_backup_tui.cli.main import VERBS
from tests.cli.harness import COMMAND, Cli, run

COMMANDS = [*([verb] for verb in VERBS if verb != "api-key"), ["api-key", "show"], ["api-key", "rotate"]]
"""What does something: `api-key` alone does not."""


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["list", "--kind", "weekly"],
        ["list", "extra"],
        ["status", "extra"],
        ["show"],
        ["show", ""],
        ["create", "--wait", "-1"],
        ["create", "--wait", "soon"],
        ["create", "--wait", "nan"],
        ["create", "--wait", "inf"],
        ["verify"],
        ["verify", "latest", "--all"],
        ["export", "latest"],
        ["export", "latest", ""],
        ["export", "latest", "-"],
        ["import"],
        ["import", ""],
        ["restore"],
        ["restore", ""],
        ["restore", "-"],
        ["restore", "latest", "--health-timeout", "0"],
        ["restore", "latest", "--health-timeout", "soon"],
        ["restore", "latest", "--health-timeout", "inf"],
        ["restore", "/"],
        ["api-key"],
        ["rollback", "extra"],
        ["apply", "extra"],
        ["apply", "--keep", "both"],
        ["apply", "--gate", "--keep", "old"],
        ["delete"],
        ["prune", "--dryrun"],
        ["schedule", "set"],
        ["schedule", "set", "--frequency", "hourly"],
        ["schedule", "set", "--time", "25:00"],
        ["schedule", "set", "--keep", "0"],
        ["schedule", "set", "--keep", "many"],
        ["schedule", "set", "--location", "relx"],
        ["schedule", "set", "--enabled", "--disabled"],
        ["run-due", "extra"],
        ["run-due", "--now", "03:00"],
        ["run-due", "--now", "2026-04-27T03:00:00"],
        ["run-due", "--now", "9999-12-31T23:59:59-12:00"],
        ["jobs", "extra"],
        ["watch", "one", "two"],
        ["demo"],
    ],
)
def test_bad_input_is_usage_in_words_and_in_json(cli: Cli, arguments: list[str]) -> None:
    """Exit code 2, nothing on standard output but the error object that --json asks for."""
    plain = cli.run(*arguments)
    assert plain.code == 2
    assert plain.out == ""
    assert plain.err.startswith("error: ")
    assert "internal" not in plain.err

    as_json = cli.run(*arguments, "--json")
    assert as_json.code == 2
    assert as_json.err == ""
    error = as_json.json["error"]
    assert error["code"] == "usage"
    assert error["message"]
    assert set(error) == {"code", "message", "hint"}


def test_api_key_alone_asks_for_one_of_its_verbs(cli: Cli) -> None:
    """In one sentence; the whole help is behind the command that is named."""
    result = cli.run("api-key")
    assert result.err.splitlines()[0] == "error: Missing command."
    assert result.err.splitlines()[-1] == "Try 'kino-backup-tui api-key --help'."


@pytest.mark.parametrize("value", ["soon", "-1", "nan"])
def test_a_wait_that_is_no_time_is_refused_in_words_of_people(cli: Cli, value: str) -> None:
    """No float and no range: what is allowed, with an example."""
    result = cli.run("create", "--wait", value)
    assert f"'{value}' is no time. Give seconds, 0 or more, such as 600." in result.err


def test_an_empty_data_path_does_not_mean_the_current_folder() -> None:
    """`--data-path "$UNSET"` is refused."""
    result = run([*COMMAND, "--data-path", "", "list"])
    assert result.code == 2
    assert "must not be empty" in result.err


def test_a_data_path_without_a_kino_is_not_found(tmp_path: Path) -> None:
    """Exit code 3, as words or as JSON."""
    arguments = [*COMMAND, "--data-path", str(tmp_path / "nowhere"), "list"]
    assert run(arguments).code == 3
    result = run([*arguments, "--json"])
    assert result.code == 3
    assert result.json["error"]["code"] == "not_found"


def test_without_a_terminal_nothing_is_drawn(cli: Cli) -> None:
    """A short message and exit code 2, for the page and for the demo."""
    for result in (cli.run(), run([*COMMAND, "--demo"])):
        assert result.code == 2
        assert result.out == ""
        assert "\x1b" not in result.err
        assert "no terminal" in result.err


@pytest.mark.parametrize("arguments", [["--demo", "list"], ["--demo", "--data-path", "kino"]])
def test_the_demo_goes_with_nothing_else(arguments: list[str]) -> None:
    """It brings its own Kino, so another one is a contradiction."""
    result = run([*COMMAND, *arguments])
    assert result.code == 2
    assert "--demo" in result.err


@pytest.mark.parametrize("words", COMMANDS)
def test_each_verb_explains_itself_and_takes_json(words: list[str]) -> None:
    """Help goes to standard output and needs no Kino."""
    result = run([*COMMAND, *words, "--help"])
    assert result.code == 0
    assert result.err == ""
    assert "--json" in result.out
    described = [line for line in result.out.splitlines()[2:] if line.strip()]
    assert described[0].strip()[0].isupper()


def test_a_bug_is_one_sentence(cli: Cli) -> None:
    """An error nobody foresaw is said with its kind, without a traceback, and exits with 1."""
    program = (
        "import sys; from kino_backup_tui.cli import main; from kino_backup_tui.cli import session\n"
        "session.Session.context = lambda self: 1 / 0\n"
        "sys.exit(main.run())"
    )
    for extra in ((), ("--json",)):
        result = run([COMMAND[0], "-c", program, "--data-path", str(cli.data_path), "list", *extra])
        assert result.code == 1
        assert "Traceback" not in result.out + result.err
        text = json.loads(result.out)["error"]["message"] if extra else result.err
        assert "internal error: ZeroDivisionError: division by zero" in text
