"""A running operation: its lock, its journal, its progress, its end."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from kino_backup_tui.core.clock import Clock
from kino_backup_tui.core.errors import KinoBackupError, OperationCancelledError
from kino_backup_tui.core.jobs.journal import Journal
from kino_backup_tui.core.jobs.lock import Holder, exclusive
from kino_backup_tui.core.progress import CancelToken, Control, JobEvent, Stage
from kino_backup_tui.core.workspace import Workspace

REPORT_SECONDS = 0.25
"""Shortest time between two progress events: a slow line is part of the design."""
_LEAVES_NOTHING = frozenset(("create", "run-due", "import", "export"))
"""What writes a file, and removes it when it is cancelled."""


class Job:
    """What an operation reports to, and asks whether it may go on."""

    def __init__(
        self, operation: str, clock: Clock, control: Control, journal: Journal | None, job: str
    ) -> None:
        self.operation = operation
        self.cancel: CancelToken = control.cancel
        self.message = ""
        """What the end of the job is announced with."""
        self.result: Mapping[str, Any] | None = None
        """What the end of the job tells besides."""
        self._clock = clock
        self._report = control.report
        self._journal = journal
        self._now = JobEvent("start", job, operation, clock.now())
        self._reported_at = 0.0
        self._pinned = False

    def start(self) -> None:
        """Announce the job."""
        self._send("start")

    def stage(self, stage: Stage, total_bytes: int | None = None) -> None:
        """Begin a stage, of so many bytes if that is known. Raises `OperationCancelledError`."""
        self.cancel.raise_if_cancelled()
        self._now = self._now._replace(done_bytes=0, total_bytes=total_bytes)
        if self._pinned:
            self._send("progress")
            return
        self._now = self._now._replace(stage=stage, note="")
        self._send("stage")

    def advance(self, count: int) -> None:
        """Count bytes of the current stage. Raises `OperationCancelledError`."""
        self.reach(self._now.done_bytes + count, self._now.total_bytes)

    def reach(self, done_bytes: int, total_bytes: int | None) -> None:
        """Say how far the current stage is. Raises `OperationCancelledError`."""
        self.cancel.raise_if_cancelled()
        self._now = self._now._replace(done_bytes=done_bytes, total_bytes=total_bytes)
        if time.monotonic() - self._reported_at >= REPORT_SECONDS:
            self._send("progress")

    @property
    def now_at(self) -> Stage | None:
        """The current stage."""
        return self._now.stage

    def now(self) -> datetime:
        """The current instant."""
        return self._clock.now()

    def note(self, note: str) -> None:
        """Say what the current stage has found, or is waiting for."""
        self._now = self._now._replace(note=note)
        self._send("note")

    @contextlib.contextmanager
    def as_one_stage(self, stage: Stage) -> Iterator[None]:
        """Within the block, stages that are begun are told as steps of this one."""
        self.stage(stage)
        self._pinned = True
        try:
            yield
        finally:
            self._pinned = False

    def end(self, outcome: str, message: str) -> None:
        """Announce how the job ended."""
        self._now = self._now._replace(outcome=outcome, message=message, result=self.result)
        self._send("end")

    def _send(self, event: str) -> None:
        self._reported_at = time.monotonic()
        self._now = self._now._replace(event=event, at=self._clock.now())
        if self._journal is not None:
            self._journal.write(self._now)
        self._report(self._now)


@contextlib.contextmanager
def run_job(
    workspace: Workspace, operation: str, clock: Clock, control: Control, *, identity: str = ""
) -> Iterator[Job]:
    """Run an operation that changes something: under the lock, with a journal.

    `identity` is the job's id where another process has chosen it, see `new_job_id`.
    Raises `BusyError`, `OperationCancelledError`, `NotPermittedError` before the block is entered.
    """
    identity = identity or new_job_id(clock)
    waiting = JobEvent("stage", identity, operation, clock.now(), Stage.WAITING)
    since = clock.now().astimezone(clock.zone()).isoformat(sep=" ", timespec="seconds")
    holder = Holder(identity, os.getpid(), operation, since)
    with exclusive(workspace, holder, control, lambda: control.report(waiting)):
        journal = Journal(workspace, identity)
        try:
            yield from _story(Job(operation, clock, control, journal, identity))
        finally:
            journal.close()


@contextlib.contextmanager
def run_unlocked(operation: str, clock: Clock, control: Control) -> Iterator[Job]:
    """Run an operation that only reads: progress and cancel, but no lock and no journal."""
    yield from _story(Job(operation, clock, control, None, new_job_id(clock)))


def _story(job: Job) -> Iterator[Job]:
    job.start()
    try:
        try:
            yield job
        except OperationCancelledError as error:
            if job.operation not in _LEAVES_NOTHING:
                raise
            raise OperationCancelledError("Cancelled; nothing was kept.") from error
    except KinoBackupError as error:
        job.end(error.code, error.message)
        raise
    except BaseException as error:
        job.end(KinoBackupError.code, f"{type(error).__name__}: {error}")
        raise
    job.end("ok", job.message)


def new_job_id(clock: Clock) -> str:
    """An id that no job has had; ids sort by time."""
    return f"{clock.now():%Y%m%dT%H%M%S}-{os.urandom(3).hex()}"
