"""A disk on which the journal of a restore cannot be written, or tidied up, at the worst moment."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import RolledBackError, UndecidedError
from kino_backup_tui.core.restore.folders import restore_folder
from kino_backup_tui.core.restore.journal import FINAL, Phase, read_record
from kino_backup_tui.core.workspace import Workspace, workspace_of
from tests.core.restore.killing import (
    NEW,
    OLD,
    Bench,
    prepare,
    prepare_rollback,
    restore,
    rollback,
    settling,
)
from tests.proof.points import Ending, Work, at_each_change, outcome_of


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A crashed Kino and an archive of another state."""
    return prepare(tmp_path)


def failing_once(work: Work, change: str, when: Callable[[], bool]) -> Ending:
    """Do some work in which the first change of a name at a certain time fails, as on a bad disk."""

    def failing() -> None:
        failed = False

        def fail(_number: int, name: str) -> None:
            nonlocal failed
            if name == change and not failed and when():
                failed = True
                raise OSError(errno.EIO, os.strerror(errno.EIO))

        at_each_change(fail)
        work()

    return outcome_of(failing)


def phase_of(workspace: Workspace) -> Phase | None:
    """What is in the journal."""
    record = read_record(workspace)
    return record.phase if record else None


@pytest.mark.parametrize("way", ["restore", "rollback"])
def test_files_stay_where_they_are_if_the_journal_cannot_say_that_they_will_be_moved(
    bench: Bench, way: str
) -> None:
    """Going back then has nothing to put back, and does not take the live files for the new set."""
    if way == "rollback":
        prepare_rollback(bench)
    bench.reset()
    before = bench.state()
    workspace = workspace_of(bench.kino)
    work = (restore if way == "restore" else rollback)(bench)

    ending = failing_once(work, "os.rename", lambda: phase_of(workspace) is Phase.QUIESCING)

    assert ending.code == RolledBackError.code
    assert before == (OLD if way == "restore" else NEW)
    assert bench.state() == before
    assert phase_of(workspace) in FINAL


def test_a_restore_that_cannot_be_ended_says_that_the_new_files_are_in_place(bench: Bench) -> None:
    """Any other error would mean that nothing was replaced; `apply` ends it."""
    bench.reset()
    workspace = workspace_of(bench.kino)

    ending = failing_once(restore(bench), "os.rename", lambda: phase_of(workspace) is Phase.SWAPPED)

    assert ending.code == UndecidedError.code
    assert "is in place" in ending.text
    assert bench.state() == NEW
    settling(bench)
    assert phase_of(workspace) is Phase.CONFIRMED
    assert bench.state() == NEW


def test_room_that_cannot_be_given_back_does_not_fail_a_restore(bench: Bench) -> None:
    """What was set aside for the journal stays then, for the next restore."""
    bench.reset()
    workspace = workspace_of(bench.kino)

    ending = failing_once(restore(bench), "os.remove", lambda: phase_of(workspace) is Phase.CONFIRMED)

    assert ending.well, ending
    assert bench.state() == NEW
    assert (restore_folder(workspace) / "reserve").exists()
