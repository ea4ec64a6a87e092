"""A Kino of one's own for each test of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.harness import Cli, write_kino


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """A small Kino without backups."""
    return write_kino(tmp_path / "kino")


@pytest.fixture
def slow_cli(tmp_path: Path) -> Cli:
    """A Kino whose backup takes long enough to be caught in the act."""
    return write_kino(tmp_path / "big", padding_megabytes=64)
