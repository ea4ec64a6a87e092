"""What the screens cost over SSH: time to the first table, bytes when idle, bytes a cursor step.

    python -m tests.benchmarks.terminal [IDLE_SECONDS]

Measured on a real pseudo-terminal of 80x24 with TERM=xterm-256color and no COLORTERM, as a plain SSH session
gets it, against a trivial Textual app with a DataTable.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from kino_backup_tui.core.clock import SystemClock
from kino_backup_tui.demo.sample import write_sample
from tests.benchmarks.measure import COMMAND, print_table, say

_ROUNDS = 9
_PATIENCE = 20.0
_QUIET = 0.4
_STEPS = 8
_DOWN = b"\x1b[B"
_TABLE_IS_THERE = b"Kind"
_TRIVIAL = """
from textual.app import App
from textual.widgets import DataTable
class Trivial(App):
    def compose(self):
        yield DataTable()
    def on_mount(self):
        table = self.query_one(DataTable)
        table.add_columns("Kind", "Created", "Age", "Size", "Kino", "State")
        for number in range(10):
            table.add_row("Scheduled", f"2026-04-{number + 10} 03:00", "6 h", "4.7 MB", "0.4.2", "verified")
Trivial().run()
"""


class Screen:
    """A program on a pseudo-terminal, and what it writes there."""

    def __init__(self, command: Sequence[str]) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environ = {**os.environ, "TERM": "xterm-256color"}
        environ.pop("COLORTERM", None)
        self.began = time.perf_counter()
        self._process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environ, start_new_session=True
        )
        os.close(slave)

    def read(self, seconds: float) -> bytes:
        """What is written until nothing has come for so long."""
        output = b""
        while select.select([self._master], [], [], seconds)[0]:
            output += os.read(self._master, 65536)
        return output

    def read_for(self, seconds: float) -> bytes:
        """What is written in so much time."""
        output = b""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            if select.select([self._master], [], [], left)[0]:
                output += os.read(self._master, 65536)
        return output

    def seconds_until(self, text: bytes) -> float:
        """How long after its start the program has written a text."""
        output = b""
        while text not in output:
            if not select.select([self._master], [], [], _PATIENCE)[0]:
                raise RuntimeError(f"{text!r} did not appear")
            output += os.read(self._master, 65536)
        return time.perf_counter() - self.began

    def press(self, key: bytes) -> None:
        """Type a key."""
        os.write(self._master, key)

    def close(self) -> None:
        """End the program."""
        self._process.terminate()
        # It may have more to say before it ends; after that Linux answers a read with EIO.
        with suppress(OSError):
            self.read(_QUIET)
        self._process.kill()
        self._process.wait()
        os.close(self._master)


@contextmanager
def on_screen(command: Sequence[str]) -> Iterator[Screen]:
    """A program for as long as it is looked at."""
    screen = Screen(command)
    try:
        yield screen
    finally:
        screen.close()


def first_paint(command: Sequence[str]) -> float:
    """Seconds from the start of the program until its table is on the screen."""
    with on_screen(command) as screen:
        return screen.seconds_until(_TABLE_IS_THERE)


def main() -> None:
    """Measure on the sample data path, without its server."""
    idle_seconds = float(sys.argv[1]) if sys.argv[1:] else 65.0
    with TemporaryDirectory(prefix="kino-benchmark-") as folder:
        write_sample(Path(folder) / "kino", SystemClock())
        trivial = [sys.executable, "-c", _TRIVIAL]
        ours = [COMMAND, "--data-path", f"{folder}/kino"]
        pairs = [(first_paint(trivial), first_paint(ours)) for _ in range(_ROUNDS)]
        base, paint = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
        with on_screen(ours) as screen:
            screen.seconds_until(_TABLE_IS_THERE)
            screen.read(2.0)
            steps = []
            for _ in range(_STEPS):
                screen.press(_DOWN)
                steps.append(len(screen.read(_QUIET)))
            say(f"idle for {idle_seconds:.0f} s …")
            idle = len(screen.read_for(idle_seconds))
    rows = [
        ("first table, trivial app", f"{base * 1000:.0f} ms"),
        ("first table, kino-backup-tui", f"{paint * 1000:.0f} ms"),
        ("ratio", f"{paint / base:.2f}"),
        (f"cursor step, largest of {_STEPS}", f"{max(steps)} bytes"),
        (f"idle, {idle_seconds:.0f} s", f"{idle} bytes"),
    ]
    print_table("On an 80x24 terminal", ("", "measured"), rows)


if __name__ == "__main__":
    main()
