"""The page on a data path that is named, with a bug in it: its clock fails wherever the page itself asks."""

from __future__ import annotations

import sys
import threading
from datetime import datetime
from pathlib import Path

from kino_backup_tui.core.clock import SystemClock
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.tui.terminal import run_app


class BrokenClock(SystemClock):
    """Tells the time to the threads that read the disk, and to nobody else."""

    def now(self) -> datetime:
        """Fail in the handlers of messages."""
        if threading.current_thread() is threading.main_thread():
            raise ZeroDivisionError("[a bug]")
        return super().now()


if __name__ == "__main__":
    sys.exit(run_app(Context(Kino(Path(sys.argv[1])), BrokenClock())))
