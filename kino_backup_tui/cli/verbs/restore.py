"""restore: put Kino back to the state of a backup."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kino_backup_tui.cli.options import source_argument
from kino_backup_tui.cli.session import Session, controlled, without_story
from kino_backup_tui.cli.standard_input import archive_stream, require_archive
from kino_backup_tui.cli.verbs._restoring import Request, perform, restore_options
from kino_backup_tui.core.errors import UsageError

if TYPE_CHECKING:
    from kino_backup_tui.core.models import Backup
    from kino_backup_tui.core.operations.context import Context
    from kino_backup_tui.core.progress import Control
    from kino_backup_tui.core.restore.plan import RestorePlan

_STANDARD_INPUT = "-"


@click.command("restore")
@source_argument
@restore_options
@click.pass_obj
def command(session: Session, source: str, request: Request) -> int:
    """Replace Kino's database, config and secrets by those of a backup.

    The plan is shown first, with everything that forbids it. The current state is saved, Kino is stopped and
    started again, and if it does not become healthy everything is put back.

    SOURCE is what `show` takes, a file (with a slash in its path), or "-" for an archive on standard input.
    """
    if source == _STANDARD_INPUT:
        require_archive()
        if not (request.yes or request.dry_run):
            raise UsageError(
                "Standard input is the archive, so nobody can answer a question.",
                hint="Give --yes to restore without one, or --dry-run to see the plan.",
            )
    context = session.context(may_be_empty=True)
    with contextlib.ExitStack() as unless_started:
        found = _find(context, source, request, unless_started)

        def make_plan(control: Control) -> RestorePlan:
            from kino_backup_tui.core.operations.restore import plan_restore

            return plan_restore(context, found, control, request.options())

        return perform(context, make_plan, request, unless_started)


def _find(
    context: Context, source: str, request: Request, unless_started: contextlib.ExitStack
) -> Backup | Path:
    from kino_backup_tui.core.operations.listing import find_backup
    from kino_backup_tui.core.operations.restore import receive

    if source == _STANDARD_INPUT:
        with controlled(as_json=request.as_json, progress=request.progress) as control:
            received = receive(context, archive_stream(control.cancel), without_story(control))
            unless_started.callback(received.discard)
        return received.path
    return Path(source).absolute() if "/" in source else find_backup(context, source)
