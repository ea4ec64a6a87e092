"""A sample Kino for as long as somebody looks at it: temporary data path, running server, no traces."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kino_backup_tui.core.clock import Clock
from kino_backup_tui.demo.sample import write_sample
from kino_backup_tui.demo.server_process import running_server


@dataclass(frozen=True, slots=True)
class DemoKino:
    """A running sample Kino."""

    data_path: Path
    url: str
    server_pid: int


@contextlib.contextmanager
def demo_session(clock: Clock) -> Iterator[DemoKino]:
    """Write a sample data path and serve it; at the end the server stops, then the folder goes.

    Raises `KinoBackupError` if the sample server does not start.
    """
    with tempfile.TemporaryDirectory(prefix="kino-demo-", ignore_cleanup_errors=True) as folder:
        data_path = Path(folder).resolve() / "kino"
        write_sample(data_path, clock)
        with running_server(data_path) as (url, pid):
            yield DemoKino(data_path, url, pid)
