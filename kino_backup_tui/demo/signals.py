"""Signals as something to wait for beside other things."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator


@contextlib.contextmanager
def signal_pipe(*numbers: signal.Signals) -> Iterator[int]:
    """Yield a descriptor that can be read once one of these signals has come; a byte is its number.

    The handlers themselves do nothing. One that set a `threading.Event` could interrupt a wait for that very
    event, and then both would wait for its lock for ever. For the main thread only.
    """
    reader, writer = os.pipe()
    for end in (reader, writer):
        os.set_blocking(end, False)
    wakeup = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    handlers = {number: signal.signal(number, lambda *_: None) for number in numbers}
    try:
        yield reader
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(wakeup)
        os.close(reader)
        os.close(writer)


def take_signals(reader: int) -> set[int]:
    """The numbers of the signals that have come since the last call; empty if none has."""
    try:
        return set(os.read(reader, 4096))
    except BlockingIOError:
        return set()
