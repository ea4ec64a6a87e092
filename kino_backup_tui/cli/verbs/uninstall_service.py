"""uninstall-service: the host runs the schedule no longer, nor the HTTP API."""

from __future__ import annotations

import os
from pathlib import Path

import click

from kino_backup_tui.cli.options import json_option, user_timer_option
from kino_backup_tui.cli.session import Session
from kino_backup_tui.core.errors import NotFoundError
from kino_backup_tui.core.operations.context import Context


@click.command("uninstall-service")
@user_timer_option
@click.option("--api", is_flag=True, help="Remove the HTTP API alone; the timer stays.")
@json_option
@click.pass_obj
def command(session: Session, user: bool, api: bool, as_json: bool) -> None:
    """Remove all that install-service has installed; backups, settings and the key of the API stay."""
    from kino_backup_tui.cli.verbs._service import write_service
    from kino_backup_tui.core.operations.install_service import uninstall_service
    from kino_backup_tui.presentation.service_objects import uninstalled_object

    removed = uninstall_service(_context(session), os.environ, user=user, api_only=api)
    nothing = f"There is no {removed.name}: there was nothing to do."
    write_service(removed, uninstalled_object(removed), nothing, as_json=as_json)


def _context(session: Session) -> Context:
    """A Kino that is named may be gone: then its timer is all the more to be removed."""
    try:
        return session.context(may_be_empty=True)
    except NotFoundError:
        if session.data_path is None:
            raise
        from kino_backup_tui.core.kino.home import Kino

        return Context(Kino(Path(os.path.realpath(session.data_path))))
