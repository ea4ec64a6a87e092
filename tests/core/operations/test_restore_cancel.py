"""A request to stop: followed at every stage before Stopping, and passed over afterwards."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from kino_backup_tui.core.errors import BusyError, OperationCancelledError
from kino_backup_tui.core.jobs.job import run_job
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.jobs import list_jobs
from kino_backup_tui.core.operations.last_restore import interrupted
from kino_backup_tui.core.operations.plan import plan_restore
from kino_backup_tui.core.operations.restore import read_result, receive, start_restore
from kino_backup_tui.core.operations.restoring import perform
from kino_backup_tui.core.operations.task import Task
from kino_backup_tui.core.progress import CancelToken, Control, JobEvent, Stage
from kino_backup_tui.core.restore.plan import RestoreResult
from kino_backup_tui.core.workspace import workspace_of
from tests.core.operations.restoring import change, leftovers, state, tree

JOB = "20260426T030000-abcdef"


def cancelled_at(context: Context, backup: Backup, stage: Stage) -> RestoreResult | None:
    """Do a restore that is asked to stop as soon as it is in a stage."""
    plan = plan_restore(context, backup, Control())
    task = Task(JOB, plan.operation, plan.source, False, plan.fingerprint, True, 180.0, False)
    cancel = CancelToken()

    def report(event: JobEvent) -> None:
        if event.stage is stage:
            cancel.cancel()

    try:
        perform(context, task, Control(cancel, report))
    finally:
        assert cancel.cancelled, f"it was never in {stage}"
    return read_result(context, JOB)


@pytest.mark.parametrize("stage", [Stage.CHECKING_ARCHIVE, Stage.STAGING, Stage.SAFETY_BACKUP])
def test_before_stopping_it_ends_and_nothing_has_changed(
    context: Context, kino: Kino, create: Callable[..., Backup], stage: Stage
) -> None:
    """The outcome is "cancelled"; no unpacked set, no half backup, no interrupted restore is left."""
    backup = create()
    change(kino)
    before = tree(kino.data_path)

    with pytest.raises(OperationCancelledError):
        cancelled_at(context, backup, stage)

    result = read_result(context, JOB)
    assert result is not None
    assert (result.outcome, result.can_roll_back) == ("cancelled", False)
    assert tree(kino.data_path) == before
    assert leftovers(kino) == []
    assert interrupted(context) is None


def test_what_is_cancelled_before_its_worker_starts_is_not_begun(
    context: Context, create: Callable[..., Backup]
) -> None:
    """Also when nobody else holds the lock: who asks has gone after the plan, and before the restore."""
    backup = create()
    plan = plan_restore(context, backup, Control())
    control = Control()
    control.cancel.cancel()

    with pytest.raises(OperationCancelledError):
        start_restore(context, plan, control=control)

    assert list_jobs(context)[0].operation == "create"


@pytest.mark.parametrize("stage", [Stage.STOPPING, Stage.SWAPPING])
def test_from_stopping_on_it_goes_on(
    context: Context, kino: Kino, create: Callable[..., Backup], stage: Stage
) -> None:
    """Half a stop, or half a swap, would be worse than none."""
    backup = create()
    before = state(kino)
    change(kino)

    result = cancelled_at(context, backup, stage)

    assert result is not None
    assert result.outcome == "ok"
    assert state(kino) == before


@pytest.mark.parametrize("holding", [False, True])
def test_a_received_archive_is_gone_once_a_restore_of_it_has_begun(
    context: Context, kino: Kino, create: Callable[..., Backup], holding: bool
) -> None:
    """Where another operation holds the lock, it stays for the next attempt; who gives up discards it."""
    data = create().path.read_bytes()
    received = receive(context, io.BytesIO(data), Control())
    path = received.path
    plan = plan_restore(context, path, Control())
    task = Task(JOB, plan.operation, path, False, plan.fingerprint, True, 180.0, True)
    if holding:
        with run_job(workspace_of(kino), "create", context.clock, Control()), pytest.raises(BusyError):
            perform(context, task, Control(wait_seconds=0))
        assert path.exists()

    perform(context, task, Control(wait_seconds=0))

    assert not path.exists()
