"""Restores whose worker dies at a certain step, found by the renames it makes (PEP 578, `os.rename`)."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from kino_backup_tui.core.restore.journal import Phase, read_record
from kino_backup_tui.core.workspace import Workspace, workspace_of
from tests.core.restore.killing import Bench, restore

MOVES_IN_SWAP = (3, 8)
"""After so many nothing is in the place of the database yet, or all has arrived, and was not proven."""


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


def die_in_swap(bench: Bench, moved: int) -> None:
    """Kill the worker of a restore between two files: half of one set and half of the other is in place."""
    die_in(workspace_of(bench.kino), Phase.SWAPPING, restore(bench), moved=moved)


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
