"""Whether Kino may start, for every phase of the journal, with a living worker and without."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from kino_backup_tui.core.clock import SystemClock
from kino_backup_tui.core.jobs.lock import current_holder
from kino_backup_tui.core.kino.home import DOCUMENTED
from kino_backup_tui.core.operations.gate import MOST_ATTEMPTS, gate
from kino_backup_tui.core.restore.folders import moved_names
from kino_backup_tui.core.restore.journal import FINAL, Phase, Record, enter, read_record, write_record
from kino_backup_tui.core.workspace import Workspace, workspace_of
from tests.core.restore.interrupting import die_in
from tests.core.restore.killing import NEW, OLD, Bench, prepare, restore, state_of
from tests.proof.points import done

HOLD = """
import sys
from kino_backup_tui.core.jobs.lock import Holder, exclusive
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.workspace import workspace_of
from pathlib import Path
import os
workspace = workspace_of(Kino(Path(sys.argv[1])))
holder = Holder(sys.argv[2], os.getpid(), sys.argv[3], "now")
with exclusive(workspace, holder, Control(), lambda: None):
    print("held", flush=True)
    sys.stdin.readline()
"""
JOB = "20260426T030000-abcdef"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A crashed Kino and an archive of another state."""
    bench = prepare(tmp_path)
    bench.reset()
    return bench


@pytest.fixture
def workspace(bench: Bench) -> Workspace:
    """Its working folder."""
    return workspace_of(bench.kino)


@contextlib.contextmanager
def held(workspace: Workspace, operation: str = "restore", job: str = JOB) -> Iterator[subprocess.Popen[str]]:
    """Another process holds the lock and says that it does such a job."""
    command = [sys.executable, "-c", HOLD, str(workspace.data_path), job, operation]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def record_in(workspace: Workspace, phase: Phase) -> Record:
    """A journal in that phase, for a Kino that ran when it was stopped; no file has been moved."""
    record = Record(
        transaction="0123456789abcdef",
        job=JOB,
        operation="restore",
        source="backup.tar.gz",
        since=SystemClock().now(),
        phase=phase,
        layout="documented",
        was_active=True,
        leaving=tuple(name for name in moved_names(DOCUMENTED) if (workspace.data_path / name).exists()),
    )
    return write_record(workspace, record)


def phase_of(workspace: Workspace) -> Phase:
    """What the journal says now."""
    record = read_record(workspace)
    assert record is not None
    return record.phase


ALLOWED_BESIDE_A_WORKER = {
    **dict.fromkeys(FINAL, True),
    Phase.STAGING: True,
    Phase.STAGED: True,
    Phase.QUIESCING: False,
    Phase.SWAPPING: False,
    Phase.SWAPPED: False,
    Phase.REVERTING: False,
    Phase.ROLLING_BACK: False,
    Phase.BLOCKED: False,
}


def test_beside_a_living_worker_the_phase_decides(workspace: Workspace) -> None:
    """From the order to stop until the worker says otherwise Kino stays stopped; the gate touches nothing."""
    seen = {}
    with held(workspace):
        for phase in Phase:
            before = record_in(workspace, phase)
            seen[phase] = gate(Bench(workspace.data_path.parent).context)
            assert read_record(workspace) == before

    assert seen == ALLOWED_BESIDE_A_WORKER


def test_a_worker_that_is_done_with_the_files_lets_kino_start(workspace: Workspace) -> None:
    """Whoever orders it: the new set is in place, and so is all that goes with it."""
    with held(workspace):
        enter(workspace, record_in(workspace, Phase.SWAPPED), Phase.SWAPPED, may_start=True)

        assert gate(Bench(workspace.data_path.parent).context) is True


@pytest.mark.parametrize("phase", sorted({*Phase} - FINAL - {Phase.BLOCKED}))
def test_without_a_worker_kino_may_start_on_what_is_whole(
    bench: Bench, workspace: Workspace, phase: Phase
) -> None:
    """Each phase that files could be put in order from, after a reboot with Kino as a service."""
    record_in(workspace, phase)

    assert gate(bench.context, finish_later=False) is True

    assert state_of(bench.kino.data_path) == OLD
    expected = Phase.SWAPPED if phase is Phase.SWAPPED else None
    assert phase_of(workspace) is expected or phase_of(workspace) in FINAL


