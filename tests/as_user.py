"""Run a piece of a test as another user."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from pathlib import Path

NOBODY = 65534


def run_as(uid: int, work: Callable[[], str]) -> str:
    """Run `work` in a child process of another user and return its text; the caller is root."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            text = work()
        except BaseException:
            text = traceback.format_exc()
        os.write(writer, text.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as stream:
        text = stream.read()
    os.waitpid(child, 0)
    return text


def let_others_in(path: Path) -> None:
    """Open every folder on the way to a path; pytest keeps its own closed to others."""
    for folder in path.parents:
        if folder != Path("/") and folder.stat().st_uid == 0:
            folder.chmod(folder.stat().st_mode | 0o005)
