"""serve: the HTTP API, with the schedule beside it."""

from __future__ import annotations

import contextlib
import os
import re
from importlib import import_module
from typing import TYPE_CHECKING

import click

from kino_backup_tui.cli.options import json_option
from kino_backup_tui.cli.output import OutputError, talk, warn, write_json, write_line
from kino_backup_tui.cli.session import Session
from kino_backup_tui.core.errors import UsageError
from kino_backup_tui.core.models import API_PORT

if TYPE_CHECKING:
    from kino_backup_tui.api.server import Listening

_NEEDED = ("fastapi", "uvicorn", "python_multipart")
_UNITS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
_SIZE = re.compile(r"([0-9]{1,15})([KMGT]?)", re.IGNORECASE)


def _size(_ctx: click.Context, _param: click.Parameter, value: str) -> int:
    """Read a number of bytes, with a unit of 1,024 or a power of it."""
    match = _SIZE.fullmatch(value)
    size = int(match[1]) << _UNITS[match[2].upper()] if match else 0
    if not size:
        raise click.BadParameter("must be a number of bytes above 0, such as 500M or 16G.")
    return size


@click.command("serve")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Address to listen at; 0.0.0.0 is every one of this host.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=API_PORT,
    show_default=True,
    metavar="PORT",
    help="Port to listen at; 0 finds one that is free.",
)
@click.option(
    "--upload-limit",
    callback=_size,
    default="16G",
    show_default=True,
    metavar="SIZE",
    help="How large an uploaded archive may be.",
)
@json_option
@click.pass_obj
def command(session: Session, host: str, port: int, upload_limit: int, as_json: bool) -> None:
    """Answer requests of the HTTP API, and run the schedule.

    The URL is printed on standard output once it answers, requests are logged on standard error. Every
    request needs the key that `api-key show` prints; it is made now if there is none. Where a timer runs the
    schedule, that is left to it.

    SIGTERM and Ctrl-C let running downloads end, cancel a backup that is being made, and leave a restore to
    its own process; the second one ends it at once. Sockets that systemd hands over come before --host and
    --port.
    """
    _require_packages()
    from kino_backup_tui.api.server import serve
    from kino_backup_tui.api.service import Service
    from kino_backup_tui.core.kino.command import command_for

    context = session.context(may_be_empty=True)

    def ready(listening: Listening) -> None:
        with contextlib.suppress(OutputError):  # one that nobody reads goes on answering
            _tell(listening, command_for(context.kino, "api-key", "show"), as_json=as_json)

    serve(Service(context, upload_limit), host, port, os.environ, ready)


def _require_packages() -> None:
    for name in _NEEDED:
        try:
            import_module(name)
        except ModuleNotFoundError as error:
            raise UsageError(
                f"The HTTP API needs {name.replace('_', '-')}, which is not installed.",
                hint="Install this program with its extra: pip install '.[api]'",
            ) from error


def _tell(listening: Listening, key_command: str, *, as_json: bool) -> None:
    if not listening.local:
        warn(
            f"Others can reach {' and '.join(listening.urls)}, and read the key and the backups on the way: "
            "there is no TLS. Put a proxy with TLS before it."
        )
    if as_json:
        write_json({"urls": list(listening.urls), "handed_over": listening.handed_over, "pid": os.getpid()})
        return
    for url in listening.urls:
        write_line(url)
    talk(f"`{key_command}` prints the key that each request needs.")
