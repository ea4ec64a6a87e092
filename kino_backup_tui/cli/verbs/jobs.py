"""jobs: what was done, when, and how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kino_backup_tui.cli.options import json_option
from kino_backup_tui.cli.output import write_json, write_table
from kino_backup_tui.cli.session import Session

if TYPE_CHECKING:
    from kino_backup_tui.core.jobs.journal import JobRecord
    from kino_backup_tui.core.operations.context import Context

_HEADERS = ("Job", "Operation", "Started", "Took", "Outcome", "Message")


@click.command("jobs")
@json_option
@click.pass_obj
def command(session: Session, as_json: bool) -> None:
    """List the last fifty jobs, newest first."""
    from kino_backup_tui.core.operations.jobs import list_jobs

    context = session.context()
    jobs = list_jobs(context)
    if as_json:
        from kino_backup_tui.presentation.objects import job_object

        write_json([job_object(job) for job in jobs])
    elif jobs:
        write_table(_HEADERS, [_row(context, job) for job in jobs])


def _row(context: Context, job: JobRecord) -> tuple[str, ...]:
    from kino_backup_tui.presentation.text import NOT_KNOWN, date_text, duration_text, printable

    ended = context.clock.now() if job.running else job.ended_at
    return (
        printable(job.id),
        printable(job.operation),
        date_text(job.started_at, context.clock.zone()),
        duration_text(ended - job.started_at) if ended else NOT_KNOWN,
        "running" if job.running else printable(job.outcome or NOT_KNOWN),
        printable(job.message),
    )
