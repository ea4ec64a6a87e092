"""create: make a backup now."""

from __future__ import annotations

import click

from kino_backup_tui.cli.options import (
    accept_location_option,
    json_option,
    progress_option,
    use_reserve_option,
    wait_option,
)
from kino_backup_tui.cli.session import Session, controlled


@click.command("create")
@wait_option
@use_reserve_option
@accept_location_option
@progress_option
@json_option
@click.pass_obj
def command(
    session: Session,
    wait_seconds: float,
    use_reserve: bool,
    accept_location: bool,
    progress: bool,
    as_json: bool,
) -> None:
    """Make a backup now, and prove it by reading it back.

    Its path is printed on standard output.
    """
    from kino_backup_tui.cli.verbs._created import write_created
    from kino_backup_tui.core.operations.create import create_backup

    context = session.context()
    with controlled(as_json=as_json, progress=progress, wait_seconds=wait_seconds) as control:
        created = create_backup(context, control, use_reserve=use_reserve, accept_location=accept_location)
    write_created(created, "Created", as_json=as_json)
