"""What the tests of the catalogue need besides."""

from __future__ import annotations

from pathlib import Path

import pytest

from kino_backup_tui.core.kino.home import Kino


@pytest.fixture
def location(kino: Kino) -> Path:
    """The default location, empty."""
    kino.default_location.mkdir(mode=0o700)
    return kino.default_location
