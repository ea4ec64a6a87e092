"""The supervisor of the sample server as a child process that ends with us, and the server with it."""

from __future__ import annotations

import contextlib
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.kino.home import DOCUMENTED, Layout

_READY_SECONDS = 25.0
_END_SECONDS = 12.0


class Supervised(NamedTuple):
    """A sample server that has started."""

    url: str
    server_pid: int
    """Its process now; a restart gives it another one."""
    supervisor_pid: int


@contextlib.contextmanager
def supervised_server(data_path: Path, folder: Path, layout: Layout = DOCUMENTED) -> Iterator[Supervised]:
    """Run the supervisor, and by it the sample server on a free port; end both at the end.

    The private `folder` is where it takes orders. Raises `KinoBackupError` with what the server said if it
    does not start.
    """
    command = [sys.executable, "-m", "kino_backup_tui.demo.supervisor"]
    supervisor = subprocess.Popen(
        [*command, "--data-path", str(data_path), "--folder", str(folder), "--layout", layout.name],
        # It watches its input, which the system closes when we are gone, in whatever way.
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # The terminal's signals are for us: we end it after the screen is restored.
        start_new_session=True,
    )
    with supervisor:
        try:
            assert supervisor.stdout is not None  # noqa: S101 - it was asked for
            url, server_pid = _started(supervisor.stdout, data_path)
            yield Supervised(url, server_pid, supervisor.pid)
        finally:
            supervisor.terminate()
            try:
                supervisor.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                # The server notices, and ends by itself.
                supervisor.kill()


def _started(output: IO[bytes], data_path: Path) -> tuple[str, int]:
    ready, _, _ = select.select([output], [], [], _READY_SECONDS)
    words = output.readline().decode().split() if ready else []
    if len(words) != 2:
        said = (data_path / "log" / "kino.log").read_text(encoding="utf-8", errors="replace").strip()
        raise KinoBackupError("The sample server did not start.", hint=said.rpartition("\n")[2])
    return words[0], int(words[1])
