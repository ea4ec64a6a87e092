"""A restore's worker as a screen follows it: started, asked to stop, left, and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from kino_backup_tui.core.progress import CancelToken, Control
from kino_backup_tui.tui.backend import Backend

if TYPE_CHECKING:
    from kino_backup_tui.core.progress import JobEvent
    from kino_backup_tui.core.restore.plan import RestoreResult


class Follower:
    """One worker. `start` starts it, or finds it, and returns the id of its job."""

    def __init__(self, backend: Backend, start: Callable[[Control], str]) -> None:
        self.job = ""
        """Empty until the worker is there."""
        self.end: JobEvent | None = None
        self.result: RestoreResult | None = None
        self._backend = backend
        self._start = start
        self._starting = CancelToken()

    def run(self, control: Control) -> str:
        """Report what the worker tells until its end; cancelling this leaves the worker alone."""
        job = self._start(replace(control, cancel=self._starting))
        self.job = job
        if self._starting.cancelled:
            self._backend.cancel_restore(job)
        for event in self._backend.watch(control.cancel, job):
            control.report(event)
            self.end = event if event.event == "end" else None
        self.result = self._backend.read_result(job)
        return ""

    def stop(self) -> bool:
        """Ask the worker to stop; False if it is too late. Raises what `cancel_restore` raises."""
        if self.job:
            return self._backend.cancel_restore(self.job)
        self._starting.cancel()
        return True

    def leave(self) -> None:
        """Nobody looks any more: a worker that is not there yet, because others work, is not started."""
        if not self.job:
            self._starting.cancel()
