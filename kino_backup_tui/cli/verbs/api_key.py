"""api-key: the secret that requests to the HTTP API have to show."""

from __future__ import annotations

import click

from kino_backup_tui.cli.options import json_option
from kino_backup_tui.cli.output import talk, write_json, write_line
from kino_backup_tui.cli.session import Session


@click.group("api-key", no_args_is_help=False)
def command() -> None:
    """Show or change the key of the HTTP API."""


@command.command("show")
@json_option
@click.pass_obj
def show(session: Session, as_json: bool) -> None:
    """Print the key that every request has to show.

    `serve` makes one at its first start.
    """
    from kino_backup_tui.core.operations.api_key import read_api_key

    _write(read_api_key(session.context(may_be_empty=True)), as_json=as_json)


@command.command("rotate")
@json_option
@click.pass_obj
def rotate(session: Session, as_json: bool) -> None:
    """Make a new key and print it; the old one is worth nothing at once.

    A server that runs takes the new one without a restart.
    """
    from kino_backup_tui.core.operations.api_key import rotate_api_key

    _write(rotate_api_key(session.context(may_be_empty=True)), as_json=as_json)
    talk("The old key is worth nothing any more.")


def _write(key: str, *, as_json: bool) -> None:
    if as_json:
        write_json({"key": key})
    else:
        write_line(key)
