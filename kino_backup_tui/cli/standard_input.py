"""Standard input: an archive that is sent to us, or a person who answers a question."""

from __future__ import annotations

import io
import os
import select
import sys
from typing import TYPE_CHECKING

from kino_backup_tui.core.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from kino_backup_tui.core.progress import CancelToken

_POLL_SECONDS = 0.2


def confirmed(question: str, *, hint: str) -> bool:
    """Ask the person at the terminal; raises `UsageError` with the hint if there is none."""
    if not sys.stdin.isatty():
        raise UsageError(f"Nobody is here to answer: {question}", hint=hint)
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def require_archive() -> None:
    """Raise `UsageError` if standard input is a terminal, from which no archive comes."""
    if sys.stdin.isatty():
        raise UsageError("Standard input is a terminal, not an archive.", hint="Redirect a file into it.")


def archive_stream(cancel: CancelToken) -> io.BufferedReader:
    """Standard input as bytes; a wait for a silent sender ends when the operation is cancelled.

    Reading raises `UsageError` if nothing comes at all.
    """
    return io.BufferedReader(_CancellableInput(cancel))


class _CancellableInput(io.RawIOBase):
    def __init__(self, cancel: CancelToken) -> None:
        self._descriptor = sys.stdin.fileno()
        self._cancel = cancel
        self._has_begun = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        while not select.select([self._descriptor], [], [], _POLL_SECONDS)[0]:
            self._cancel.raise_if_cancelled()
        count = os.readv(self._descriptor, [buffer])
        if not (count or self._has_begun):
            raise UsageError("Nothing came on standard input.", hint="Redirect an archive into it.")
        self._has_begun = True
        return count
