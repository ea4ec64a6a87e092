"""The bytes of a backup, pinned: they stay those of one file, whatever becomes of its name meanwhile."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO, NamedTuple

from kino_backup_tui.core.errors import NotFoundError, UsageError
from kino_backup_tui.core.files import open_regular, storage_errors
from kino_backup_tui.core.models import Backup

_NO_SUCH_FILE = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG}


class OpenArchive(NamedTuple):
    """An archive that is open for reading; the caller closes it."""

    backup: Backup
    stream: BinaryIO
    """Unbuffered."""
    status: os.stat_result
    """Of the open file."""


def open_source(path: Path) -> BinaryIO:
    """Open an archive that the admin has chosen, unbuffered; a link is followed.

    Raises `NotFoundError`, `UsageError` for a folder or a device, `LocationError`, `NotPermittedError`.
    """
    with storage_errors(path, "read"):
        try:
            mode = path.stat().st_mode
        except OSError as error:
            if error.errno not in _NO_SUCH_FILE:
                raise
            raise NotFoundError(f"There is no file {path}.") from error
        if not stat.S_ISREG(mode):
            raise UsageError(f"{path} is not a file.", hint="Give an archive, or - for standard input.")
        return open_regular(path, follow=True)


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
