"""A restore that was interrupted, on a disk that the kernel has remounted read-only since."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import KinoBackupError, NotPermittedError, UndecidedError
from kino_backup_tui.core.operations.checks.base import CheckStatus
from kino_backup_tui.core.operations.doctor import diagnose
from kino_backup_tui.core.operations.gate import gate
from kino_backup_tui.core.operations.last_restore import can_undo, interrupted, way_back
from kino_backup_tui.core.operations.plan import plan_restore
from kino_backup_tui.core.operations.settle import settle
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.restore.folders import restore_folder
from kino_backup_tui.core.workspace import workspace_of
from tests.core.operations.restoring import mounted, tree
from tests.core.restore.interrupting import MOVES_IN_SWAP, die_in_swap
from tests.core.restore.killing import NEW, OLD, Bench, prepare, restore, state_of
from tests.proof.points import done


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A crashed Kino and an archive of another state."""
    bench = prepare(tmp_path)
    bench.reset()
    return bench


@pytest.mark.parametrize("moved", MOVES_IN_SWAP)
def test_whoever_asks_is_told_of_it(bench: Bench, moved: int) -> None:
    """The screen, `status`, `doctor` and the plan of another restore; and it is as decided as before."""
    die_in_swap(bench, moved)
    before = interrupted(bench.context)
    assert before is not None

    with mounted(bench.kino.data_path, "ro"):
        assert interrupted(bench.context) == before
        check = next(check for check in diagnose(bench.context) if check.name == "restore")
        assert (check.status, check.code) == (CheckStatus.FAIL, "undecided")
        assert any("not settled" in each.message for each in _blockers(bench))


@pytest.mark.parametrize("moved", MOVES_IN_SWAP)
def test_kino_does_not_start_on_half_a_set(bench: Bench, moved: int) -> None:
    """At a start of its service, and for a service of the admin's own that asks the same."""
    die_in_swap(bench, moved)

    with mounted(bench.kino.data_path, "ro"):
        assert gate(bench.context, finish_later=False) is False
        asked = subprocess.run(
            [sys.executable, "-m", "kino_backup_tui", "--data-path", bench.kino.data_path, "apply", "--gate"],
            capture_output=True,
            text=True,
            check=False,
        )

    assert asked.returncode == 20
    assert "was interrupted while files were replaced" in asked.stderr


@pytest.mark.parametrize("keep", [None, OLD, NEW])
def test_it_cannot_be_settled_and_nothing_is_tried(bench: Bench, keep: str | None) -> None:
    """Said with the reason and the way out, before anything is stopped, moved or written anywhere."""
    die_in_swap(bench, 6)
    before = tree(bench.kino.data_path, without=())

    with mounted(bench.kino.data_path, "ro"), pytest.raises(NotPermittedError) as caught:
        settle(bench.context, Control(), keep)

    assert caught.value.message == (f"{bench.kino.data_path} is on a file system that is mounted read-only.")
    assert "Remount it read-write" in caught.value.hint
    assert tree(bench.kino.data_path, without=()) == before
    assert not any(Path(os.environ["XDG_STATE_HOME"]).rglob("*"))


@pytest.mark.parametrize("moved", MOVES_IN_SWAP)
def test_it_is_settled_once_the_disk_can_be_written_again(bench: Bench, moved: int) -> None:
    """What was asked for in between has spoilt nothing."""
    die_in_swap(bench, moved)
    with mounted(bench.kino.data_path, "ro"):
        gate(bench.context, finish_later=False)
        with pytest.raises(NotPermittedError):
            settle(bench.context, Control())

    settle(bench.context, Control())

    assert state_of(bench.kino.data_path) == OLD
    assert interrupted(bench.context) is None


def test_a_lost_journal_is_no_less_lost(bench: Bench) -> None:
    """It cannot be told what is whole: that is said, and Kino stays stopped."""
    die_in_swap(bench, 6)
    (restore_folder(workspace_of(bench.kino)) / "journal.json").unlink()

    with mounted(bench.kino.data_path, "ro"):
        with pytest.raises(UndecidedError):
            settle(bench.context, Control())
        assert gate(bench.context, finish_later=False) is False


def test_the_way_back_of_a_restore_that_is_over_is_known(bench: Bench) -> None:
    """Its backup is labelled so in the list, and Kino may start."""
    assert done(restore(bench))
    name = way_back(bench.context)
    assert name

    with mounted(bench.kino.data_path, "ro"):
        assert way_back(bench.context) == name
        assert can_undo(bench.context)
        assert gate(bench.context, finish_later=False) is True
        assert settle(bench.context, Control()) is None


def _blockers(bench: Bench) -> tuple[KinoBackupError, ...]:
    return plan_restore(bench.context, bench.archive, Control()).blockers
