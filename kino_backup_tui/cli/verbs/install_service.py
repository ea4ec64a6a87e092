"""install-service: have the host run the schedule."""

from __future__ import annotations

import os

import click

from kino_backup_tui.cli.options import json_option, user_timer_option
from kino_backup_tui.cli.output import talk, warn, write_json, write_line
from kino_backup_tui.cli.session import Session


@click.command("install-service")
@user_timer_option
@json_option
@click.pass_obj
def command(session: Session, user: bool, as_json: bool) -> None:
    """Install a timer that makes the backups of the schedule.

    It wakes this program every 15 minutes, as the user who owns Kino's database. Where it is installed
    already, nothing happens.
    """
    from kino_backup_tui.core.operations.install_service import install_service

    installed = install_service(session.context(), os.environ, user=user)
    if as_json:
        from kino_backup_tui.presentation.service_objects import installed_object

        write_json(installed_object(installed))
    else:
        from kino_backup_tui.presentation.text import printable

        for sentence in installed.done:
            write_line(printable(sentence))
        if not installed.done:
            talk(f"{installed.name} is installed and in force: there was nothing to do.")
    for warning in installed.warnings:
        warn(warning)
