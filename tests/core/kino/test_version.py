"""Kino's version comes from the first who can tell it, and always fits a file name."""

from __future__ import annotations

from pathlib import Path

import pytest

from kino_backup_tui.core.kino.running import KinoState
from kino_backup_tui.core.kino.version import installed_version, kino_version, valid_version


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH besides the system's, empty."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    return tmp_path


def _install(folder: Path, script: str) -> None:
    program = folder / "kino"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_the_ladder(programs: Path) -> None:
    """Running Kino, installed program, newest backup, nothing."""
    assert kino_version(None, None) == "unknown"
    assert kino_version(None, "0.1.0") == "0.1.0"
    assert kino_version(KinoState(False), "0.1.0") == "0.1.0"
    _install(programs, 'test "$1" = --version && echo kino 0.3.2')
    assert kino_version(KinoState(True), "0.1.0") == "0.3.2"
    assert kino_version(KinoState(True, version="0.4.2"), "0.1.0") == "0.4.2"


def test_a_version_that_does_not_fit_is_passed_over(programs: Path) -> None:
    """Each step is checked by the same rule."""
    _install(programs, "echo 'kino 0/3'")
    assert kino_version(KinoState(True, version="../x"), "a b") == "unknown"


@pytest.mark.parametrize(
    "script", ["exit 3", "echo kino", "echo kino video editor 1.3", "echo dvkino 1", "exec sleep 60"]
)
def test_a_program_that_says_something_else_is_not_kino(programs: Path, script: str) -> None:
    """Errors, other words and silence are all no version."""
    _install(programs, script)
    assert installed_version() is None


@pytest.mark.parametrize(
    ("value", "valid"),
    [("0.4.2", True), ("1.0.0-rc.1+build", True), ("v" * 64, True), ("v" * 65, False), ("", False),
     ("1\n", False), ("ü", False), ("1/2", False), (None, False), (4, False)],
)  # fmt: skip
def test_the_rule_for_versions(value: object, valid: bool) -> None:
    """Letters, digits, dot, plus and minus, at most 64."""
    assert valid_version(value) == (value if valid else None)
