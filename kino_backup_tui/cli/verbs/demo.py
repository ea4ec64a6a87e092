"""demo: a sample data path to try the program on."""

from __future__ import annotations

from pathlib import Path

import click

from kino_backup_tui.cli.options import LAYOUT_NAMES, PathType, json_option
from kino_backup_tui.cli.output import talk, write_json, write_line
from kino_backup_tui.cli.session import Session, controlled


@click.command("demo")
@click.argument("path", type=PathType(), metavar="PATH")
@click.option(
    "--layout",
    type=click.Choice(LAYOUT_NAMES),
    help="Which Kino: as its documentation describes it (the default), or 0.3 as it is shipped.",
)
@json_option
@click.pass_obj
def command(session: Session, path: Path, layout: str | None, as_json: bool) -> None:
    """Write a sample Kino with its backups.

    PATH is a folder that is empty or does not exist. Its path is printed on standard output.
    """
    from kino_backup_tui.core.clock import SystemClock
    from kino_backup_tui.core.kino.command import full_command
    from kino_backup_tui.core.kino.home import DOCUMENTED, LAYOUTS, Kino
    from kino_backup_tui.demo.sample import write_sample
    from kino_backup_tui.presentation.text import printable

    with controlled(as_json=as_json) as control:
        chosen = LAYOUTS[layout or session.layout or DOCUMENTED.name]
        write_sample(path, SystemClock(), control.cancel, layout=chosen)
    if as_json:
        write_json({"data_path": str(path)})
        return
    write_line(printable(str(path)))
    talk(f"A sample Kino: {full_command(Kino(path.absolute(), chosen), 'list')}")
