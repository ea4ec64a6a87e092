"""A restore on Kino 0.3 that is killed at any moment: one whole state, and a list that names every backup."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from kino_backup_tui.core.kino.home import KINO_0_3, Kino
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.restore.journal import Phase, read_record
from kino_backup_tui.core.workspace import workspace_of
from tests.core.restore.interrupting import die_in
from tests.core.restore.killing import (
    BROKEN,
    NEW,
    OLD,
    Bench,
    campaign,
    prepare_rollback,
    restore,
    rollback,
    settling,
    starting,
)
from tests.core.restore.test_killed import require_whole
from tests.proof.shipped import crash, read, write_state

Work = Callable[[Bench], Callable[[], None]]


@dataclass(frozen=True)
class ShippedBench(Bench):
    """A Kino 0.3 as it was left by a crash, and an archive of another state."""

    arriving: str = NEW
    """The state that the work brings, in which every archive that is there has to be in Kino's list."""

    @property
    def kino(self) -> Kino:
        """The Kino of a run."""
        return Kino(self.folder / "kino", KINO_0_3)

    def state(self) -> str:
        """By the one film; what is not what it should be is told."""
        found = read(self.kino.data_path)
        listed = {name for name, _, _ in found.listed}
        there = {path.name for path in (self.kino.data_path / "backups").glob("kino-backup-*.tar.gz")}
        if found.state == self.arriving and (listed != there or not there):
            return f"{BROKEN}: listed {listed}, there {there}"
        return found.state


@pytest.fixture
def bench(tmp_path: Path) -> ShippedBench:
    """Both states."""
    bench = ShippedBench(tmp_path)
    write_state(bench.template, tmp_path / "library", "old")
    crash(bench.template)
    other = tmp_path / "other"
    write_state(other, tmp_path / "library", "new")
    create_backup(Context(Kino(other, KINO_0_3)), Control())
    return bench


def planned_once(bench: Bench, work: Work) -> Work:
    """The same work for each run: all begin alike, and planning takes the most time."""
    bench.reset()
    planned = work(bench)
    return lambda _bench: planned


def require_both(outcomes: Counter[str]) -> None:
    """See `require_whole`; the database is the only file here, so there are fewer points."""
    require_whole(outcomes, least=100)


def test_apply_after_any_kill_leaves_one_whole_state_and_a_whole_list(bench: ShippedBench) -> None:
    """Also where the list was just being brought in step."""
    require_both(campaign(bench, planned_once(bench, restore), settling))


def test_the_gate_after_any_kill_lets_kino_start_on_a_whole_list(bench: ShippedBench) -> None:
    """It brings the list in step itself, before Kino is let start."""
    require_both(campaign(bench, planned_once(bench, restore), starting))


def test_a_killed_rollback_leaves_one_whole_state(bench: ShippedBench) -> None:
    """The way back is as safe as the way there."""
    prepare_rollback(bench)
    back = replace(bench, arriving=OLD)
    require_both(campaign(back, planned_once(back, rollback), settling))


def test_a_list_that_was_not_in_step_yet_is_brought_in_step_by_the_gate(bench: ShippedBench) -> None:
    """The journal says whether it was; a worker that dies on the way leaves that to whoever comes next."""
    bench.reset()
    die_in(workspace_of(bench.kino), Phase.SWAPPED, restore(bench))
    record = read_record(workspace_of(bench.kino))
    assert record is not None
    assert not record.reindexed
    with closing(sqlite3.connect(bench.kino.database)) as connection, connection:
        connection.execute("DELETE FROM backup")
    assert bench.state().startswith(BROKEN)

    starting(bench)

    record = read_record(workspace_of(bench.kino))
    assert record is not None
    assert record.reindexed
    assert bench.state() == NEW
