"""The real application on a real Kino, without a terminal."""

from __future__ import annotations

import os

import pytest

from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.tui.backend import Backend

for name in ("NO_COLOR", "TEXTUAL", "TEXTUAL_THEME"):
    os.environ.pop(name, None)
os.environ["TEXTUAL_ANIMATIONS"] = "none"


@pytest.fixture
def backend(context: Context) -> Backend:
    """The operations on the Kino of the test."""
    return Backend(context)
