"""jobs and watch: what was done, and what is being done now."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from kino_backup_tui.core.errors import DetachedError, NotFoundError
from kino_backup_tui.core.jobs.journal import INTERRUPTED, JobRecord, find_job, read_records
from kino_backup_tui.core.kino.command import command_for
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.progress import CancelToken, JobEvent
from kino_backup_tui.core.workspace import workspace_of

if TYPE_CHECKING:
    from kino_backup_tui.core.restore.plan import RestoreResult

_POLL_SECONDS = 0.25


class JobStory(NamedTuple):
    """A job and what it has told so far."""

    record: JobRecord
    events: tuple[JobEvent, ...]
    """From its start; that of a job which has ended ends with "end"."""

    @property
    def ended(self) -> bool:
        """Whether nothing will be added to it."""
        return self.events[-1].event == "end"

    @property
    def result(self) -> RestoreResult | None:
        """How it ended, of a restore that has."""
        from kino_backup_tui.core.operations.outcome import decode_result

        told = self.events[-1].result
        return None if told is None else decode_result(told)


def list_jobs(context: Context) -> tuple[JobRecord, ...]:
    """The newest fifty jobs, newest first; raises `NotPermittedError`."""
    workspace = workspace_of(context.kino)
    workspace.require_open()
    return read_records(workspace)


def running_job(context: Context) -> JobRecord | None:
    """The job that is running now, in this or another process."""
    return next((record for record in list_jobs(context) if record.running), None)


def read_story(context: Context, job_id: str) -> JobStory:
    """What a job has told so far; raises `NotFoundError`, `NotPermittedError`.

    A job whose process died ends with the outcome "interrupted".
    """
    workspace = workspace_of(context.kino)
    workspace.require_open()
    found = find_job(workspace, job_id)
    if found is None:
        raise NotFoundError(
            f"There is no job {job_id!r}.", hint=f"`{command_for(context.kino, 'jobs')}` names them."
        )
    record, events = found
    if not record.running and events[-1].event != "end":
        message = "Its process ended before it did."
        end = events[-1]._replace(event="end", outcome=INTERRUPTED, message=message)
        return JobStory(record._replace(message=message), (*events, end))
    return JobStory(record, events)


def watch_job(context: Context, job_id: str | None, cancel: CancelToken) -> Iterator[JobEvent]:
    """Yield a job's events from its start, then as they come, until it ends.

    Without an id: the job that is running, else the newest. A job whose process died ends with the outcome
    "interrupted". Raises `NotFoundError`, `NotPermittedError`, `DetachedError` if `cancel` ends the watching.
    """
    if job_id is None:
        records = list_jobs(context)
        if not records:
            raise NotFoundError("There is no job.")
        job_id = next((record for record in records if record.running), records[0]).id
    seen = 0
    while True:
        story = read_story(context, job_id)
        yield from story.events[seen:]
        seen = len(story.events)
        if story.ended:
            return
        if cancel.cancelled:
            again = command_for(context.kino, "watch")
            raise DetachedError(f"The {story.record.operation} goes on; `{again}` shows it.")
        time.sleep(_POLL_SECONDS)
