"""reindex: bring Kino's own list of backups in step with the files."""

from __future__ import annotations

import click

from kino_backup_tui.cli.options import json_option, progress_option, wait_option
from kino_backup_tui.cli.output import talk, warn, write_json, write_line
from kino_backup_tui.cli.session import Session, controlled


@click.command("reindex")
@click.option("--dry-run", is_flag=True, help="Only tell what would be changed.")
@wait_option
@progress_option
@json_option
@click.pass_obj
def command(session: Session, dry_run: bool, wait_seconds: float, progress: bool, as_json: bool) -> None:
    """Bring Kino's own list of backups in step with the files.

    Kino 0.3 keeps one in its database, and its page shows nothing else. Backups that are not in it are added
    (+), entries without a file are removed (-), and scheduled ones from the future, which hold up Kino's
    schedule, become manual ones (~). No file is changed, and Kino may run meanwhile.
    """
    from kino_backup_tui.core.operations.reindex import reindex
    from kino_backup_tui.presentation.index_text import reindexed_object, reindexed_text
    from kino_backup_tui.presentation.text import printable

    context = session.context()
    with controlled(as_json=as_json, progress=progress, wait_seconds=wait_seconds) as control:
        done = reindex(context, control, dry_run=dry_run)
    if as_json:
        write_json(reindexed_object(done, dry_run=dry_run))
        return
    for backup in done.added:
        write_line(f"+ {printable(backup.filename)}")
    for row in done.removed:
        write_line(f"- {printable(row.filename)}")
    for row in done.relisted:
        write_line(f"~ {printable(row.filename)}")
    for backup, why in done.left:
        warn(f"{backup.filename}: {why}")
    talk(reindexed_text(done, dry_run=dry_run))
