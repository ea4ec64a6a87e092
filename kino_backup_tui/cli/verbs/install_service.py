"""install-service: have the host run the schedule, and the HTTP API."""

from __future__ import annotations

import os

import click

from kino_backup_tui.cli.options import json_option, user_timer_option
from kino_backup_tui.cli.session import Session
from kino_backup_tui.core.errors import UsageError
from kino_backup_tui.core.models import API_PORT


@click.command("install-service")
@user_timer_option
@click.option("--api", is_flag=True, help="Install the HTTP API, too: a socket, and the service behind it.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    metavar="PORT",
    help=f"With --api: the port on 127.0.0.1, {API_PORT} unless there is one already.",
)
@json_option
@click.pass_obj
def command(session: Session, user: bool, api: bool, port: int | None, as_json: bool) -> None:
    """Install a timer that makes the backups of the schedule.

    It wakes this program every 15 minutes, as the user who owns Kino's database. Where it is installed
    already, nothing happens. The HTTP API takes no memory before the first request, runs as the same user,
    and leaves the schedule to the timer.
    """
    from kino_backup_tui.cli.verbs._service import write_service
    from kino_backup_tui.core.operations.install_service import install_service
    from kino_backup_tui.presentation.service_objects import installed_object

    if port is not None and not api:
        raise UsageError("--port goes with --api.")
    installed = install_service(session.context(), os.environ, user=user, api=api, port=port)
    nothing = f"{installed.name}: installed and in force, there was nothing to do."
    write_service(installed, installed_object(installed), nothing, as_json=as_json)
