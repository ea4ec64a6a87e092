"""A Kino that nobody supervises: only whoever has started it can stop it."""

from __future__ import annotations

import time

from kino_backup_tui.core.errors import OperationCancelledError, ServiceError
from kino_backup_tui.core.jobs.job import Job
from kino_backup_tui.core.kino.closed import find_openers
from kino_backup_tui.core.kino.command import command_for
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.progress import APPLY, Stage

WAIT_SECONDS = 24 * 3600.0
"""How long a staged restore waits for it to be stopped."""
_POLL_SECONDS = 0.5


def wait_until_stopped(kino: Kino, job: Job) -> None:
    """Ask for it to be stopped, as a stage of the job, and wait for that.

    Raises `OperationCancelledError`, also after `WAIT_SECONDS`.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    while openers := find_openers(kino):
        if job.now_at is not Stage.WAITING_FOR_KINO:
            job.stage(Stage.WAITING_FOR_KINO)
            pids = ", ".join(str(pid) for pid in openers.pids) or "not known"
            job.note(f"stop Kino now (process {pids}); the restore goes on by itself")
        job.cancel.raise_if_cancelled()
        if time.monotonic() > deadline:
            raise OperationCancelledError("Kino has not been stopped within a day; nothing was changed.")
        time.sleep(_POLL_SECONDS)


def require_stopped(kino: Kino) -> None:
    """Raise `ServiceError` while it runs on the files of an interrupted restore."""
    found = find_openers(kino)
    if found is not None:
        who = ", ".join(f"process {pid}" for pid in found.pids) or "a process"
        raise ServiceError(
            f"Kino runs ({who}) on the files of an interrupted restore.",
            hint=f"Stop it, then run `{command_for(kino, APPLY)}` again.",
        )
