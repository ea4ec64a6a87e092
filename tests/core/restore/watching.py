"""What the tests of health share: a supervisor of a real process, and a clock that is told."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.progress import CancelToken
from kino_backup_tui.core.restore.health import Health, wait_until_healthy
from kino_backup_tui.core.supervisors.base import ServiceState

SERVER = """
import http.server, sqlite3, sys, threading
database, mode = sys.argv[1:]
new = b"true" if mode == "new" else b"false"
if database:
    connection = sqlite3.connect(database)
    connection.execute("SELECT * FROM film").fetchall()

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"version": "0.4.2", "first_time_setup": %s}' % new)
    def log_message(self, *_arguments):
        pass

if mode in ("http", "new"):
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    print(flush=True)
    server.serve_forever()
print(flush=True)
while mode == "computing":
    pass
if mode == "busy":
    with open("/dev/null", "wb") as nowhere:
        while True:
            nowhere.write(bytes(1 << 20))
threading.Event().wait()
"""


class Supervised:
    """A supervisor of a real process, as one would be without systemd."""

    name = "kino.service"
    controls = True

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None
        self.restarts = 0
        self.lines = ["started"]
        self.settled = True
        self.ended = ""

    def run(self, database: str, mode: str) -> None:
        """Start the process, and return once it is up."""
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, database, mode], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.process.stdout.readline()

    def state(self) -> ServiceState:
        """Failed, or running."""
        if self.process is None or self.process.poll() is not None:
            return ServiceState(
                False, "failed (exit code 1)", self.settled, restarts=self.restarts, ended=self.ended
            )
        return ServiceState(True, "running", self.settled, self.process.pid, self.restarts, self.ended)

    def logs(self, lines: int) -> list[str]:
        """What it was told to say."""
        return self.lines[-lines:]

    def problem(self) -> KinoBackupError | None:
        """None."""
        return None

    def stop(self) -> None:
        """End the process."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            self.process.communicate()

    def start(self) -> None:
        """Nothing: `run` does."""

    def close_gate(self, gate: Sequence[str]) -> None:
        """Nothing."""

    def open_gate(self) -> None:
        """Nothing."""


class Time:
    """A clock that only waiting moves, by at least `step` seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self.step = 0.5
        self.meanwhile: Callable[[], None] = lambda: None

    def __call__(self) -> float:
        """The current instant."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Move on, and let others work a little."""
        time.sleep(0.02)
        self.now += max(seconds, self.step)
        self.meanwhile()


def judge(
    kino: Kino,
    supervised: Supervised,
    clock: Time,
    *,
    seconds: float = 180.0,
    expect_http: bool = True,
    is_set_up: bool = False,
) -> tuple[Health, list[str]]:
    """The verdict, and what was said meanwhile."""
    notes: list[str] = []
    health = wait_until_healthy(
        kino,
        supervised,
        seconds=seconds,
        expect_http=expect_http,
        is_set_up=is_set_up,
        cancel=CancelToken(),
        note=notes.append,
        clock=clock,
        sleep=clock.sleep,
    )
    return health, notes
