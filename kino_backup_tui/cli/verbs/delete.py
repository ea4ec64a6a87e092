"""delete: remove one backup or leftover."""

from __future__ import annotations

import click

from kino_backup_tui.cli.options import backup_argument, json_option, wait_option
from kino_backup_tui.cli.output import talk, warn, write_json
from kino_backup_tui.cli.session import Session, controlled
from kino_backup_tui.cli.standard_input import confirmed
from kino_backup_tui.core.errors import OperationCancelledError


@click.command("delete")
@backup_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@wait_option
@json_option
@click.pass_obj
def command(session: Session, backup: str, yes: bool, wait_seconds: float, as_json: bool) -> None:
    """Delete one backup, after asking.

    Unfinished files go the same way. BACKUP is what `show` takes.
    """
    from kino_backup_tui.core.operations.delete import delete_backup
    from kino_backup_tui.core.operations.listing import find_backup
    from kino_backup_tui.presentation.objects import backup_object
    from kino_backup_tui.presentation.text import delete_question, printable

    context = session.context()
    found = find_backup(context, backup)
    question = delete_question(found, context.clock.zone())
    if not yes and not confirmed(question, hint="Give --yes to delete without a question."):
        raise OperationCancelledError("Nothing was deleted.")
    with controlled(as_json=as_json, wait_seconds=wait_seconds) as control:
        warnings = delete_backup(context, found, control)
    for text in warnings:
        warn(text)
    if as_json:
        write_json({"deleted": backup_object(found)})
    else:
        talk(f"Deleted {printable(found.filename)}.")
