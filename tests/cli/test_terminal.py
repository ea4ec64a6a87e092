"""What only a person at a terminal sees: questions, and the line that shows progress."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import subprocess
import termios
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.progress import Control
from tests.cli.harness import TIMEOUT_SECONDS, Cli, clean_environ


@dataclass
class Terminal:
    """A person's end of a terminal, and the command at the other."""

    process: subprocess.Popen[bytes]
    master: int
    seen: str = ""

    def read_until(self, text: str) -> None:
        """Wait until the text is on the terminal."""
        while text not in self.seen:
            assert select.select([self.master], [], [], TIMEOUT_SECONDS)[0], self.seen
            self.seen += os.read(self.master, 4096).decode()

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self.master, text.encode())

    def end(self) -> int:
        """Wait for the command to end; return its exit code."""
        code = self.process.wait(TIMEOUT_SECONDS)
        # The kernel reports the end of a terminal as an error once its other side is closed.
        with contextlib.suppress(OSError):
            while select.select([self.master], [], [], 0)[0] and (data := os.read(self.master, 4096)):
                self.seen += data.decode()
        return code


def _take_terminal() -> None:
    """Make standard input the controlling terminal of the new session, so that Ctrl-C is a signal."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@contextlib.contextmanager
def at_terminal(cli: Cli, *verb: str, **environ: str) -> Iterator[Terminal]:
    """Run a verb in a terminal session of its own; standard output goes elsewhere, as in `f=$(…)`."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        cli.arguments(*verb),
        stdin=slave,
        stdout=subprocess.DEVNULL,
        stderr=slave,
        start_new_session=True,
        preexec_fn=_take_terminal,
        env=clean_environ(**{"TERM": "xterm", "COLUMNS": "60", **environ}),
    )
    os.close(slave)
    with process:
        try:
            yield Terminal(process, master)
        finally:
            process.kill()
            os.close(master)


def test_yes_deletes(cli: Cli) -> None:
    """The question names the backup; `y` is the answer that deletes."""
    archive = cli.create()
    with at_terminal(cli, "delete", "latest") as terminal:
        terminal.read_until("Delete the manual backup")
        terminal.read_until("[y/N] ")
        assert archive.exists()
        terminal.type("y\n")
        assert terminal.end() == 0
    assert not archive.exists()


@pytest.mark.parametrize(
    "answer", ["n\n", "\n", "\x04", "\x03"], ids=["no", "enter", "end of file", "Ctrl-C"]
)
def test_everything_else_deletes_nothing(cli: Cli, answer: str) -> None:
    """No, nothing, the end of input and Ctrl-C."""
    archive = cli.create()
    with at_terminal(cli, "delete", "latest") as terminal:
        terminal.read_until("[y/N] ")
        terminal.type(answer)
        assert terminal.end() == 130
        assert "Traceback" not in terminal.seen
    assert archive.exists()


def test_a_recovery_point_is_asked_for_in_other_words(cli: Cli) -> None:
    """Nobody deletes the way back from a restore by habit."""
    context = Context(Kino(cli.data_path))
    backup = create_backup(context, Control(), kind=BackupKind.PRE_RESTORE).backup
    with at_terminal(cli, "delete", backup.filename) as terminal:
        terminal.read_until("recovery point")
        terminal.type("n\n")
        assert terminal.end() == 130


def test_progress_is_one_line_that_goes_away(slow_cli: Cli) -> None:
    """Stages are drawn over each other, no wider than the terminal, and nothing of them stays."""
    with at_terminal(slow_cli, "create") as terminal:
        terminal.read_until("Packing")
        assert terminal.end() == 0
    drawn = terminal.seen.split("\r\x1b[K")
    assert len(drawn) > 4
    assert all(len(line) < 60 for line in drawn[:-1])
    assert "\n" not in "".join(drawn[:-1])
    assert drawn[-1].startswith("Created kino-backup-manual-")


def test_ctrl_c_on_the_terminal_stops_a_backup(slow_cli: Cli) -> None:
    """The line of progress makes room for the message."""
    with at_terminal(slow_cli, "create") as terminal:
        terminal.read_until("Copying the database")
        terminal.type("\x03")
        assert terminal.end() == 128 + signal.SIGINT
    assert terminal.seen.split("\r\x1b[K")[-1].strip() == "Cancelled; nothing was kept."
    assert slow_cli.archives == []
    assert slow_cli.unfinished == []


def test_a_dumb_terminal_gets_no_moving_line(cli: Cli) -> None:
    """Nor any escape sequence."""
    with at_terminal(cli, "create", TERM="dumb") as terminal:
        assert terminal.end() == 0
    assert "\x1b" not in terminal.seen
