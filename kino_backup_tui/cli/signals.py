"""Ctrl-C, SIGTERM and SIGHUP: a clean stop, and the exit code that says which of them it was.

While an operation runs, a signal asks it to stop, and it removes what it has begun. At any other moment the
signal ends the program where it stands: nothing is being changed then.
"""

from __future__ import annotations

import contextlib
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


def stop_on_signals() -> contextlib.AbstractContextManager[None]:
    """Within the block, a signal raises `StoppedBySignal`."""

    def stop(number: int, _frame: FrameType | None) -> None:
        raise StoppedBySignal(number)

    return _handling(stop)


@contextlib.contextmanager
def cancel_on_signals() -> Iterator[CancelToken]:
    """Within the block, a signal sets the token; a cancelled operation then raises `StoppedBySignal`."""
    from kino_backup_tui.core.progress import CancelToken

    token = CancelToken()
    received: list[int] = []

    def cancel(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        token.cancel()

    with _handling(cancel):
        try:
            yield token
        except OperationCancelledError as error:
            if not received:
                raise
            raise StoppedBySignal(received[0], error) from error


@contextlib.contextmanager
def _handling(handler: _Handler) -> Iterator[None]:
    previous = {number: signal.getsignal(number) for number in _SIGNALS}
    # A signal that is ignored at the start (nohup, a background job) is meant to stay ignored.
    taken = [number for number, was in previous.items() if was is not signal.SIG_IGN]
    for number in taken:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, previous[number])
