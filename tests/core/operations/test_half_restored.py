"""Backups while a restore that was interrupted has left neither the old files nor the new ones in place."""

from __future__ import annotations

from pathlib import Path

import pytest

from kino_backup_tui.core.errors import UndecidedError
from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.failing import read_failing
from kino_backup_tui.core.operations.run_due import DueOutcome, run_due
from kino_backup_tui.core.operations.settle import settle
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.restore.folders import restore_folder
from kino_backup_tui.core.restore.journal import Phase
from kino_backup_tui.core.workspace import workspace_of
from tests.core.operations.restoring import tree
from tests.core.restore.interrupting import MOVES_IN_SWAP, die_in, die_in_swap
from tests.core.restore.killing import Bench, prepare, restore


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A crashed Kino and an archive of another state."""
    bench = prepare(tmp_path)
    bench.reset()
    return bench


def require_told(error: BaseException | None) -> None:
    """Whoever wants a backup learns what has to be done first."""
    assert type(error) is UndecidedError
    assert error.message.endswith(" was interrupted and is not settled.")
    assert "apply` finishes or undoes it" in error.hint


@pytest.mark.parametrize("moved", MOVES_IN_SWAP)
def test_no_backup_is_made_of_half_a_set(bench: Bench, moved: int) -> None:
    """With the reason, whether there is a database just now or not; nothing is written."""
    die_in_swap(bench, moved)
    before = tree(bench.kino.data_path)

    with pytest.raises(UndecidedError) as caught:
        create_backup(bench.context, Control())

    require_told(caught.value)
    assert tree(bench.kino.data_path) == before


@pytest.mark.parametrize("moved", MOVES_IN_SWAP)
def test_the_scheduled_run_says_so_too_and_stays_due(bench: Bench, moved: int) -> None:
    """It is made up for by the first waking after the restore was settled."""
    die_in_swap(bench, moved)

    run = run_due(bench.context, Control())

    assert (run.outcome, run.slot_used_up) == (DueOutcome.FAILED, False)
    require_told(run.problem)
    failing = read_failing(workspace_of(bench.kino))
    assert failing is not None
    assert failing.code == "undecided"
    settle(bench.context, Control())
    made = run_due(bench.context, Control())
    assert made.outcome is DueOutcome.MADE
    assert made.slot == run.slot


def test_a_journal_that_is_lost_in_the_swap_is_told_with_the_two_sets(bench: Bench) -> None:
    """Nobody knows what is in place: the same decision is asked for as everywhere."""
    die_in_swap(bench, 3)
    (restore_folder(workspace_of(bench.kino)) / "journal.json").unlink()

    with pytest.raises(UndecidedError, match="it cannot be told which files belong to Kino"):
        create_backup(bench.context, Control())
    assert isinstance(run_due(bench.context, Control()).problem, UndecidedError)


@pytest.mark.parametrize("phase", [Phase.STAGED, Phase.SWAPPED])
def test_a_backup_is_made_of_a_set_that_is_whole(bench: Bench, phase: Phase) -> None:
    """An interrupted restore that has moved nothing yet, or all, keeps no night from its backup."""
    die_in(workspace_of(bench.kino), phase, restore(bench))

    assert create_backup(bench.context, Control()).backup.kind is BackupKind.MANUAL
    assert run_due(bench.context, Control()).outcome is DueOutcome.MADE
