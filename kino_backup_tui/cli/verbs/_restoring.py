"""What `restore` and `rollback` have in common: show the plan, ask, start the worker, follow it."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from kino_backup_tui.cli.exit_codes import OK, exit_code
from kino_backup_tui.cli.following import follow, write_end
from kino_backup_tui.cli.options import SecondsType, json_option, progress_option, wait_option
from kino_backup_tui.cli.output import talk, tell_error, warn, write_json, write_line
from kino_backup_tui.cli.session import controlled, without_story
from kino_backup_tui.cli.signals import let_signals_stop
from kino_backup_tui.cli.standard_input import confirmed
from kino_backup_tui.core.errors import OperationCancelledError

if TYPE_CHECKING:
    from kino_backup_tui.core.operations.context import Context
    from kino_backup_tui.core.operations.restore import RestoreOptions
    from kino_backup_tui.core.progress import Control
    from kino_backup_tui.core.restore.plan import RestorePlan

_UNTOUCHED = "Cancelled; nothing was changed."


class Request(NamedTuple):
    """What the options ask for."""

    yes: bool
    dry_run: bool
    safety_backup: bool
    health_seconds: float
    library_missing_ok: bool
    wait_seconds: float
    progress: bool
    as_json: bool

    def options(self) -> RestoreOptions:
        """Those that the core knows."""
        from kino_backup_tui.core.operations.restore import RestoreOptions

        return RestoreOptions(self.safety_backup, self.health_seconds, self.library_missing_ok)


library_option = click.option(
    "--library-missing-ok",
    is_flag=True,
    help="Start Kino even if the library of its database is not there.",
)


def restore_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that `Request` is made of; it gets them as its `request`."""

    @functools.wraps(command)
    def with_request(**given: Any) -> Any:
        request = Request(**{name: given.pop(name) for name in Request._fields})
        return command(request=request, **given)

    asking: Callable[..., Any] = with_request
    for option in reversed(
        (
            click.option("--dry-run", is_flag=True, help="Only tell what would be done."),
            click.option("--yes", is_flag=True, help="Do not ask."),
            click.option(
                "--no-safety-backup",
                "safety_backup",
                is_flag=True,
                default=True,
                flag_value=False,
                help="Do without a backup of the current state; the replaced files are kept all the same.",
            ),
            click.option(
                "--health-timeout",
                "health_seconds",
                type=SecondsType(min=1),
                default=180,
                show_default=True,
                metavar="SECONDS",
                help="How long Kino may take to become healthy before the restore is undone.",
            ),
            library_option,
            wait_option,
            progress_option,
            json_option,
        )
    ):
        asking = option(asking)
    return asking


def perform(
    context: Context,
    make_plan: Callable[[Control], RestorePlan],
    request: Request,
    unless_started: contextlib.ExitStack,
) -> int:
    """Plan, show, ask, start and follow; return the exit code.

    `unless_started` cleans up when it is closed; once the worker has begun that is the worker's to do.
    """
    from kino_backup_tui.core.operations.restore import start_restore

    with controlled(as_json=request.as_json, progress=request.progress) as control:
        try:
            plan = make_plan(without_story(control))
            let_signals_stop()
            # One that came while the last of the plan could not be interrupted must not be lost.
            control.cancel.raise_if_cancelled()
        except OperationCancelledError as error:
            raise OperationCancelledError(_UNTOUCHED) from error
    if request.dry_run or plan.blockers:
        return _write_plan(context, plan, request)
    _confirm(context, plan, request)
    with controlled(
        as_json=request.as_json, progress=request.progress, wait_seconds=request.wait_seconds
    ) as control:
        job = start_restore(context, plan, request.options(), control)
        unless_started.pop_all()
        end = follow(context, job, control)
        if end.outcome == OperationCancelledError.code:
            raise OperationCancelledError(_UNTOUCHED)
    return write_end(context, end, as_json=request.as_json)


def _write_plan(context: Context, plan: RestorePlan, request: Request) -> int:
    """Print a plan that is not carried out: as data if it was asked for, else as the reason why not."""
    from kino_backup_tui.presentation.restore_objects import plan_object
    from kino_backup_tui.presentation.shapes import problem_object

    code = exit_code(type(plan.blockers[0])) if plan.blockers else OK
    if request.as_json:
        if request.dry_run:
            write_json(plan_object(plan))
        else:
            problems = [problem_object(blocker) for blocker in plan.blockers]
            write_json({"error": problems[0], "blockers": problems})
        return code
    _tell_plan(context, plan, write_line if request.dry_run else talk)
    for blocker in plan.blockers:
        tell_error(blocker)
    if plan.blockers:
        talk("Nothing was changed.")
    return code


def _tell_plan(context: Context, plan: RestorePlan, say: Callable[[str], None]) -> None:
    from kino_backup_tui.presentation.restore_text import plan_text

    for line in plan_text(plan, context.clock.now(), context.clock.zone()):
        say(line)
    for warning in plan.warnings:
        warn(warning)


def _confirm(context: Context, plan: RestorePlan, request: Request) -> None:
    from kino_backup_tui.presentation.restore_text import plan_question

    if not (request.as_json and request.yes):
        _tell_plan(context, plan, talk)
    hint = f"Give --yes to {plan.operation} without a question, or --dry-run to see the plan alone."
    if not request.yes and not confirmed(plan_question(plan), hint=hint):
        raise OperationCancelledError("Nothing was changed.")
