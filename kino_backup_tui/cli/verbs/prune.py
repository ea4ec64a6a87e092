"""prune: apply retention."""

from __future__ import annotations

import click

from kino_backup_tui.cli.options import json_option, progress_option, wait_option
from kino_backup_tui.cli.output import talk, write_json, write_line
from kino_backup_tui.cli.session import Session, controlled


@click.command("prune")
@click.option("--dry-run", is_flag=True, help="Only tell what would be removed.")
@wait_option
@progress_option
@json_option
@click.pass_obj
def command(session: Session, dry_run: bool, wait_seconds: float, progress: bool, as_json: bool) -> None:
    """Remove the scheduled backups that are too many.

    The oldest go first, and as many stay as the schedule keeps. Manual, pre-restore, imported, damaged
    and unverified ones stay. The removed names are printed on standard output.
    """
    from kino_backup_tui.core.operations.prune import prune
    from kino_backup_tui.presentation.objects import pruned_object
    from kino_backup_tui.presentation.text import printable

    context = session.context()
    with controlled(as_json=as_json, progress=progress, wait_seconds=wait_seconds) as control:
        pruned = prune(context, control, dry_run=dry_run)
    if as_json:
        write_json(pruned_object(pruned, dry_run=dry_run))
        return
    for backup in pruned.removed:
        write_line(printable(backup.filename))
    done = "Would remove" if dry_run else "Removed"
    what = f"{len(pruned.removed)} of {pruned.counted} scheduled backups made by this program"
    talk(f"{done} {what}; at most {pruned.keep} stay.")
    if pruned.note:
        talk(pruned.note)
