"""import: take an archive from outside into the backup location."""

from __future__ import annotations

import io
import os
import select
import sys
from pathlib import Path
from typing import TYPE_CHECKING

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
from kino_backup_tui.core.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from kino_backup_tui.core.progress import CancelToken

_POLL_SECONDS = 0.2


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
    if from_stdin and sys.stdin.isatty():
        raise UsageError("Standard input is a terminal, not an archive.", hint="Redirect a file into it.")
    context = session.context()
    with controlled(as_json=as_json, progress=progress, wait_seconds=wait_seconds) as control:
        created = import_backup(
            context,
            _standard_input(control.cancel) if from_stdin else file,
            control,
            use_reserve=use_reserve,
            accept_location=accept_location,
        )
    write_created(created, "Imported", as_json=as_json)


def _standard_input(cancel: CancelToken) -> io.BufferedReader:
    return io.BufferedReader(_CancellableInput(cancel))


class _CancellableInput(io.RawIOBase):
    """Standard input, in which a wait for a silent sender ends when the operation is cancelled."""

    def __init__(self, cancel: CancelToken) -> None:
        self._descriptor = sys.stdin.fileno()
        self._cancel = cancel

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        while not select.select([self._descriptor], [], [], _POLL_SECONDS)[0]:
            self._cancel.raise_if_cancelled()
        return os.readv(self._descriptor, [buffer])
