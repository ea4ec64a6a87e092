"""The bytes of a backup, pinned: they stay those of one file, whatever becomes of its name meanwhile."""

from __future__ import annotations

import os
from typing import BinaryIO, NamedTuple

from kino_backup_tui.core.errors import NotFoundError
from kino_backup_tui.core.files import open_regular, storage_errors
from kino_backup_tui.core.models import Backup


class OpenArchive(NamedTuple):
    """An archive that is open for reading; the caller closes it."""

    backup: Backup
    stream: BinaryIO
    """Unbuffered."""
    status: os.stat_result
    """Of the open file."""


def open_archive(backup: Backup) -> OpenArchive:
    """Open a backup's file; no lock is needed, for a deleted file stays readable until it is closed.

    Raises `NotFoundError` if it is gone, `NotPermittedError`, `LocationError`.
    """
    with storage_errors(backup.path, "read"):
        try:
            stream = open_regular(backup.path)
        except FileNotFoundError as error:
            raise NotFoundError(f"{backup.path} is gone.") from error
        return OpenArchive(backup, stream, os.fstat(stream.fileno()))
