"""schedule: show or change Kino's backup settings."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import time
from typing import TYPE_CHECKING, Any

import click

from kino_backup_tui.cli.options import accept_location_option, json_option, progress_option, wait_option
from kino_backup_tui.cli.output import talk, warn, write_json, write_line
from kino_backup_tui.cli.session import Session, controlled
from kino_backup_tui.core.errors import InvalidSettingsError, KinoBackupError, UsageError
from kino_backup_tui.core.kino.command import PROGRAM, command_for
from kino_backup_tui.core.kino.settings import (
    Frequency,
    parse_keep,
    parse_location,
    parse_time,
)

if TYPE_CHECKING:
    from kino_backup_tui.core.operations.context import Context
    from kino_backup_tui.core.operations.move import Moved
    from kino_backup_tui.core.operations.schedule import SchedulePreview
    from kino_backup_tui.core.progress import Control


@click.group("schedule", invoke_without_command=True)
@json_option
@click.pass_context
def command(click_context: click.Context, as_json: bool) -> None:
    """Show the schedule, or change it with `schedule set`."""
    # `schedule --json show` is `schedule show --json`.
    click_context.default_map = {name: {"as_json": as_json} for name in command.commands}
    if click_context.invoked_subcommand is None:
        _show(click_context.obj, as_json=as_json)


@command.command("show")
@json_option
@click.pass_obj
def show(session: Session, as_json: bool) -> None:
    """Show the schedule, its next runs, and what retention would remove."""
    _show(session, as_json=as_json)


def _show(session: Session, *, as_json: bool) -> None:
    from kino_backup_tui.core.operations.schedule import preview_schedule, read_schedule

    context = session.context()
    _write(context, preview_schedule(context, read_schedule(context)), as_json=as_json)


def _parsed_by(parse: Callable[[str], object]) -> Callable[..., object]:
    """An option's callback that applies the core's own rule for the value in config.toml."""

    def check(_ctx: click.Context, _param: click.Parameter, value: str | None) -> object:
        try:
            return None if value is None else parse(value)
        except InvalidSettingsError as error:
            raise click.BadParameter(error.message) from error

    return check


@command.command("set")
@click.option(
    "--frequency",
    type=click.Choice([each.value for each in Frequency]),
    help="Weekly is Sunday, monthly the 1st; to Kino 0.3, every 6 and every 28 days.",
)
@click.option(
    "--time",
    "at",
    callback=_parsed_by(parse_time),
    metavar="HH:MM",
    help="On a 24-hour clock, in local time; to Kino 0.3, in UTC.",
)
@click.option(
    "--keep", callback=_parsed_by(parse_keep), metavar="N", help="How many scheduled backups to keep."
)
@click.option(
    "--location",
    callback=_parsed_by(parse_location),
    metavar="FOLDER",
    help="Where new backups go; empty for the folder in the data path.",
)
@click.option("--enabled", is_flag=True, help="Have scheduled backups run.")
@click.option("--disabled", is_flag=True, help="Have none run.")
@click.option("--move", is_flag=True, help="Then move the backups of former locations to the current one.")
@click.option("--dry-run", is_flag=True, help="Only tell what it would mean; nothing is saved.")
@accept_location_option
@wait_option
@progress_option
@json_option
@click.pass_obj
def set_(
    session: Session,
    frequency: str | None,
    at: time | None,
    keep: int | None,
    location: str | None,
    enabled: bool,
    disabled: bool,
    move: bool,
    dry_run: bool,
    accept_location: bool,
    wait_seconds: float,
    progress: bool,
    as_json: bool,
) -> None:
    """Change what is given and keep the rest; nothing else in Kino's settings changes.

    A saved value that is not allowed is replaced by the one that is given, and is an error otherwise.

    The backups of a former location stay there, and in the list. With --move each is copied and the copy read
    back before its original goes; damaged ones stay. Nothing is removed by saving: what the next run or
    `prune` will remove is named.
    """
    from kino_backup_tui.core.operations.schedule import changed_schedule, preview_schedule, save_schedule

    if enabled and disabled:
        raise UsageError("--enabled and --disabled contradict each other.")
    changes: dict[str, Any] = {
        "frequency": Frequency(frequency) if frequency else None,
        "time": at,
        "keep": keep,
        "location": location,
        "enabled": enabled if enabled or disabled else None,
    }
    given = {name: value for name, value in changes.items() if value is not None}
    if not given and not move:
        raise UsageError("Nothing to change was given.", hint=f"{PROGRAM} schedule set --help")
    context = session.context()
    settings = changed_schedule(context, given)
    if dry_run:
        _write(context, preview_schedule(context, settings, move=move), as_json=as_json, moving=move)
        if not as_json:
            talk("Nothing was saved.")
        return
    moved: Moved | None = None
    with controlled(as_json=as_json, progress=progress, wait_seconds=wait_seconds) as control:
        preview = save_schedule(context, settings, control, accept_location=accept_location)
        if move:
            moved = _move(context, control)
            preview = preview_schedule(context, settings)
    _write(context, preview, moved, as_json=as_json)
    _warn_of_sandbox(context)
    if not as_json:
        talk("Saved.")


def _warn_of_sandbox(context: Context) -> None:
    """A timer that was installed for another location may not write to the new one."""
    from kino_backup_tui.core.operations.install_service import sandbox_problem

    problem, repair = sandbox_problem(context, os.environ)
    if problem:
        warn(f"{problem} Run: {repair}")


def _move(context: Context, control: Control) -> Moved:
    from kino_backup_tui.core.operations.move import move_backups

    try:
        return move_backups(context, control)
    except KinoBackupError as error:
        again = command_for(context.kino, "schedule", "set", "--move")
        hint = f"{error.hint} The schedule is saved; `{again}` goes on with the move.".lstrip()
        raise type(error)(error.message, hint=hint) from error


def _write(
    context: Context,
    preview: SchedulePreview,
    moved: Moved | None = None,
    *,
    as_json: bool,
    moving: bool = False,
) -> None:
    """Write what a schedule means; `moving` is whether the backups elsewhere would come along."""
    if as_json:
        from kino_backup_tui.presentation.objects import moved_object, schedule_object

        write_json(schedule_object(preview) | ({} if moved is None else {"moved": moved_object(moved)}))
        return
    from kino_backup_tui.core.sizes import size_text
    from kino_backup_tui.presentation.schedule_text import left_text, removes_text, schedule_text
    from kino_backup_tui.presentation.text import printable, run_text

    zone, now = context.clock.zone(), context.clock.now()
    free = "" if preview.free_bytes is None else f", {size_text(preview.free_bytes)} free"
    shared = ", on the same disk as Kino's data" if preview.same_disk else ""
    write_line(f"{'Schedule':<12}{schedule_text(preview.settings, preview.terms, zone, now)}")
    write_line(f"{'Keep':<12}{preview.settings.keep or 'all'}")
    write_line(f"{'Location':<12}{printable(str(preview.location))}{free}{shared}")
    for run in preview.next_runs:
        write_line(f"{'Next run':<12}{run_text(run, zone)}")
    for backup in preview.movable if moving else moved.moved if moved else ():
        write_line(f"{'Would come' if moving else 'Moved':<12}{printable(backup.filename)}")
    for left in moved.left if moved else ():
        write_line(f"{'Left':<12}{printable(left_text(left))}")
    for backup in preview.removes:
        write_line(f"{'Would go':<12}{printable(backup.filename)}")
    if preview.removes:
        by_kino = bool(preview.by_kino)
        talk(removes_text(len(preview.removes), preview.settings.keep, by_kino=by_kino))
    for remark in (*preview.remarks, *preview.terms.remarks):
        warn(remark)
    if preview.location_problem:
        warn(preview.location_problem)
    for warning in moved.warnings if moved else ():
        warn(warning)
