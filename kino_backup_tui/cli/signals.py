"""Ctrl-C, SIGTERM and SIGHUP: a clean stop, and the exit code that says which of them it was.

While an operation runs, a signal asks it to stop, and it removes what it has begun. Once it is done, a signal
changes nothing any more: a script must see what was made, and 0. Before, the signal ends the program where it
stands: nothing is being changed then.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING

from kino_backup_tui.core.errors import OperationCancelledError

if TYPE_CHECKING:
    from kino_backup_tui.core.progress import CancelToken

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_Handler = Callable[[int, FrameType | None], None]


class StoppedBySignal(BaseException):  # like KeyboardInterrupt, nothing on the way may take it for an error
    """A signal ended the program; `error` says what became of its work."""

    def __init__(self, number: int, error: OperationCancelledError | None = None) -> None:
        super().__init__(number)
        self.number = number
        self.error = error or OperationCancelledError("Interrupted.")


@contextlib.contextmanager
def stop_on_signals() -> Iterator[None]:
    """Within the block, a signal raises `StoppedBySignal`; what is left to do after it is not disturbed."""
    taken = let_signals_stop()
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_IGN)


def let_signals_stop() -> list[signal.Signals]:
    """From now on a signal raises `StoppedBySignal`: for a question between two operations."""

    def stop(number: int, _frame: FrameType | None) -> None:
        raise StoppedBySignal(number)

    return _take(stop)


@contextlib.contextmanager
def cancel_on_signals() -> Iterator[CancelToken]:
    """Within the block, a signal sets the token; a cancelled operation then raises `StoppedBySignal`.

    After the block a signal does nothing: the work is done, and only the telling of it is left.
    """
    from kino_backup_tui.core.progress import CancelToken

    token = CancelToken()
    received: list[int] = []

    def cancel(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        token.cancel()

    _take(cancel)
    try:
        yield token
    except OperationCancelledError as error:
        if not received:
            raise
        raise StoppedBySignal(received[0], error) from error


def end_on_signals(code: int) -> None:
    """From now on a signal ends the program at once, as it would have ended: with this exit code."""

    def end(_number: int, _frame: FrameType | None) -> None:
        os._exit(code)

    for number in _SIGNALS:
        signal.signal(number, end)


def _take(handler: _Handler) -> list[signal.Signals]:
    """Handle those that are not ignored; one that is (nohup, a background job) is meant to stay so."""
    taken = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    for number in taken:
        signal.signal(number, handler)
    return taken
