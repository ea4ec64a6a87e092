"""A sample Kino for as long as somebody looks at it: temporary data path, running server, no traces."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import tomli_w

from kino_backup_tui.core.clock import Clock
from kino_backup_tui.core.jobs.lock import current_holder
from kino_backup_tui.core.kino.home import DOCUMENTED, Kino, Layout
from kino_backup_tui.core.kino.tool_config import CONFIG_VARIABLE
from kino_backup_tui.core.workspace import workspace_of
from kino_backup_tui.demo.control import DATA_FOLDER
from kino_backup_tui.demo.sample import write_sample
from kino_backup_tui.demo.supervisor_process import supervised_server

_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
_REMOVAL_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class DemoKino:
    """A running sample Kino."""

    data_path: Path
    url: str
    server_pid: int
    """At the beginning; each restart gives it another one."""
    supervisor_pid: int
    config: Path
    """The configuration of this program that goes with it, in the environment for the session's time."""


@contextlib.contextmanager
def demo_session(clock: Clock, layout: Layout = DOCUMENTED) -> Iterator[DemoKino]:
    """Write a sample data path and serve it; at the end the server stops, then the folder goes.

    Meanwhile the environment names a configuration with the commands that stop and start the server, so that
    a process of its own that restores a backup finds them as well.

    A signal that comes during this end is ignored: it takes seconds, and half of it would leave traces. For
    the main thread only, as everything that sets signal handlers. Raises `KinoBackupError` if the sample
    server does not start.
    """
    with contextlib.ExitStack() as end:
        end.enter_context(_handlers_put_back())
        folder = end.enter_context(_temporary_folder())
        data_path = folder / DATA_FOLDER
        end.callback(_ignore_signals)
        write_sample(data_path, clock, layout=layout)
        server = end.enter_context(supervised_server(data_path, folder, layout))
        config = _write_config(folder, data_path, server.url)
        end.enter_context(_configured(config))
        end.callback(_end_restore, Kino(data_path, layout))
        end.callback(_ignore_signals)  # the last to be registered is the first to be called
        yield DemoKino(data_path, server.url, server.server_pid, server.supervisor_pid, config)


def _write_config(folder: Path, data_path: Path, url: str) -> Path:
    control = [sys.executable, "-m", "kino_backup_tui.demo.control"]
    commands = {f"{order}_command": [*control, order, str(folder)] for order in ("stop", "start", "log")}
    config = folder / "kino-backup-tui.toml"
    config.touch(0o600)
    config.write_text(
        tomli_w.dumps({"data_path": str(data_path), "kino_url": url, **commands}), encoding="utf-8"
    )
    return config


def _end_restore(kino: Kino) -> None:
    """A restore outlives the one who started it, but not the sample, where nothing is left to lose."""
    holder = current_holder(workspace_of(kino))
    if holder is not None and holder.pid != os.getpid():
        with contextlib.suppress(OSError):
            os.kill(holder.pid, signal.SIGKILL)


@contextlib.contextmanager
def _configured(config: Path) -> Iterator[None]:
    before = os.environ.get(CONFIG_VARIABLE)
    os.environ[CONFIG_VARIABLE] = str(config)
    try:
        yield
    finally:
        if before is None:
            del os.environ[CONFIG_VARIABLE]
        else:
            os.environ[CONFIG_VARIABLE] = before


@contextlib.contextmanager
def _temporary_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="kino-demo-")).resolve()
    try:
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove the folder, also from under a restore that has not ended and still writes there.

    Under another name that one does not find it any more; what it has open may need a second attempt.
    """
    gone = folder.with_name(f"{folder.name}-gone")
    with contextlib.suppress(OSError):
        folder = folder.rename(gone)
    deadline = time.monotonic() + _REMOVAL_SECONDS
    while True:
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists() or time.monotonic() > deadline:
            return
        time.sleep(0.1)


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
