"""watch: follow a job that runs, or hear the story of one that has ended."""

from __future__ import annotations

import click

from kino_backup_tui.cli.exit_codes import OK, outcome_exit_code
from kino_backup_tui.cli.following import write_end
from kino_backup_tui.cli.options import json_option
from kino_backup_tui.cli.output import write_json, write_line
from kino_backup_tui.cli.session import Session, controlled
from kino_backup_tui.core.progress import RESTORING, JobEvent


@click.command("watch")
@click.argument("job", required=False)
@json_option
@click.pass_obj
def command(session: Session, job: str | None, as_json: bool) -> int:
    """Follow a job until it ends.

    The exit code is that of its outcome; a restore is followed by its result. Without JOB: the one that is
    running, else the newest. Interrupting the watching does not touch the job.
    """
    from kino_backup_tui.core.operations.jobs import watch_job

    context = session.context(may_be_empty=True)
    code, end, note = OK, None, ""
    with controlled(as_json=as_json) as control:
        for event in watch_job(context, job, control.cancel):
            if as_json:
                from kino_backup_tui.presentation.objects import event_object

                write_json(event_object(event))
            else:
                control.report(event)
                _write_text(event, note)
                note = event.note
            if event.event == "end":
                code, end = outcome_exit_code(event.outcome), event
    if end is not None and end.operation in RESTORING:
        return write_end(context, end, as_json=as_json)
    return code


def _write_text(event: JobEvent, note: str) -> None:
    """A line for the beginning, each stage and the end; the readings in between have a line of their own.

    `note` is the last one of the stage before, which is what that stage has come to.
    """
    from kino_backup_tui.presentation.text import STAGE_NAMES, printable

    if note and event.event in ("stage", "end"):
        write_line(f"  {printable(note)}")
    if event.event == "start":
        write_line(printable(f"{event.operation} (job {event.job})"))
    elif event.event == "stage" and event.stage is not None:
        write_line(STAGE_NAMES[event.stage])
    elif event.event == "end" and event.operation not in RESTORING:
        write_line(printable(f"{event.outcome}: {event.message}" if event.message else str(event.outcome)))
