"""status: one look at Kino, its schedule and its backups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kino_backup_tui.cli.exit_codes import OK, exit_code
from kino_backup_tui.cli.options import json_option
from kino_backup_tui.cli.output import tell_error, warn, write_json, write_line
from kino_backup_tui.cli.session import Session, warn_of
from kino_backup_tui.core.errors import StaleError, UsageError

if TYPE_CHECKING:
    from datetime import timedelta

    from kino_backup_tui.core.models import Backup
    from kino_backup_tui.core.operations.context import Context
    from kino_backup_tui.core.operations.status import Status

_RUNNING = {True: "running", False: "not running", None: "not known whether it runs"}


def _max_age(_ctx: click.Context, _param: click.Parameter, value: str | None) -> timedelta | None:
    from kino_backup_tui.core.operations.freshness import parse_max_age

    try:
        return None if value is None else parse_max_age(value)
    except UsageError as error:
        raise click.BadParameter(error.full_text) from error


@click.command("status")
@click.option(
    "--max-age",
    callback=_max_age,
    metavar="AGE",
    help="Exit with 10 unless there is a verified backup at most this old: 90m, 26h, 2d.",
)
@json_option
@click.pass_obj
def command(session: Session, max_age: timedelta | None, as_json: bool) -> int:
    """Tell how Kino, the schedule and the backups are.

    The age is that of the newest verified backup in the current location, as it is on the disk now.
    Pre-restore ones do not count, and neither do those of another installation that shares the location.
    """
    from kino_backup_tui.core.kino.command import command_for
    from kino_backup_tui.core.operations.last_restore import interrupted, way_back
    from kino_backup_tui.core.operations.status import read_status
    from kino_backup_tui.core.workspace import workspace_of
    from kino_backup_tui.presentation.schedule_text import failing_text
    from kino_backup_tui.presentation.text import date_text

    context = session.context()
    status = read_status(context)
    left, back = interrupted(context), way_back(context)
    stale = status.stale(max_age) if max_age else None
    if as_json:
        from kino_backup_tui.presentation.objects import freshness_object, status_object

        judged = freshness_object(status.freshness, max_age, stale) if max_age else {}
        write_json(status_object(status, left, back) | judged)
    else:
        for name, value in _lines(context, status, back):
            write_line(f"{name:<12}{value}")
    closed = workspace_of(context.kino).closed_problem()
    warn_of(status.database_problem, status.settings_problem, status.location_problem, closed)
    if status.failing is not None:
        since = date_text(status.failing.since, context.clock.zone())
        warn(f"{failing_text(status.failing, status.settings)} Since {since}. {status.failing.hint}".rstrip())
    if status.unattended:
        remedy = command_for(context.kino, "install-service")
        warn(f"Nothing runs the schedule. `{remedy}` installs a timer that does.")
    elif status.ailing_timer:
        warn(f"The timer is {status.runner.text}. Run: {status.runner.hint}")
    if left is not None:
        settles = command_for(context.kino, "apply")
        warn(f"{left.text} `{settles}` settles it." if left.decided else left.text)
    if stale is None:
        return OK
    tell_error(stale)
    return exit_code(StaleError)


def _lines(context: Context, status: Status, way_back: str) -> list[tuple[str, str]]:
    from kino_backup_tui.core.kino.command import command_for
    from kino_backup_tui.core.sizes import size_text
    from kino_backup_tui.presentation.schedule_text import keep_text, schedule_text
    from kino_backup_tui.presentation.text import (
        STATUS_NAMES,
        ago_text,
        printable,
        run_text,
    )

    running = _RUNNING[status.kino.running]
    how = f" ({printable(status.kino.how)})" if status.kino.how else ""
    free = "" if status.free_bytes is None else f", {size_text(status.free_bytes)} free"
    none = "none to be seen" if status.location_problem or status.settings_problem else "none yet"
    counts = [f"{count} {STATUS_NAMES[state]}" for state, count in status.counts.items() if count]
    zone, now = context.clock.zone(), context.clock.now()
    if status.settings_problem is None:
        when = schedule_text(status.settings, status.terms, zone, now)
        schedule = f"{when}, {keep_text(status.settings.keep)}"
    else:
        schedule = "not known: the settings cannot be used"
    lines = [
        ("Kino", f"{printable(status.kino_version)}, {running}{how}"),
        ("Data path", f"{printable(str(status.data_path))} on {printable(status.host)}"),
        ("Schedule", schedule),
        ("Location", f"{printable(str(status.location))}{free}"),
        ("Backups", ", ".join(counts) or none),
    ]
    if status.next_run:
        lines.append(("Next run", run_text(status.next_run, context.clock.zone())))
    if status.settings.runs and status.settings_problem is None:
        runner = status.runner
        label = "Server" if runner.kind == "serve" else "Timer"
        lines.append((label, printable(runner.text if runner.name else "none installed")))
    if status.newest:
        lines.append(("Newest", _backup_line(context, status.newest)))
    if status.newest_verified and status.newest_verified != status.newest:
        lines.append(("Proven", _backup_line(context, status.newest_verified)))
    if way_back:
        lines.append(("Way back", printable(way_back)))
        lines.append(("Undo", printable(command_for(context.kino, "rollback"))))
    if status.job:
        ago = ago_text(status.job.started_at, context.clock.now())
        running_now = f"{status.job.operation}, started {ago} (job {status.job.id})"
        lines.append(("Running now", printable(running_now)))
    return lines


def _backup_line(context: Context, backup: Backup) -> str:
    from kino_backup_tui.presentation.text import ago_text, date_text, kind_text, state_text

    date = date_text(backup.created_at, context.clock.zone())
    ago = ago_text(backup.created_at, context.clock.now())
    return f"{date} ({ago}), {kind_text(backup)}, {state_text(backup)}"
