"""A move that is killed: at each file it opens, links or removes, every backup is whole somewhere."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.listing import list_backups
from kino_backup_tui.core.operations.move import move_backups
from kino_backup_tui.core.operations.schedule import read_schedule, save_schedule
from kino_backup_tui.core.operations.verify import verify_backup
from kino_backup_tui.core.progress import Control

STEPS = frozenset({"open", "os.link", "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.truncate"})
"""Audit events (https://docs.python.org/3/library/audit_events.html) of what changes a folder or a file."""
MOST_STEPS = 400


def killed_at(step: int, work: Callable[[], object]) -> bool:
    """Do the work in a child that dies before its n-th step; whether it died before it was done."""
    child = os.fork()
    if child == 0:
        left = step

        def count(event: str, _arguments: tuple[object, ...]) -> None:
            nonlocal left
            if event in STEPS:
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.addaudithook(count)
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def whole(folder: Path, contents: dict[str, bytes]) -> set[str]:
    """The names in a folder, each of which has to be a backup as it was made."""
    found = {path.name: path.read_bytes() for path in folder.glob("kino-backup-*.tar.gz")}
    assert found.items() <= contents.items()
    return set(found)


@pytest.mark.parametrize("verified", [True, False], ids=["verified", "unverified"])
def test_killed_anywhere_no_backup_is_lost_and_the_next_move_brings_all(
    context: Context, kino: Kino, create: Callable[..., Backup], tmp_path: Path, verified: bool
) -> None:
    """Nothing half is listed, nothing is there twice in the end."""
    contents = {backup.filename: backup.path.read_bytes() for backup in (create(), create())}
    nas, kept = tmp_path / "nas", tmp_path / "kept"
    nas.mkdir()
    save_schedule(context, replace(read_schedule(context), location=str(nas)), Control())
    for folder in (kino.data_path, nas):
        shutil.copytree(folder, kept / folder.name)

    for step in range(MOST_STEPS):
        for folder in (kino.data_path, nas):
            shutil.rmtree(folder)
            shutil.copytree(kept / folder.name, folder)
        # What is known of a file holds for its inode.
        for backup in list_backups(context).backups if verified else ():
            verify_backup(context, backup, Control())

        died = killed_at(step, lambda: move_backups(context, Control(wait_seconds=0)))

        assert whole(nas, contents) | whole(kino.default_location, contents) == set(contents)
        move_backups(context, Control(wait_seconds=0))
        assert whole(nas, contents) == set(contents)
        assert whole(kino.default_location, contents) == set()
        assert [path.name for path in nas.iterdir() if "partial" in path.name or "~" in path.name] == []
        if not died:
            assert step > 20
            return
    raise AssertionError("it never came to its end")
