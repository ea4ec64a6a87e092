"""demo: a sample data path to try the program on."""

from __future__ import annotations

from pathlib import Path

import click

from kino_backup_tui.cli.options import PathType, json_option
from kino_backup_tui.cli.output import talk, write_json, write_line
from kino_backup_tui.cli.session import controlled


@click.command("demo")
@click.argument("path", type=PathType(), metavar="PATH")
@json_option
def command(path: Path, as_json: bool) -> None:
    """Write a sample Kino with its backups.

    PATH is a folder that is empty or does not exist. Its path is printed on standard output.
    """
    from kino_backup_tui.core.clock import SystemClock
    from kino_backup_tui.demo.sample import write_sample
    from kino_backup_tui.presentation.text import printable

    with controlled(as_json=as_json) as control:
        write_sample(path, SystemClock(), control.cancel)
    if as_json:
        write_json({"data_path": str(path)})
        return
    write_line(printable(str(path)))
    talk(f"A sample Kino: kino-backup-tui --data-path {printable(str(path))} list")
