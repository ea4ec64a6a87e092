"""An archive under its final name, only once it is whole: partial, sync, read back, link, sync."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from kino_backup_tui.core.archive.names import is_partial, numbered, partial_name
from kino_backup_tui.core.files import PRIVATE_FILE, Owner, create_private, storage_errors, sync_descriptor
from kino_backup_tui.core.workspace import best_effort, is_abandoned

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


class Partial:
    """A file that is being written beside its final name, 0600 from its first byte."""

    def __init__(self, folder: Path, descriptor: int, name: str, stream: BinaryIO) -> None:
        self._folder = folder
        self._descriptor = descriptor
        self._name = name
        self.stream = stream

    def sync(self) -> None:
        """Make the bytes durable, and have the next read come from the disk where the kernel agrees."""
        self.stream.flush()
        os.fsync(self.stream.fileno())
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(self.stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        self.stream.seek(0)

    def publish(self, name: str | None = None) -> tuple[Path, os.stat_result]:
        """Give the file its name, or the next free one; nothing is ever overwritten.

        Returns the path and the state of the file under it.
        """
        wanted = name or self._name
        number = 1
        while True:
            final = wanted if number == 1 else numbered(wanted, number)
            try:
                _move(partial_name(self._name), final, self._descriptor)
            except FileExistsError:
                number += 1
                continue
            _unlink(partial_name(self._name), self._descriptor)
            sync_descriptor(self._descriptor)
            return self._folder / final, os.fstat(self.stream.fileno())


@contextlib.contextmanager
def partial_file(
    folder: Path, name: str, owner: Owner, warnings: list[str] | None = None
) -> Iterator[Partial]:
    """A new partial file; it is removed when the block ends, published or not.

    The folder is opened once, and everything happens in what was opened, wherever its path leads meanwhile.
    Raises `NoSpaceError`, `LocationError`, `NotPermittedError` for any `OSError` of the block.
    """
    partial = partial_name(name)
    with storage_errors(folder, "write to"), contextlib.ExitStack() as stack:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        stack.callback(os.close, descriptor)
        if is_abandoned(folder / partial):
            _unlink(partial, descriptor)
        stream = stack.enter_context(create_private(partial, owner, descriptor))
        stack.callback(_unlink, partial, descriptor)
        # Shows other processes that this partial has somebody who writes it. Not on every file system.
        with contextlib.suppress(OSError):
            fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        if warnings is not None and not owner.take(stream.fileno()):
            warnings.append(f"{folder} does not let the archive be given to Kino's user; it stays yours.")
        yield Partial(folder, descriptor, name, stream)


def sweep_partials(folder: Path) -> None:
    """Remove partial archives whose writer is gone. Best effort."""
    with best_effort():
        for entry in list(folder.iterdir()):
            if is_partial(entry.name) and is_abandoned(entry):
                entry.unlink(missing_ok=True)


def sweep_partial(folder: Path, name: str) -> None:
    """Remove what a process that was killed while it wrote a file of that name has left. Best effort."""
    partial = folder / partial_name(name)
    with best_effort():
        if is_abandoned(partial):
            partial.unlink(missing_ok=True)


def _move(partial: str, final: str, folder: int) -> None:
    """Rename without overwriting: by a hard link, or over an empty file we have reserved the name with."""
    try:
        os.link(partial, final, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        reserve = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        os.close(os.open(final, reserve, PRIVATE_FILE, dir_fd=folder))
        try:
            os.replace(partial, final, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError:
            _unlink(final, folder)
            raise


def _unlink(name: str, folder: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)
