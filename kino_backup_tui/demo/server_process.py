"""The sample server as a child process that ends with us."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from kino_backup_tui.core.errors import KinoBackupError

_READY_SECONDS = 20.0
_STOP_SECONDS = 5.0


@contextlib.contextmanager
def running_server(data_path: Path) -> Iterator[tuple[str, int]]:
    """Run the sample server on a free port and give its address and process id; stop it at the end.

    Raises `KinoBackupError` with what the server said if it does not start.
    """
    command = [sys.executable, "-m", "kino_backup_tui.demo.server", "--data-path", str(data_path)]
    with (data_path / "log" / "kino.log").open("ab") as log:
        server = subprocess.Popen(
            [*command, "--parent-pid", str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            # The terminal's signals are for us: we stop the server after the screen is restored.
            start_new_session=True,
        )
    with server:
        try:
            assert server.stdout is not None  # noqa: S101 - it was asked for
            yield _address(server.stdout, data_path), server.pid
        finally:
            server.terminate()
            try:
                server.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()


def _address(output: IO[bytes], data_path: Path) -> str:
    ready, _, _ = select.select([output], [], [], _READY_SECONDS)
    line = output.readline().decode() if ready else ""
    if not line.startswith("listening on "):
        said = (data_path / "log" / "kino.log").read_text(encoding="utf-8", errors="replace").strip()
        raise KinoBackupError("The sample server did not start.", hint=said.rpartition("\n")[2])
    return f"http://{line.removeprefix('listening on ').strip()}"
