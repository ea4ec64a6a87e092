"""What some tests of the operations need besides."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.run_due import DueRun, run_due
from kino_backup_tui.core.progress import Control


@pytest.fixture
def wake(context: Context) -> Callable[[], DueRun]:
    """Have the timer wake the program now."""
    return lambda: run_due(context, Control(wait_seconds=0))
