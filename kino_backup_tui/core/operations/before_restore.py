"""What can be known before an archive is read, or even sent: may this user restore, is somebody at work."""

from __future__ import annotations

import os
import time

from kino_backup_tui.core.errors import NotPermittedError
from kino_backup_tui.core.jobs.lock import busy, current_holder
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.obstacles import rights_problem
from kino_backup_tui.core.operations.session import open_session
from kino_backup_tui.core.progress import Control, JobEvent, Stage
from kino_backup_tui.core.supervisors.detect import find_supervisor
from kino_backup_tui.core.workspace import workspace_of

_POLL_SECONDS = 0.05


def require_rights(context: Context) -> None:
    """Raise `NotPermittedError` if this user may not replace Kino's files, or not stop and start Kino."""
    problem = rights_problem(context, open_session(context))
    if problem is None:
        problem = find_supervisor(context.kino, os.environ).problem()
    if isinstance(problem, NotPermittedError):
        raise problem


def wait_for_turn(context: Context, operation: str, job: str, control: Control) -> None:
    """Wait until no other operation runs; that is told as the stage of a job.

    Raises `BusyError` when `control.wait_seconds` have passed, `OperationCancelledError`.
    """
    workspace = workspace_of(context.kino)
    deadline = time.monotonic() + control.wait_seconds
    told = False
    while True:
        control.cancel.raise_if_cancelled()
        if (holder := current_holder(workspace)) is None:
            return
        if time.monotonic() >= deadline:
            raise busy(holder)
        if not told:
            control.report(waiting_event(context, operation, job))
            told = True
        time.sleep(_POLL_SECONDS)


def waiting_event(context: Context, operation: str, job: str) -> JobEvent:
    """That a job waits for another one, which has not been told in its own story."""
    return JobEvent("stage", job, operation, context.clock.now(), Stage.WAITING)
