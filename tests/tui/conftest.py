"""The real application on a real Kino, without a terminal."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

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


@pytest.fixture(autouse=True)
def _handlers_put_back() -> Iterator[None]:
    """Give Ctrl-C back to the test run: the application keeps the signals it has taken."""
    numbers = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
    handlers = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, handlers, strict=True):
        signal.signal(number, handler)
