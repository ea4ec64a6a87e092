"""Which line of ours asks for a sync: noted in a record, or left out."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import kino_backup_tui
from tests.proof.effects import SITE

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

_PACKAGE = Path(kino_backup_tui.__file__).parent
_SHARED = {"files.py", "workspace.py"}
"""Modules whose syncs are those of their callers."""


def note_syncs() -> None:
    """In this process: leave a marker in the record before each sync, a write that fails."""
    sync = os.fsync

    def fsync(fd: FileDescriptorLike) -> None:
        with contextlib.suppress(OSError):
            os.write(-1, SITE + site(sys._getframe(1)).encode())
        sync(fd)

    os.fsync = fsync


def leave_out(left_out: str) -> None:
    """In this process: do nothing where one line asks for a sync."""
    sync = os.fsync

    def fsync(fd: FileDescriptorLike) -> None:
        if site(sys._getframe(1)) != left_out:
            sync(fd)

    os.fsync = fsync


def site(frame: FrameType | None) -> str:
    """Where a sync is asked for: module, function and line; through a helper, that of its caller as well."""
    steps = []
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(_PACKAGE):
            steps.append(f"{path.stem}.{frame.f_code.co_name}:{frame.f_lineno}")
            if path.name not in _SHARED:
                break
        frame = frame.f_back
    return " < ".join(steps)
