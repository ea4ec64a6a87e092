"""One operation at a time for each data path.

The lock is `flock(2)`: the kernel releases it with the process that holds it, so there is no stale lock and
nothing to break. The file says who holds it and since when; it is never unlinked, for a waiter may hold its
inode.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from kino_backup_tui.core.errors import BusyError
from kino_backup_tui.core.files import storage_errors
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.workspace import Workspace

_POLL_SECONDS = 0.05


class Holder(NamedTuple):
    """Who holds the lock, as the lock file says."""

    job: str
    pid: int
    operation: str
    since: str


@contextlib.contextmanager
def exclusive(
    workspace: Workspace, holder: Holder, control: Control, waiting: Callable[[], None]
) -> Iterator[None]:
    """Hold the lock during the block; `waiting` is called once if another process has it.

    Raises `BusyError` when `control.wait_seconds` have passed, `OperationCancelledError`,
    `NotPermittedError`.
    """
    workspace.ensure()
    descriptor = _open(workspace)
    try:
        _acquire(descriptor, workspace, control, waiting)
        _write(workspace, holder)
        try:
            yield
        finally:
            _write(workspace, None)
    finally:
        os.close(descriptor)


def current_holder(workspace: Workspace) -> Holder | None:
    """Who holds the lock now, if somebody does and says so."""
    try:
        descriptor = os.open(workspace.lock_path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return _read(workspace)
    finally:
        os.close(descriptor)
    return None


def _open(workspace: Workspace) -> int:
    path = workspace.lock_path
    with storage_errors(path, "open the lock"):
        if workspace.fallback:
            return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        workspace.owner.take(descriptor)
        return descriptor


def _acquire(descriptor: int, workspace: Workspace, control: Control, waiting: Callable[[], None]) -> None:
    deadline = time.monotonic() + control.wait_seconds
    attempts = 0
    while True:
        control.cancel.raise_if_cancelled()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            attempts += 1
        else:
            return
        # The second attempt is for a lock held for an instant by somebody who only looked at it.
        if attempts > 1 and time.monotonic() >= deadline:
            raise busy(_read(workspace))
        if attempts == 2:
            waiting()
        time.sleep(_POLL_SECONDS)


def busy(holder: Holder | None) -> BusyError:
    """The error of those who will not wait any longer."""
    who = f": {holder.operation}, process {holder.pid}, since {holder.since}" if holder else ""
    return BusyError(f"Another operation is running{who}.", hint="Wait for it, or give --wait more seconds.")


def _write(workspace: Workspace, holder: Holder | None) -> None:
    """Say who holds the lock; a full disk does not keep anybody from holding it."""
    with contextlib.suppress(OSError):
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(workspace.holder_path, flags, 0o600)
        try:
            if holder is not None:
                os.write(descriptor, json.dumps(holder._asdict()).encode() + b"\n")
        finally:
            os.close(descriptor)


def _read(workspace: Workspace) -> Holder | None:
    try:
        return Holder(**json.loads(workspace.holder_path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
