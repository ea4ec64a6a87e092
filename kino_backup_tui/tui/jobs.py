"""The one way this program works in the background: a thread runs one operation and posts its ending."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from textual.message import Message

from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.progress import Control
from kino_backup_tui.tui.messages import JobFailed, JobFinished


class Job(NamedTuple):
    """An operation to run, with what the screen says of it."""

    operation: str
    """As in `OPERATION_STAGES`."""
    title: str
    run: Callable[[Control], str]
    """Does the work and returns what to tell the admin of it."""
    watched: bool = False
    """It runs in another process: leaving the screen does not stop it."""
    stoppable: bool = True
    """False where stopping half-way would leave worse behind than going on."""
    note: str = ""
    """Said below the stages."""
    cancelled: str = "Cancelled. Nothing was kept."
    """What to say of it once it has been stopped."""


def run_job(job: Job, control: Control, post: Callable[[Message], object]) -> None:
    """Run a job to its end; meant for a thread, since `post` may be a widget's `post_message`."""
    try:
        said = job.run(control)
    except KinoBackupError as error:
        post(JobFailed(error))
    else:
        post(JobFinished(said))
