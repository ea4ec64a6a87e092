"""export: a copy of a backup somewhere else."""

from __future__ import annotations

import click

from kino_backup_tui.cli.options import PathType, backup_argument, json_option, progress_option
from kino_backup_tui.cli.output import talk, told_in_any_case, warn, write_json, write_line
from kino_backup_tui.cli.session import Session, controlled
from kino_backup_tui.core.errors import UsageError
from kino_backup_tui.core.models import BackupStatus


@click.command("export")
@backup_argument
@click.argument("destination", type=PathType(str), metavar="DEST")
@progress_option
@json_option
@click.pass_obj
def command(session: Session, backup: str, destination: str, progress: bool, as_json: bool) -> None:
    """Copy a backup to another place.

    DEST is a folder, or a file that does not exist; the copy is compared with the original. That the
    original is damaged is said. BACKUP is what `show` takes. The path of the copy is printed on standard
    output.
    """
    from kino_backup_tui.core.operations.export import export_backup
    from kino_backup_tui.core.operations.listing import find_backup
    from kino_backup_tui.core.sizes import size_text
    from kino_backup_tui.presentation.text import printable

    if destination == "-":
        raise UsageError("An export is compared with what was written, so it cannot go to standard output.")
    context = session.context()
    with controlled(as_json=as_json, progress=progress) as control:
        found = find_backup(context, backup)
        path = export_backup(context, found, destination, control)
    if found.status is BackupStatus.DAMAGED:
        warn(f"{found.filename} is damaged: {found.problem} The copy is as it is.")
    told = f"Exported {found.filename}: {size_text(found.size_bytes)}, compared."
    with told_in_any_case(told):
        if as_json:
            write_json({"path": str(path), "size_bytes": found.size_bytes, "status": found.status.value})
            return
        write_line(printable(str(path)))
    talk(told)
