"""jobs and watch: what was done, and what is being done now."""

from __future__ import annotations

import time
from collections.abc import Iterator

from kino_backup_tui.core.errors import DetachedError, NotFoundError
from kino_backup_tui.core.jobs.journal import (
    INTERRUPTED,
    JobRecord,
    journal_path,
    read_events,
    read_records,
)
from kino_backup_tui.core.kino.command import command_for
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.progress import CancelToken, JobEvent
from kino_backup_tui.core.workspace import Workspace, workspace_of

_POLL_SECONDS = 0.25


def list_jobs(context: Context) -> tuple[JobRecord, ...]:
    """The newest fifty jobs, newest first."""
    return read_records(workspace_of(context.kino))


def watch_job(context: Context, job_id: str | None, cancel: CancelToken) -> Iterator[JobEvent]:
    """Yield a job's events from its start, then as they come, until it ends.

    Without an id: the job that is running, else the newest. A job whose process died ends with the outcome
    "interrupted". Raises `NotFoundError`, `DetachedError` if `cancel` ends the watching.
    """
    workspace = workspace_of(context.kino)
    records = read_records(workspace)
    wanted = next((record for record in records if record.running and job_id is None), None) or next(
        (record for record in records if job_id in (None, record.id)), None
    )
    if wanted is None:
        raise NotFoundError("There is no job." if job_id is None else f"There is no job {job_id!r}.")
    seen = 0
    while True:
        running = any(record.running for record in read_records(workspace) if record.id == wanted.id)
        events = [event for event, _pid in read_events(journal_path(workspace, wanted.id))]
        yield from events[seen:]
        seen = len(events)
        if events and events[-1].event == "end":
            return
        if not running:
            # It may have ended between the two looks; only a second look at the events can tell.
            yield from _last_words(workspace, wanted, events)
            return
        if cancel.cancelled:
            again = command_for(context.kino, "watch")
            raise DetachedError(f"The {wanted.operation} goes on; `{again}` shows it.")
        time.sleep(_POLL_SECONDS)


def _last_words(workspace: Workspace, record: JobRecord, seen: list[JobEvent]) -> Iterator[JobEvent]:
    events = [event for event, _pid in read_events(journal_path(workspace, record.id))]
    yield from events[len(seen) :]
    if not (events or seen):
        raise NotFoundError(f"The journal of job {record.id} is gone.")
    last = events[-1] if events else seen[-1]
    if last.event != "end":
        message = "Its process ended before it did."
        yield last._replace(event="end", outcome=INTERRUPTED, message=message)
