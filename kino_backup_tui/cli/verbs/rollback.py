"""rollback: undo the last restore."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from kino_backup_tui.cli.session import Session
from kino_backup_tui.cli.verbs._restoring import Request, perform, restore_options

if TYPE_CHECKING:
    from kino_backup_tui.core.progress import Control
    from kino_backup_tui.core.restore.plan import RestorePlan


@click.command("rollback")
@restore_options
@click.pass_obj
def command(session: Session, request: Request) -> int:
    """Undo the last restore: put back the files that it has replaced.

    The current state is saved in a backup first: what is newer is then only there. Where the replaced files
    are gone, the pre-restore backup of that restore takes their place.
    """
    context = session.context(may_be_empty=True)

    def make_plan(control: Control) -> RestorePlan:
        from kino_backup_tui.core.operations.restore import plan_rollback

        return plan_rollback(context, control, request.options())

    return perform(context, make_plan, request, contextlib.ExitStack())
