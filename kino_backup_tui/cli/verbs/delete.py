"""delete: remove one backup or leftover."""

from __future__ import annotations

import sys

import click

from kino_backup_tui.cli.options import backup_argument, json_option, wait_option
from kino_backup_tui.cli.output import talk, write_json
from kino_backup_tui.cli.session import Session, controlled
from kino_backup_tui.core.errors import OperationCancelledError, UsageError


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
    if not yes and not _confirmed(delete_question(found, context.clock.zone())):
        raise OperationCancelledError("Nothing was deleted.")
    with controlled(as_json=as_json, wait_seconds=wait_seconds) as control:
        delete_backup(context, found, control)
    if as_json:
        write_json({"deleted": backup_object(found)})
    else:
        talk(f"Deleted {printable(found.filename)}.")


def _confirmed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise UsageError(
            f"Nobody is here to answer: {question}", hint="Give --yes to delete without a question."
        )
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
