"""What a picture of a screen may not depend on."""

from __future__ import annotations

import os

import pytest

# Textual reads these while it is imported, which the first test module does.
for name in ("NO_COLOR", "TEXTUAL", "TEXTUAL_THEME", "TEXTUAL_DIM_FACTOR"):
    os.environ.pop(name, None)
os.environ["TEXTUAL_ANIMATIONS"] = "none"


@pytest.fixture(autouse=True)
def _still_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    """A blinking cursor is on in one run and off in the next."""
    from textual.widgets import Input

    monkeypatch.setattr(Input, "_toggle_cursor", lambda self: None)
