"""Restores whose worker dies at a certain step, found by the renames it makes (PEP 578, `os.rename`)."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from kino_backup_tui.core.restore.journal import Phase, read_record
from kino_backup_tui.core.workspace import Workspace


def die_in(workspace: Workspace, phase: Phase, work: Callable[[], None], *, moved: int = 0) -> None:
    """Do some work in a process that is killed in a phase of the journal, after so many files were moved."""
    child = os.fork()
    if child == 0:
        _kill_in(workspace, phase, moved)
        try:
            work()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"it was never in {phase}, or moved fewer files"


def _kill_in(workspace: Workspace, phase: Phase, moved: int) -> None:
    count = 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        if event != "os.rename":
            return
        record = read_record(workspace)
        if record is None or record.phase is not phase:
            return
        # Kino's files are renamed between open folders, by their names alone.
        is_move = arguments[2] != -1
        if count >= moved:
            os.kill(os.getpid(), signal.SIGKILL)
        count += is_move

    import sys

    sys.addaudithook(hook)
