"""The points of some work at which it can be killed: its calls that change something on disk.

They are found by Python's audit hooks (PEP 578), so a new call is a new point without anybody listing it;
`os.write` and `os.fsync` have no such hook and are wrapped. What SQLite and buffered files write is not seen
here, but by `tests.proof.syscalls`. Each run is a fork of one warm process.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from kino_backup_tui.core.errors import KinoBackupError

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike, ReadableBuffer

Work = Callable[[], object]
_CHANGES = {
    "os.rename",
    "os.mkdir",
    "os.remove",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.chmod",
    "os.chown",
    "os.truncate",
    "os.setxattr",
}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class Ending(NamedTuple):
    """How some work in a process of its own has ended."""

    killed: bool = False
    code: str = ""
    """Of the error that it ended with, as `KinoBackupError.code`; empty if it went well."""
    text: str = ""

    @property
    def well(self) -> bool:
        """Whether it came to its end without an error."""
        return not self.killed and not self.code


def killed_at(point: int, work: Work) -> bool:
    """Do some work in a process that is killed before the change of that number; False if it ended first."""

    def killing() -> None:
        at_each_change(
            lambda number, _name: os.kill(os.getpid(), signal.SIGKILL) if number == point else None
        )
        work()

    return outcome_of(killing).killed


def done(work: Work) -> bool:
    """Do some work in a process of its own, to its end; whether it went well."""
    ending = outcome_of(work)
    if not ending.well:
        sys.stderr.write(f"{ending.text}\n")
    return ending.well


def outcome_of(work: Work, meanwhile: Callable[[int], None] | None = None) -> Ending:
    """Do some work in a process of its own; how that ended. `meanwhile` is told its number."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os._exit(_told(work, writing))
    os.close(writing)
    if meanwhile is not None:
        meanwhile(child)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return Ending(killed=True, text=f"killed by signal {os.WTERMSIG(status)}")
    code, _, text = told.partition(" ")
    return Ending(code=code, text=text)


def at_each_change(tell: Callable[[int, str], None]) -> None:
    """In this process: call `tell(number, name)` before each change; what it raises takes its place."""
    number = 0

    def change(name: str) -> None:
        nonlocal number
        number += 1
        tell(number - 1, name)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _CHANGES or (event == "open" and (arguments[2] or 0) & _WRITES):
            change(event)

    sync, write = os.fsync, os.write

    def fsync(fd: FileDescriptorLike) -> None:
        change("os.fsync")
        sync(fd)

    def write_some(fd: int, data: ReadableBuffer) -> int:
        change("os.write")
        return write(fd, data)

    os.fsync, os.write = fsync, write_some
    sys.addaudithook(hook)


def _told(work: Work, pipe: int) -> int:
    """Do the work and say how it ended: a child of a fork must not return into the parent's code."""
    write = os.write
    try:
        work()
    except KinoBackupError as error:
        told = f"{error.code} {error.message}"
    except BaseException as error:
        told = f"{type(error).__name__} {error}"
    else:
        return 0
    write(pipe, told.encode())
    return 1