def test_without_a_restore_kino_may_start(bench: Bench, workspace: Workspace) -> None:
    """And one that is over does not keep it, whoever holds the lock."""
    assert gate(bench.context) is True
    for phase in sorted(FINAL):
        record_in(workspace, phase)
        assert gate(bench.context) is True


def test_what_needs_a_decision_keeps_kino_stopped(bench: Bench, workspace: Workspace) -> None:
    """However often it is asked."""
    record_in(workspace, Phase.BLOCKED)

    assert [gate(bench.context, finish_later=False) for _ in range(3)] == [False] * 3
    assert phase_of(workspace) is Phase.BLOCKED


def test_a_swapped_state_nobody_has_judged_gets_three_starts(bench: Bench, workspace: Workspace) -> None:
    """Then the old files are put back, and Kino may start on those."""
    die_in(workspace, Phase.SWAPPED, restore(bench))

    for _ in range(MOST_ATTEMPTS):
        assert gate(bench.context, finish_later=False) is True
        assert state_of(bench.kino.data_path) == NEW
    assert gate(bench.context, finish_later=False) is True

    assert state_of(bench.kino.data_path) == OLD
    assert phase_of(workspace) is Phase.ROLLED_BACK


def test_a_kino_that_has_lived_on_it_keeps_the_swapped_state(bench: Bench, workspace: Workspace) -> None:
    """It wrote to its database long after it was let start."""
    die_in(workspace, Phase.SWAPPED, restore(bench))
    record = read_record(workspace)
    assert record is not None
    enter(workspace, record, Phase.SWAPPED, attempts=1, attempted_at=record.since - timedelta(minutes=2))

    assert gate(bench.context, finish_later=False) is True
    assert phase_of(workspace) is Phase.CONFIRMED


def test_an_operation_that_has_nothing_to_do_with_it_is_waited_for(
    bench: Bench, workspace: Workspace
) -> None:
    """A backup that a timer makes at boot must not keep Kino down: nobody would start it again."""
    die_in(workspace, Phase.SWAPPING, restore(bench), moved=2)
    with held(workspace, "create", "20260426T040000-fedcba") as process:
        asking = subprocess.Popen(
            [sys.executable, "-m", "kino_backup_tui", "--data-path", bench.kino.data_path, "apply", "--gate"],
        )
        with asking:
            time.sleep(0.5)
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
            process.wait()
            assert asking.wait() == 0

    assert state_of(bench.kino.data_path) == OLD
    _wait_until_free(workspace)


def test_settling_beside_it_decides_like_a_worker(workspace: Workspace) -> None:
    """`apply` starts Kino itself and must not be waited for."""
    record_in(workspace, Phase.SWAPPED)
    with held(workspace, "apply", "20260426T040000-fedcba"):
        assert gate(Bench(workspace.data_path.parent).context) is False
        enter(workspace, record_in(workspace, Phase.SWAPPED), Phase.SWAPPED, may_start=True)
        assert gate(Bench(workspace.data_path.parent).context) is True
        record_in(workspace, Phase.ROLLING_BACK)
        assert gate(Bench(workspace.data_path.parent).context) is False


def test_a_killed_restore_leaves_the_way_back_of_the_one_before(bench: Bench, workspace: Workspace) -> None:
    """Nothing remains of it, so the earlier restore can still be undone."""
    assert done(restore(bench))
    earlier = read_record(workspace)
    for phase, moved in ((Phase.STAGED, 0), (Phase.SWAPPING, 3)):
        die_in(workspace, phase, restore(bench), moved=moved)
        assert gate(bench.context, finish_later=False) is True
        assert read_record(workspace) == earlier


def _wait_until_free(workspace: Workspace) -> None:
    """The gate has started a process that looks after Kino; it ends by itself."""
    deadline = time.monotonic() + 30
    while current_holder(workspace) is not None and time.monotonic() < deadline:
        time.sleep(0.05)
