"""run-due: make the scheduled backup if one is due."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING

import click

from kino_backup_tui.cli.exit_codes import OK, exit_code
from kino_backup_tui.cli.options import json_option, progress_option, wait_option
from kino_backup_tui.cli.output import talk, tell_error, warn, write_json, write_line
from kino_backup_tui.cli.session import Session, controlled

if TYPE_CHECKING:
    from kino_backup_tui.core.operations.context import Context
    from kino_backup_tui.core.operations.run_due import DueRun

_YEARS = range(1970, 9000)
"""Where a slot before and after an instant has a date."""


def _instant(_ctx: click.Context, _param: click.Parameter, value: str | None) -> datetime | None:
    """Read an instant of RFC 3339, which has an offset."""
    if value is None:
        return None
    try:
        instant = datetime.fromisoformat(value)
        if "T" in value.upper() and instant.utcoffset() is not None and instant.year in _YEARS:
            return instant
    except ValueError:
        pass
    raise click.BadParameter("must be an instant with an offset, such as 2026-04-27T03:00:00+02:00.")


@click.command("run-due")
@click.option(
    "--now",
    metavar="INSTANT",
    callback=_instant,
    help="For tests: the instant to take for the current one, such as 2026-04-27T03:00:00+02:00. A backup "
    "that is made gets this date.",
)
@wait_option
@progress_option
@json_option
@click.pass_obj
def command(
    session: Session, now: datetime | None, wait_seconds: float, progress: bool, as_json: bool
) -> int:
    """Make the scheduled backup if one is due, then remove those that are too many.

    For a timer: however often it is called, each slot of the schedule gets one backup. Where nothing is due
    it does nothing, and without a terminal says nothing. The path of a new backup is printed on standard
    output.
    """
    from kino_backup_tui.core.operations.run_due import run_due

    context = session.context()
    with controlled(as_json=as_json, progress=progress, wait_seconds=wait_seconds) as control:
        run = run_due(context, control, now=now)
    if as_json:
        from kino_backup_tui.presentation.objects import due_object

        write_json(due_object(run))
    else:
        _tell(context, run)
    return OK if run.problem is None else exit_code(type(run.problem))


def _tell(context: Context, run: DueRun) -> None:
    from kino_backup_tui.presentation.schedule_text import due_text
    from kino_backup_tui.presentation.text import printable

    if run.backup is not None:
        write_line(printable(str(run.backup.path)))
    for warning in run.warnings:
        warn(warning)
    # Cron sends a mail for every line, and a journal keeps it: what is no news is for a person alone.
    if (run.repeated or (run.backup is None and run.problem is None)) and not sys.stderr.isatty():
        return
    if run.problem is not None:
        tell_error(run.problem)
    talk(due_text(run, context.clock.zone()))
