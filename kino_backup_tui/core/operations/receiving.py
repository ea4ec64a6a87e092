"""An archive that comes by a stream, an upload or standard input: taken into a private file, to be restored.

Whoever receives it holds a lock on the file until the worker of its restore has begun, which has the lock of
all operations then. A file that nobody holds while no operation runs was left by a process that was killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import BinaryIO, Protocol

from kino_backup_tui.core.archive.writer import CHUNK_BYTES
from kino_backup_tui.core.files import create_private, storage_errors
from kino_backup_tui.core.jobs.job import Job, run_unlocked
from kino_backup_tui.core.jobs.lock import current_holder
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.space import Space
from kino_backup_tui.core.progress import Control, Stage
from kino_backup_tui.core.restore.folders import ensure_restore_folder, restore_folder
from kino_backup_tui.core.workspace import Workspace, best_effort, is_abandoned, locked_folder, workspace_of

_RECEIVED = "received-"


class ByteStream(Protocol):
    """What an archive is received from."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, about so many; none at the end."""


class Received:
    """An archive that has come whole, and that nobody takes for a leftover as long as it is held."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    def hand_over(self) -> None:
        """Leave it to the worker that has begun to restore it, which removes it."""
        os.close(self._descriptor)

    def discard(self) -> None:
        """Remove it: it is not restored after all."""
        self.path.unlink(missing_ok=True)
        os.close(self._descriptor)


def receive(
    context: Context, stream: ByteStream, control: Control, *, keep_reserve: bool = False
) -> Received:
    """Take an archive from a stream into a private file of the working folder, as much as comes.

    With `keep_reserve` the space that is kept free for Kino stays free. Raises `NoSpaceError`,
    `LocationError`, `NotPermittedError`, `OperationCancelledError`, and what the stream raises; nothing of it
    is left then.
    """
    workspace = workspace_of(context.kino)
    ensure_restore_folder(workspace)
    sweep_received(context)
    folder = restore_folder(workspace)
    path = folder / f"{_RECEIVED}{os.urandom(8).hex()}.tar.gz"
    space = Space(context.kino.data_path, use_reserve=None if keep_reserve else True)
    with run_unlocked("restore", context.clock, control) as job:
        job.stage(Stage.COPYING)
        try:
            with storage_errors(path, "write"), _locked_file(path, workspace) as out:
                _copy(stream, out, job, folder, space)
                return Received(path, os.dup(out.fileno()))
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def sweep_received(context: Context) -> None:
    """Remove what processes that were killed had received. Best effort."""
    workspace = workspace_of(context.kino)
    folder = restore_folder(workspace)
    # Not while somebody makes a file that is not locked yet.
    with best_effort(), locked_folder(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
        for path in list(folder.glob(f"{_RECEIVED}*")):
            if is_abandoned(path) and current_holder(workspace) is None:
                path.unlink(missing_ok=True)


def is_received(workspace: Workspace, path: Path) -> bool:
    """Whether a file has been received, and is to be removed once it is restored."""
    return path.parent == restore_folder(workspace) and path.name.startswith(_RECEIVED)


def _locked_file(path: Path, workspace: Workspace) -> BinaryIO:
    with locked_folder(path.parent, fcntl.LOCK_SH), contextlib.ExitStack() as on_failure:
        out = on_failure.enter_context(create_private(path, workspace.owner))
        fcntl.flock(out.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        on_failure.pop_all()
    return out


def _copy(stream: ByteStream, out: BinaryIO, job: Job, folder: Path, space: Space) -> None:
    while piece := stream.read(CHUNK_BYTES):
        out.write(piece)
        job.advance(len(piece))
        space.spend(folder, len(piece))
    out.flush()
    os.fsync(out.fileno())
