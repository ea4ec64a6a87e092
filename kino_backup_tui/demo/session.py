"""A sample Kino for as long as somebody looks at it: temporary data path, running server, no traces."""

from __future__ import annotations

import contextlib
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kino_backup_tui.core.clock import Clock
from kino_backup_tui.demo.sample import write_sample
from kino_backup_tui.demo.server_process import running_server

_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class DemoKino:
    """A running sample Kino."""

    data_path: Path
    url: str
    server_pid: int


@contextlib.contextmanager
def demo_session(clock: Clock) -> Iterator[DemoKino]:
    """Write a sample data path and serve it; at the end the server stops, then the folder goes.

    A signal that comes during this end is ignored: it takes seconds, and half of it would leave traces. For
    the main thread only, as everything that sets signal handlers. Raises `KinoBackupError` if the sample
    server does not start.
    """
    with contextlib.ExitStack() as end:
        end.enter_context(_handlers_put_back())
        folder = tempfile.TemporaryDirectory(prefix="kino-demo-", ignore_cleanup_errors=True)
        data_path = Path(end.enter_context(folder)).resolve() / "kino"
        end.callback(_ignore_signals)
        write_sample(data_path, clock)
        url, pid = end.enter_context(running_server(data_path))
        end.callback(_ignore_signals)  # the last to be registered is the first to be called
        yield DemoKino(data_path, url, pid)


@contextlib.contextmanager
def _handlers_put_back() -> Iterator[None]:
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _ignore_signals() -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
