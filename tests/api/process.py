"""The server as a process of its own, as an admin or systemd starts it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.cli.harness import Cli, clean_environ

TIMEOUT_SECONDS = 60.0
_ON_A_SOCKET = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""
"""What systemd does with a socket: sd_listen_fds(3)."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    process: subprocess.Popen[str]
    url: str
    key: str
    log: Path
    """Its standard error."""

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    @contextlib.contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """A client that shows the key."""
        headers = {"X-Api-Key": self.key}
        with httpx.Client(base_url=self.url, headers=headers, timeout=TIMEOUT_SECONDS) as client:
            yield client

    def get(self, path: str, **headers: str) -> Any:
        """The JSON at a path."""
        with self.client() as client:
            response = client.get(f"/api/v1{path}", headers=headers)
        assert response.status_code == 200, response.text
        return response.json()

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def end(self) -> int:
        """Wait for its end and return its exit code."""
        return self.process.wait(TIMEOUT_SECONDS)

    def stop(self) -> int:
        """End it as systemd does."""
        self.signal(signal.SIGTERM)
        return self.end()

    def is_listening(self) -> bool:
        """Whether a new connection is taken."""
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT_SECONDS).close()
        except ConnectionRefusedError:
            return False
        return True


@contextlib.contextmanager
def server(kino: Cli, *options: str, on: socket.socket | None = None, **environ: str) -> Iterator[Server]:
    """Run the server during the block, on a port of the system's choice or a socket that it inherits."""
    command = ["-m", "kino_backup_tui", "--data-path", str(kino.data_path), "serve", "--json", *options]
    if on is None:
        command += [] if "--port" in options else ["--port", "0"]
    else:
        command = ["-c", _ON_A_SOCKET, str(on.fileno()), *command]
    log = kino.data_path.parent / f"serve-{time.monotonic_ns()}.log"
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, *command],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=clean_environ(**environ),
            pass_fds=() if on is None else (on.fileno(),),
        )
    with process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, log.read_text()
            told = json.loads(line)
            assert told["handed_over"] == (on is not None)
            assert told["pid"] == process.pid
            key = (kino.data_path / ".kino-backup" / "api-key").read_text().strip()
            yield Server(process, told["urls"][0], key, log)
        finally:
            process.kill()


def until(condition: Callable[[], Any]) -> Any:
    """Wait until something is true, and return it."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
    return found


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Have a process stand still during the block."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
