"""import: take an archive from outside into the backup location."""

from __future__ import annotations

from pathlib import Path

import click

from kino_backup_tui.cli.options import (
    PathType,
    accept_location_option,
    json_option,
    progress_option,
    use_reserve_option,
    wait_option,
)
from kino_backup_tui.cli.session import Session, controlled
from kino_backup_tui.cli.standard_input import archive_stream, require_archive


@click.command("import")
@click.argument("file", type=PathType(), metavar="FILE")
@wait_option
@use_reserve_option
@accept_location_option
@progress_option
@json_option
@click.pass_obj
def command(
    session: Session,
    file: Path,
    wait_seconds: float,
    use_reserve: bool,
    accept_location: bool,
    progress: bool,
    as_json: bool,
) -> None:
    """Verify an archive and add it to the backups.

    FILE may be "-" for standard input. Retention never removes an imported backup. Its path is printed on
    standard output.
    """
    from kino_backup_tui.cli.verbs._created import write_created
    from kino_backup_tui.core.operations.import_ import import_backup

    from_stdin = str(file) == "-"
    if from_stdin:
        require_archive()
    context = session.context()
    with controlled(as_json=as_json, progress=progress, wait_seconds=wait_seconds) as control:
        created = import_backup(
            context,
            archive_stream(control.cancel) if from_stdin else file,
            control,
            use_reserve=use_reserve,
            accept_location=accept_location,
        )
    write_created(created, "Imported", as_json=as_json)
