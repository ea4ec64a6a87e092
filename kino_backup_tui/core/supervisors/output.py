"""What a program prints: its end, within bounds of time and memory."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Sequence

_LARGEST = 256 << 10
"""Bytes kept from the end."""


def last_lines(command: Sequence[str], lines: int, seconds: float) -> list[str]:
    """Run a program and return the last lines of its output and its errors, without empty ones at the end.

    It is ended after `seconds`, for one that follows a log never ends by itself; what it has printed until
    then counts. A program that cannot be run gives one line that says so.
    """
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            # Docker, for one, prints what a container has written to its standard error on its own.
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        return [f"{command[0]}: {error.strerror or error}"]
    with process:
        try:
            tail = _read(process, time.monotonic() + seconds)
        finally:
            end_group(process)
    text = tail.decode(errors="replace").rstrip()
    return [line.rstrip("\r") for line in text.split("\n")][-lines:] if text and lines > 0 else []


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that leads a session, with everything it has started there."""
    # It may have ended just now.
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)


def _read(process: subprocess.Popen[bytes], deadline: float) -> bytes:
    assert process.stdout is not None  # noqa: S101 - it was asked for
    descriptor = process.stdout.fileno()
    tail = b""
    while (left := deadline - time.monotonic()) > 0:
        readable, _, _ = select.select([descriptor], [], [], left)
        data = os.read(descriptor, 1 << 16) if readable else b""
        if not data:
            break
        tail = (tail + data)[-_LARGEST:]
    return tail
