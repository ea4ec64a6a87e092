"""Looking for files of the library in a process of its own, which is given up if it does not answer.

A share whose server is gone keeps whoever asks for the status of a file waiting, perhaps for ever (nfs(5),
"hard"). `python -m kino_backup_tui.core.restore.looking` reads what to look for from standard input.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import kino_backup_tui
from kino_backup_tui.core.progress import CancelToken

PATIENCE_SECONDS = 30.0

_POLL_SECONDS = 0.05
_PACKAGE_PARENT = Path(kino_backup_tui.__file__).parents[1]


class Seen(NamedTuple):
    """What there is on the disks."""

    problem: str
    """Why the folder cannot be looked into, as a clause; empty if it can."""
    missing: tuple[int, ...]
    """Which of the files are not there, by their place in the list."""
    sizes: tuple[int | None, ...]
    """Bytes in each of the other paths; None for one that is not there, or was not measured in time."""


def look_at(
    folder: Path | None,
    files: Sequence[Path | None],
    others: Sequence[Path | None],
    cancel: CancelToken,
    *,
    seconds: float = PATIENCE_SECONDS,
) -> Seen | None:
    """Look whether files are there, then measure other paths; a path that is None is not there.

    None if the disks do not say within `seconds` what is there. Raises `OperationCancelledError`.
    """
    asked = {"folder": _text(folder), "files": [*map(_text, files)], "others": [*map(_text, others)]}
    with tempfile.TemporaryFile() as question:
        question.write(json.dumps(asked).encode())
        question.seek(0)
        child = subprocess.Popen(
            [sys.executable, "-m", __name__],
            cwd=_PACKAGE_PARENT,
            stdin=question,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C reaches it through us alone
        )
    try:
        return _seen(_answer(child, seconds, cancel), len(others))
    finally:
        child.kill()
        # One that waits for a dead share cannot even be killed, and is not waited for.
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(1.0)
        if child.stdout is not None:
            child.stdout.close()


def _answer(child: subprocess.Popen[bytes], seconds: float, cancel: CancelToken) -> bytes:
    """What it says, as far as it has come."""
    deadline = time.monotonic() + seconds
    while True:
        cancel.raise_if_cancelled()
        try:
            return child.communicate(timeout=_POLL_SECONDS)[0]
        except subprocess.TimeoutExpired as late:
            if time.monotonic() > deadline:
                return late.stdout or b""


def _seen(answer: bytes, others: int) -> Seen | None:
    lines = [json.loads(line) for line in answer.splitlines(keepends=True) if line.endswith(b"\n")]
    if not lines:
        return None
    sizes = lines[1] if len(lines) > 1 else [None] * others
    return Seen(lines[0]["problem"], tuple(lines[0]["missing"]), tuple(sizes))


def _text(path: Path | None) -> str | None:
    return None if path is None else os.fspath(path)


def _problem(folder: str | None) -> str:
    if folder is None:
        return ""
    try:
        with os.scandir(folder):
            return ""
    except FileNotFoundError:
        return "is not there"
    except OSError as error:
        return f"cannot be looked into ({error.strerror})"
    except ValueError:
        return "cannot be the name of a folder"


def _is_there(path: str | None) -> bool:
    return path is not None and os.path.exists(path)  # noqa: PTH110 - a name may be too long for a Path


def _size(path: str | None) -> int | None:
    if path is None:
        return None
    try:
        total = os.lstat(path).st_size if not os.path.isdir(path) else 0  # noqa: PTH112
    except (OSError, ValueError):
        return None
    for folder, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118
    return total


def main() -> None:
    """The child: a line of JSON on what is there, and when all is measured, one with the sizes."""
    asked = json.load(sys.stdin)
    missing = [place for place, file in enumerate(asked["files"]) if not _is_there(file)]
    sys.stdout.write(json.dumps({"problem": _problem(asked["folder"]), "missing": missing}) + "\n")
    sys.stdout.flush()
    sys.stdout.write(json.dumps([_size(path) for path in asked["others"]]) + "\n")


if __name__ == "__main__":
    main()
