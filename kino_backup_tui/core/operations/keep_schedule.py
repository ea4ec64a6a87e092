"""The schedule in a process that stays: at each turn a `run_due`, unless somebody else sees to it.

A timer of ours that is in order comes first, then the server that was there first. Each slot gets one backup
in any case, see `run_due`; this is about not having two runners wake the same disks and tell of the same
failures.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.run_due import DueRun, run_due
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.timers.base import Runner
from kino_backup_tui.core.timers.find import find_timer, is_sound
from kino_backup_tui.core.timers.server import ScheduleLock, find_server
from kino_backup_tui.core.workspace import workspace_of

__all__ = ["DueRun", "ScheduleKeeper", "Turn"]


class Turn(NamedTuple):
    """What came of one look at the schedule."""

    other: Runner | None = None
    """Who runs it instead of this process."""
    run: DueRun | None = None
    """What this process did, if nobody else does."""


class ScheduleKeeper:
    """Runs the schedule of one Kino, a turn at a time; from one thread only."""

    def __init__(self, context: Context, environ: Mapping[str, str]) -> None:
        self._context = context
        self._environ = environ
        self._lock = ScheduleLock(workspace_of(context.kino))

    def turn(self, control: Control) -> Turn:
        """Do what is due, if it is for this process to do.

        Raises `OperationCancelledError` as `run_due` does.
        """
        timer = find_timer(self._context.kino, self._environ)
        if timer is not None and is_sound(timer):
            self._lock.release()
            return Turn(other=timer)
        try:
            if not self._lock.acquire():
                return Turn(other=find_server(workspace_of(self._context.kino)))
        except KinoBackupError:
            pass  # A folder that cannot be written is for the run to report, and for no one else to run.
        return Turn(run=run_due(self._context, control))

    def close(self) -> None:
        """Leave the schedule to whoever comes next."""
        self._lock.release()
