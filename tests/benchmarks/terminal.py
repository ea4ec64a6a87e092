"""What the screens cost over SSH: time to the first table, bytes when idle, bytes a cursor step.

    python -m tests.benchmarks.terminal [IDLE_SECONDS]

Measured on a real pseudo-terminal of 80x24 with TERM=xterm-256color and no COLORTERM, as a plain SSH session
gets it, against a trivial Textual app with a DataTable. `python -m tests.proof screens` presses every key.
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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from kino_backup_tui.core.clock import SystemClock
from kino_backup_tui.demo.sample import write_sample
from tests.benchmarks.measure import COMMAND, print_table, say

_ROUNDS = 9
_PATIENCE = 20.0
_QUIET = 0.4
_SETTLED = 2.0
_STEPS = 8
_DOWN = b"\x1b[B"
_TABLE_IS_THERE = b"Kind"
PLAIN: Mapping[str, str] = {"NO_COLOR": "1"}
TRUECOLOR: Mapping[str, str] = {"COLORTERM": "truecolor"}
"""What a terminal says of its colours, besides its TERM."""
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

    def __init__(self, command: Sequence[str], colours: Mapping[str, str]) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        own = {name: value for name, value in os.environ.items() if name not in {*PLAIN, *TRUECOLOR}}
        environ = {**own, "TERM": "xterm-256color", **colours}
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

    def wait_for(self, text: bytes) -> bytes:
        """What is written until a text has come."""
        output = b""
        while text not in output:
            if not select.select([self._master], [], [], _PATIENCE)[0]:
                raise RuntimeError(f"{text!r} did not appear")
            output += os.read(self._master, 65536)
        return output

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
def on_screen(command: Sequence[str], colours: Mapping[str, str] | None = None) -> Iterator[Screen]:
    """A program for as long as it is looked at; on a terminal of 256 colours, unless `colours` says more."""
    screen = Screen(command, colours or {})
    try:
        yield screen
    finally:
        screen.close()


def first_paint(command: Sequence[str]) -> float:
    """Seconds from the start of the program until its table is on the screen."""
    with on_screen(command) as screen:
        screen.wait_for(_TABLE_IS_THERE)
        return time.perf_counter() - screen.began


@contextmanager
def sample_page() -> Iterator[list[str]]:
    """The command that opens the page on a sample data path, which is there meanwhile, without its server."""
    with TemporaryDirectory(prefix="kino-benchmark-") as folder:
        write_sample(Path(folder) / "kino", SystemClock())
        yield [COMMAND, "--data-path", f"{folder}/kino"]


def paint_pairs(ours: Sequence[str], rounds: int) -> tuple[float, float]:
    """First paint of the trivial app and of ours: the quickest of some rounds, in turns."""
    trivial = [sys.executable, "-c", _TRIVIAL]
    pairs = [(first_paint(trivial), first_paint(ours)) for _ in range(rounds)]
    return min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)


def until_drawn(screen: Screen) -> int:
    """Wait until the page is there, and has filled in what it looks up later; returns the bytes of that."""
    return len(screen.wait_for(_TABLE_IS_THERE) + screen.read(_SETTLED))


def main() -> None:
    """Measure on the sample data path, without its server."""
    idle_seconds = float(sys.argv[1]) if sys.argv[1:] else 65.0
    with sample_page() as ours:
        base, paint = paint_pairs(ours, _ROUNDS)
        with on_screen(ours) as screen:
            until_drawn(screen)
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
