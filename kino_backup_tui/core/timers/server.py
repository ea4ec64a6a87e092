"""A server of ours that runs the schedule as long as it lives: who it is, and that there is only one.

It holds a lock on a file of the working folder (flock(2)): the kernel releases it with the process, so that
nobody counts on a server that has died.
"""

from __future__ import annotations

import contextlib
import fcntl
import os

from kino_backup_tui.core.files import storage_errors
from kino_backup_tui.core.timers.base import BASE_NAME, Runner
from kino_backup_tui.core.workspace import Workspace

SERVER = "serve"
"""The `kind` of such a runner."""
_FILE = "schedule"


class ScheduleLock:
    """The right to run the schedule of a Kino from a process that stays."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take it, or keep it; False if another process has it. Raises what writing the folder raises."""
        if self._descriptor is not None:
            return True
        self._workspace.ensure()
        path = self._workspace.folder / _FILE
        with storage_errors(path, "open the lock"):
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(path, flags, 0o600)
            try:
                self._workspace.owner.take(descriptor)
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return False
            except BaseException:
                os.close(descriptor)
                raise
        self._descriptor = descriptor
        with contextlib.suppress(OSError):  # a full disk does not keep anybody from holding it
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
        return True

    def release(self) -> None:
        """Let another process have it; nothing is said of a lock that was never held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def find_server(workspace: Workspace) -> Runner | None:
    """The server that runs the schedule; None if there is none."""
    try:
        descriptor = os.open(workspace.folder / _FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        name = f"{BASE_NAME} {SERVER}"
        pid = os.read(descriptor, 32).decode("ascii", errors="replace").strip()
        return Runner(SERVER, name, True, f"{name}{f', process {pid}' if pid.isdecimal() else ''}")
    finally:
        os.close(descriptor)
    return None
