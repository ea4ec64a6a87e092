"""The key of the HTTP API: made once, shown on request, private, and replaced at once."""

from __future__ import annotations

import os

import pytest

from tests.cli.harness import Cli


def test_a_key_is_made_and_shown_again(cli: Cli) -> None:
    """On standard output alone, so that `$(… api-key show)` is the key."""
    made = cli.run("api-key", "rotate")
    assert made.code == 0
    assert len(made.out.strip()) >= 32
    shown = cli.run("api-key", "show")
    assert (shown.code, shown.out, shown.err) == (0, made.out, "")
    assert cli.run("api-key", "show", "--json").json == {"key": made.out.strip()}
    assert made.out.strip() not in made.err


def test_rotating_makes_another_key(cli: Cli) -> None:
    """And says what has become of the old one."""
    first = cli.run("api-key", "rotate")
    second = cli.run("api-key", "rotate", "--json")
    assert second.json["key"] != first.out.strip()
    assert "old key" in second.err
    assert cli.run("api-key", "show").out.strip() == second.json["key"]


def test_showing_makes_no_key(cli: Cli) -> None:
    """Where none has been made yet, it says how one is."""
    shown = cli.run("api-key", "show")
    assert shown.code == 3
    assert "api-key rotate" in shown.err
    assert not (cli.data_path / ".kino-backup").exists()


def test_the_key_is_private(cli: Cli) -> None:
    """Whatever the umask of who makes it."""
    cli.run("api-key", "rotate")
    path = cli.data_path / ".kino-backup" / "api-key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_uid == cli.data_path.stat().st_uid


@pytest.mark.parametrize(
    ("text", "mode", "code"),
    [("", 0o600, 2), ("short", 0o600, 2), ("a b" * 9, 0o600, 2), ("k" * 40, 0o640, 11)],
)
def test_a_key_that_is_none_or_not_private_is_not_used(cli: Cli, text: str, mode: int, code: int) -> None:
    """It is named, with what makes a new one; and that does."""
    cli.run("api-key", "rotate")
    path = cli.data_path / ".kino-backup" / "api-key"
    path.write_text(text)
    path.chmod(mode)
    shown = cli.run("api-key", "show")
    assert shown.code == code
    assert str(path) in shown.err
    assert "api-key rotate" in shown.err
    assert shown.out == ""
    assert cli.run("api-key", "rotate").code == 0
    assert cli.run("api-key", "show").code == 0


def test_a_link_in_place_of_the_key_is_not_followed(cli: Cli) -> None:
    """A key that somebody else knows is none."""
    cli.run("api-key", "rotate")
    path = cli.data_path / ".kino-backup" / "api-key"
    other = cli.data_path / "other"
    path.rename(other)
    path.symlink_to(other)
    shown = cli.run("api-key", "show")
    assert shown.code == 11
    assert f"{path} is no file of its own." in shown.err
    assert "api-key rotate" in shown.err
    assert cli.run("api-key", "rotate").code == 0
    assert not path.is_symlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away, and reads that of others")
def test_a_key_of_another_user_is_not_used(cli: Cli) -> None:
    """It is known to somebody who is neither root nor who owns the working folder."""
    cli.run("api-key", "rotate")
    path = cli.data_path / ".kino-backup" / "api-key"
    os.chown(path, 12345, -1)
    shown = cli.run("api-key", "show")
    assert shown.code == 11
    assert f"{path} belongs to another user" in shown.err
    os.chown(path.parent, 12345, -1)
    assert cli.run("api-key", "show").code == 0
