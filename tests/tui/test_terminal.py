"""What only a real terminal shows: the bytes, the signals, and what is left behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import IO, cast

import pytest
from textual.drivers._writer_thread import MAX_QUEUED_WRITES, WriterThread

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup
from kino_backup_tui.tui.terminal import LastingOutput, default_theme

Create = Callable[..., Backup]
DOWN = b"\x1b[B"
PATIENCE = 30.0
"""Seconds to wait for what must come."""
QUIET = 0.5
"""Seconds without a byte that mean the application has drawn what it had to."""
CURSOR_STEP_BYTES = 1_000


@dataclass
class Terminal:
    """The master side of a pty, 80x24, with the program on the other side."""

    pid: int
    descriptor: int
    seen: bytes = field(default=b"")

    def read_until(self, text: str) -> None:
        """Read until the program has written something."""
        deadline = time.monotonic() + PATIENCE
        while text.encode() not in self.seen:
            assert time.monotonic() < deadline, self.seen[-400:]
            self.seen += self._read(1.0)

    def drain(self) -> bytes:
        """Read until it is quiet; return what came."""
        came = b""
        while chunk := self._read(QUIET):
            came += chunk
        self.seen += came
        return came

    def write(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.descriptor, keys)

    def hang_up(self) -> None:
        """Lose the connection: from now on there is nothing to read, and the other side is told so."""
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, self.descriptor)
        os.close(nothing)

    def exit_code(self) -> int:
        """Wait for the end; what was written until then is in `seen`."""
        deadline = time.monotonic() + PATIENCE
        while True:
            self.seen += self._read(0.1)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            assert time.monotonic() < deadline

    def _read(self, seconds: float) -> bytes:
        if not select.select([self.descriptor], [], [], seconds)[0]:
            return b""
        try:
            return os.read(self.descriptor, 65536)
        except OSError:  # Linux says EIO once the other side is closed
            return b""


def opened(kino: Kino, **environment: str) -> AbstractContextManager[Terminal]:
    """The program on a data path, in the terminal a plain SSH session gets."""
    return started("-m", "kino_backup_tui", "--data-path", str(kino.data_path), environment=environment)


@contextmanager
def started(
    *arguments: str, environment: Mapping[str, str] | None = None, size: tuple[int, int] = (24, 80)
) -> Iterator[Terminal]:
    """Python with these arguments in a terminal of so many rows and columns."""
    program = [sys.executable, *arguments]
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    state = {name: value for name, value in os.environ.items() if name.startswith("XDG_")}
    env = (
        inherited
        | state
        | {"TERM": "xterm-256color", "PYTHONPATH": str(Path.cwd())}
        | dict(environment or {})
    )
    pid, descriptor = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        os.execve(program[0], program, env)  # noqa: S606 - there is no shell to want
    terminal = Terminal(pid, descriptor)
    try:
        yield terminal
    finally:
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        os.close(descriptor)


def left_on(seen: bytes) -> list[str]:
    """The private modes that were switched on last, not off: alternate screen, mouse, paste, focus."""
    last = dict(re.findall(rb"\x1b\[\?(\d+)([hl])", seen))
    ours = (b"1049", b"1000", b"1003", b"1006", b"1015", b"1004", b"2004")
    return [mode.decode() for mode in ours if last.get(mode) == b"h"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["term", "hup"])
def test_a_signal_leaves_the_terminal_clean(kino: Kino, create: Create, number: int) -> None:
    """A dropped connection or a kill ends the program with 128 + signal, screen and mouse restored."""
    create()

    with opened(kino) as terminal:
        terminal.read_until("kino-backup-manual")
        os.kill(terminal.pid, number)

        assert terminal.exit_code() == 128 + number
        assert b"\x1b[?1049l" in terminal.seen
        assert left_on(terminal.seen) == []
        assert b"\x1b[?25h" in terminal.seen


def test_a_connection_that_is_lost_while_the_page_draws_ends_the_program(kino: Kino, create: Create) -> None:
    """Whatever was still to be drawn, nobody waits for a terminal that is gone."""
    for _ in range(3):
        create()

    with opened(kino) as terminal:
        terminal.read_until("kino-backup-manual")
        terminal.write(DOWN * 200)
        terminal.hang_up()

        assert terminal.exit_code() == 128 + signal.SIGHUP


def test_the_thread_that_draws_takes_everything_for_a_terminal_that_is_gone() -> None:
    """The page never waits for room in its queue."""
    master, slave = pty.openpty()
    os.close(master)

    def draw() -> None:
        for _ in range(3 * MAX_QUEUED_WRITES):
            writer.write("─" * 80)
        writer.stop()

    with os.fdopen(slave, "w") as terminal:
        writer = WriterThread(cast(IO[str], LastingOutput(terminal)))
        writer.start()
        page = Thread(target=draw, daemon=True)
        page.start()
        page.join(PATIENCE)
        stuck = page.is_alive()
        with contextlib.suppress(OSError):
            terminal.close()

    assert not stuck


@pytest.mark.parametrize("size", [(0, 0), (0, 80), (24, 0)], ids=["no_size", "no_rows", "no_columns"])
def test_a_terminal_that_names_no_size_gets_a_page_that_comes_to_rest(
    kino: Kino, create: Create, size: tuple[int, int]
) -> None:
    """A serial console says 0 rows: the page is drawn once, at 80x24, and ends when it is asked to."""
    create()

    with started("-m", "kino_backup_tui", "--data-path", str(kino.data_path), size=size) as terminal:
        terminal.read_until("kino-backup-manual")
        terminal.drain()
        rest = terminal.drain()
        os.kill(terminal.pid, signal.SIGTERM)

        assert rest == b""
        assert terminal.exit_code() == 128 + signal.SIGTERM


def test_the_page_follows_a_terminal_that_grows(kino: Kino, create: Create) -> None:
    """On a wider window the list has room for more columns, without a key pressed."""
    create()

    with opened(kino) as terminal:
        terminal.read_until("kino-backup-manual")
        terminal.drain()
        assert b"Schema" not in terminal.seen
        fcntl.ioctl(terminal.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        os.kill(terminal.pid, signal.SIGWINCH)

        terminal.read_until("Schema")


def test_a_bug_in_a_handler_is_one_sentence_on_a_clean_terminal(kino: Kino, create: Create) -> None:
    """No traceback, no variables of ours: what went wrong, exit code 1, and a terminal as it was before."""
    create()

    with started(str(Path(__file__).with_name("broken_clock.py")), str(kino.data_path)) as terminal:
        code = terminal.exit_code()
        after = terminal.seen.rpartition(b"\x1b[?1049l")[2].decode()
        told = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", after).split())

        assert code == 1
        assert "An error in this program: ZeroDivisionError: [a bug]. Please report it." in told
        assert b"Traceback" not in terminal.seen
        assert "─" not in told
        assert left_on(terminal.seen) == []


def test_signals_during_the_clean_up_of_a_demo_leave_nothing_behind(tmp_path: Path) -> None:
    """An impatient second, third and fourth SIGTERM do not stop the removal of the sample."""
    with started("-m", "kino_backup_tui", "--demo", environment={"TMPDIR": str(tmp_path)}) as terminal:
        terminal.read_until("kino-backup-")
        assert list(tmp_path.glob("kino-demo-*"))
        os.kill(terminal.pid, signal.SIGTERM)
        terminal.read_until("\x1b[?1049l")
        deadline = time.monotonic() + PATIENCE
        while list(tmp_path.glob("kino-demo-*")):
            assert time.monotonic() < deadline
            os.kill(terminal.pid, signal.SIGTERM)  # a zombie takes it too, so a folder it left fails here
        terminal.exit_code()


def test_quitting_leaves_the_terminal_clean(kino: Kino, create: Create) -> None:
    """q is an ordinary end."""
    create()

    with opened(kino) as terminal:
        terminal.read_until("kino-backup-manual")
        terminal.write(b"q")

        assert terminal.exit_code() == 0
        assert left_on(terminal.seen) == []


def test_a_step_of_the_cursor_is_cheap(kino: Kino, create: Create) -> None:
    """Two rows and the detail, and nothing else, in the theme of a plain SSH session."""
    for _ in range(5):
        create()

    with opened(kino) as terminal:
        terminal.read_until("kino-backup-manual")
        terminal.drain()
        steps = []
        for _ in range(4):
            terminal.write(DOWN)
            steps.append(len(terminal.drain()))

        assert min(steps) > 0
        assert max(steps) <= CURSOR_STEP_BYTES


def test_nothing_is_written_while_nobody_presses_a_key(kino: Kino, create: Create) -> None:
    """No clock, no blinking cursor, no animation."""
    create()

    with opened(kino) as terminal:
        terminal.read_until("kino-backup-manual")
        terminal.drain()

        assert terminal.drain() == b""


def test_no_color_means_no_colour(kino: Kino, create: Create) -> None:
    """With NO_COLOR the program asks for bold, reverse and default colours, and for nothing else."""
    create()

    with opened(kino, NO_COLOR="1") as terminal:
        terminal.read_until("kino-backup-manual")
        terminal.write(b"d")
        terminal.drain()

        colours = set(re.findall(rb"\x1b\[([0-9;]*)m", terminal.seen))
        codes = {code for group in colours for code in group.split(b";")}
        assert codes <= {b"", b"0", b"1", b"2", b"4", b"7", b"39", b"49"}
        assert b"7" in codes


def test_without_a_terminal_there_is_a_sentence_and_no_escape(kino: Kino) -> None:
    """In a pipe or from cron nothing is drawn: exit code 2."""
    program = [sys.executable, "-m", "kino_backup_tui", "--data-path", str(kino.data_path)]

    result = subprocess.run(program, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60)

    assert result.returncode == 2
    assert result.stdout == b""
    assert b"no terminal" in result.stderr
    assert b"\x1b" not in result.stderr


@pytest.mark.parametrize(
    ("environ", "theme"),
    [
        ({}, "ansi-dark"),
        ({"COLORTERM": "truecolor"}, "textual-dark"),
        ({"COLORTERM": "truecolor", "COLORFGBG": "0;15"}, "textual-light"),
        ({"COLORFGBG": "0;default;15"}, "ansi-light"),
        ({"COLORTERM": "truecolor", "NO_COLOR": ""}, "ansi-dark"),
    ],
    ids=["plain_ssh", "truecolor", "truecolor_light", "light", "no_color"],
)
def test_the_theme_fits_the_terminal(environ: dict[str, str], theme: str) -> None:
    """Truecolor gets Textual's colours, everything else the terminal's own."""
    assert default_theme(environ) == theme
