"""The sample server as a service: started, stopped, and started again when it fails."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from kino_backup_tui.core.kino.home import DOCUMENTED, KINO_0_3, Layout

_SERVERS = {
    DOCUMENTED: "kino_backup_tui.demo.server",
    KINO_0_3: "kino_backup_tui.demo.shipped.server",
}
_CLEAN = (0, -signal.SIGTERM)
"""Exit codes that are no failure, as for systemd."""
_READY_SECONDS = 20.0
_STOP_SECONDS = 8.0
_RESTART_SECONDS = 0.5
_MOST_RESTARTS = 3
_HEALTHY_SECONDS = 10.0
"""Who has run for so long has not failed to start; restarts are counted anew."""


class Service:
    """One sample server: restarted after a failure as with `Restart=on-failure` of systemd.service(5).

    It keeps the port it got at its first start, and ends by itself when this process has gone.
    """

    def __init__(self, data_path: Path, layout: Layout) -> None:
        self._data_path = data_path
        self._module = _SERVERS[layout]
        self._log = data_path / "log" / "kino.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._code: int | None = None
        self._restarts = 0
        self._started_at = 0.0
        self._due: float | None = None
        self.port = 0

    @property
    def state(self) -> str:
        """One line for people."""
        if self._process is not None:
            return f"running as process {self._process.pid}"
        if self._due is not None:
            return f"about to start again: it {_ending(self._code)}"
        return "stopped" if not self._code else f"failed: it {_ending(self._code)}"

    @property
    def pid(self) -> int | None:
        """The server's process; None if it does not run."""
        return self._process.pid if self._process else None

    @property
    def wait_seconds(self) -> float | None:
        """How long nothing has to be done; None if only an event changes that."""
        return None if self._due is None else max(0.0, self._due - time.monotonic())

    def start_first(self) -> bool:
        """Start it and wait until it listens; False if it does not, and then it is stopped."""
        output = self._spawn()
        if output is None:
            return False
        with output:
            ready, _, _ = select.select([output], [], [], _READY_SECONDS)
            line = output.readline().decode() if ready else ""
        address, _, port = line.strip().rpartition(":")
        if address != "listening on 127.0.0.1":
            self.stop()
            return False
        self.port = int(port)
        return True

    def start(self) -> None:
        """Start it unless it runs; whether it stays up is seen later."""
        if self._process is None:
            self._restarts = 0
            self._spawn()

    def stop(self) -> None:
        """End it, and start it no more."""
        self._due = None
        self._code = None
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def check(self) -> None:
        """Notice the end of the server, and start it again when that is due."""
        if self._process is not None and (code := self._process.poll()) is not None:
            self._process = None
            self._ended(code)
        if self._due is not None and time.monotonic() >= self._due:
            self._due = None
            self._spawn()

    def _ended(self, code: int) -> None:
        self._code = code
        if code in _CLEAN:
            return
        if time.monotonic() - self._started_at > _HEALTHY_SECONDS:
            self._restarts = 0
        if self._restarts == _MOST_RESTARTS:
            self._note(f"the server {_ending(code)}; it is not started again")
            return
        self._restarts += 1
        self._note(f"the server {_ending(code)}; restart {self._restarts} of {_MOST_RESTARTS}")
        self._due = time.monotonic() + _RESTART_SECONDS

    def _spawn(self) -> IO[bytes] | None:
        """Start the process; returns its output the first time, when its port is not known."""
        self._started_at = time.monotonic()
        self._log.parent.mkdir(exist_ok=True)
        arguments = ["--data-path", str(self._data_path), "--port", str(self.port)]
        arguments += ["--parent-pid", str(os.getpid())]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._module, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log if self.port else subprocess.PIPE,
                stderr=log,
            )
        return self._process.stdout

    def _note(self, text: str) -> None:
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"supervisor: {text}\n")


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
