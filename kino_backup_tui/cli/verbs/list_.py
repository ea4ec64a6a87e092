"""list: the backups on disk, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kino_backup_tui.cli.exit_codes import OK, exit_code
from kino_backup_tui.cli.options import json_option
from kino_backup_tui.cli.output import write_json_array, write_table
from kino_backup_tui.cli.session import Session, warn_of
from kino_backup_tui.core.models import BackupKind

if TYPE_CHECKING:
    from kino_backup_tui.core.operations.context import Context
    from kino_backup_tui.core.operations.listing import Listing

_HEADERS = ("Kind", "Created", "Age", "Size", "Kino", "State", "File")
_FLUSH_RIGHT = (2, 3)


@click.command("list")
@click.option("--kind", type=click.Choice([kind.value for kind in BackupKind]), help="Only this kind.")
@click.option("--all", "everything", is_flag=True, help="Unfinished and foreign files in the location, too.")
@json_option
@click.pass_obj
def command(session: Session, kind: str | None, everything: bool, as_json: bool) -> int:
    """List the backups, newest first.

    A location that is missing is said and has its exit code; backups in other places are listed all the same.
    """
    from kino_backup_tui.core.operations.last_restore import way_back
    from kino_backup_tui.core.operations.listing import list_backups

    context = session.context()
    listing = list_backups(context, kind=BackupKind(kind) if kind else None, everything=everything)
    back = way_back(context)
    if as_json:
        from kino_backup_tui.presentation.objects import backup_object

        zone, fates = context.clock.zone(), listing.fates
        write_json_array(backup_object(each, fates.get(each.path), zone, back) for each in listing.backups)
    elif listing.backups:
        write_table(_HEADERS, _rows(context, listing, back), right=_FLUSH_RIGHT)
    warn_of(listing.settings_problem, listing.location_problem)
    return exit_code(type(listing.location_problem)) if listing.location_problem else OK


def _rows(context: Context, listing: Listing, way_back: str) -> list[tuple[str, ...]]:
    from kino_backup_tui.core.sizes import size_text
    from kino_backup_tui.presentation.text import (
        NOT_KNOWN,
        WAY_BACK,
        age_text,
        date_text,
        is_way_back,
        kind_text,
        printable,
        state_text,
    )

    now, zone = context.clock.now(), context.clock.zone()
    return [
        (
            kind_text(backup),
            date_text(backup.created_at, zone),
            age_text(backup.created_at, now),
            size_text(backup.size_bytes),
            printable(backup.kino_version or NOT_KNOWN),
            f"{state_text(backup)} {WAY_BACK if is_way_back(backup, way_back) else ''}".strip(),
            # The whole path is what the other verbs take for a file that is not in the current location.
            printable(str(backup.path) if backup.elsewhere else backup.filename),
        )
        for backup in listing.backups
    ]
