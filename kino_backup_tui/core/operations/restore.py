"""restore, rollback and apply: the doors of the front ends.

Plan, confirm, start the worker, stop it while that can be, follow its job, read how it ended.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from dataclasses import replace

from kino_backup_tui.core.errors import BusyError, KinoBackupError, NotPermittedError
from kino_backup_tui.core.jobs.job import new_job_id
from kino_backup_tui.core.jobs.journal import journal_path, read_events, read_records
from kino_backup_tui.core.jobs.lock import current_holder
from kino_backup_tui.core.jobs.worker import start_detached
from kino_backup_tui.core.operations.before_restore import wait_for_turn, waiting_event
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.gate import gate
from kino_backup_tui.core.operations.last_restore import interrupted, way_back
from kino_backup_tui.core.operations.outcome import decode_result
from kino_backup_tui.core.operations.plan import (
    DEFAULT_OPTIONS,
    RestoreOptions,
    plan_restore,
    plan_rollback,
)
from kino_backup_tui.core.operations.receiving import Received, is_received, receive, sweep_received
from kino_backup_tui.core.operations.settle import settle
from kino_backup_tui.core.operations.task import Task
from kino_backup_tui.core.operations.worker import encode_task
from kino_backup_tui.core.progress import RESTORING, ROLLBACK, Control, Stage
from kino_backup_tui.core.restore.journal import UNTOUCHED, Phase, read_record
from kino_backup_tui.core.restore.plan import RestorePlan, RestoreResult
from kino_backup_tui.core.workspace import Workspace, workspace_of

__all__ = [
    "Received",
    "RestoreOptions",
    "cancel_restore",
    "decode_result",
    "gate",
    "interrupted",
    "plan_restore",
    "plan_rollback",
    "read_result",
    "receive",
    "settle",
    "start_restore",
    "sweep_received",
    "way_back",
]

START_SECONDS = 30.0
"""How long the worker may take until its job can be followed."""
_POLL_SECONDS = 0.05
_WORKER = "kino_backup_tui.core.operations.worker"


def start_restore(
    context: Context,
    plan: RestorePlan,
    options: RestoreOptions = DEFAULT_OPTIONS,
    control: Control | None = None,
) -> str:
    """Start the worker that does what the plan says, and return its job's id once that can be followed.

    `options` are those of the plan. Raises the plan's first blocker, `BusyError`, `OperationCancelledError`,
    `KinoBackupError` if the worker does not start.
    """
    if plan.blockers:
        raise plan.blockers[0]
    control = control or Control()
    workspace = workspace_of(context.kino)
    deadline = time.monotonic() + control.wait_seconds
    while True:
        job = new_job_id(context.clock)
        left = max(0.0, deadline - time.monotonic())
        wait_for_turn(context, plan.operation, job, replace(control, wait_seconds=left))
        _start_worker(context, workspace, plan, options, job)
        faster = _who_was_faster(workspace, job)
        if faster is None:
            return job
        journal_path(workspace, job).unlink(missing_ok=True)
        if time.monotonic() >= deadline:
            raise faster
        control.report(waiting_event(context, plan.operation, job))


def _start_worker(
    context: Context, workspace: Workspace, plan: RestorePlan, options: RestoreOptions, job: str
) -> None:
    """Start it, and return once its job has begun, or has ended because another one had."""
    task = Task(
        job=job,
        operation=plan.operation,
        source=plan.source,
        kept_files=plan.operation == ROLLBACK and not plan.archive_sha256,
        fingerprint=plan.fingerprint,
        safety_backup=options.safety_backup,
        health_seconds=options.health_seconds,
        received=is_received(workspace, plan.source),
        library_missing_ok=options.library_missing_ok,
    )
    try:
        child = start_detached(
            _WORKER, [encode_task(task, context.laid_out(plan.layout).kino)], f"kino-backup-tui-{job}"
        )
    except OSError as error:
        raise KinoBackupError(f"The worker of the restore could not be started: {error}.") from error
    _wait_for_begin(workspace, job, child)
    if child is not None:
        # Somebody has to take note of its end, or a page that stays open keeps it as a zombie.
        threading.Thread(target=child.wait, name=f"worker {job}", daemon=True).start()


def _who_was_faster(workspace: Workspace, job: str) -> BusyError | None:
    """Why a worker has ended without having begun: it did not get the lock; None for any other."""
    events = [event for event, _pid in read_events(journal_path(workspace, job))]
    if len(events) == 2 and events[-1].outcome == BusyError.code:
        return BusyError(events[-1].message, hint="Wait for it, or give --wait more seconds.")
    return None


def cancel_restore(context: Context, job: str) -> bool:
    """Ask a restore to stop; False if it is too late for that, and it goes on.

    Raises `NotPermittedError` if it belongs to another user.
    """
    workspace = workspace_of(context.kino)
    running = next(
        (record for record in read_records(workspace) if record.id == job and record.running), None
    )
    holder = current_holder(workspace)
    if running is None or holder is None or holder.job != job:
        return False
    record = read_record(workspace)
    if record is not None and record.job == job and record.phase not in UNTOUCHED - {Phase.QUIESCING}:
        return False
    # From here on it does not listen, also while it only asks who has to be stopped.
    if any(event.stage is Stage.STOPPING for event, _pid in read_events(journal_path(workspace, job))):
        return False
    try:
        os.kill(holder.pid, signal.SIGTERM)
    except ProcessLookupError:
        return False
    except PermissionError as error:
        raise NotPermittedError(
            f"The restore runs as another user, process {holder.pid}.", hint="Run this as that user, or root."
        ) from error
    return True


def read_result(context: Context, job: str | None = None) -> RestoreResult | None:
    """How a restore or rollback ended; of the newest one without an id. None if there is no such end."""
    workspace = workspace_of(context.kino)
    for record in read_records(workspace):
        if record.operation not in RESTORING or job not in (None, record.id):
            continue
        events = [event for event, _pid in read_events(journal_path(workspace, record.id))]
        if events and events[-1].result is not None:
            return decode_result(events[-1].result)
        if job is not None:
            return None
    return None


def _wait_for_begin(workspace: Workspace, job: str, child: subprocess.Popen[bytes] | None) -> None:
    journal = journal_path(workspace, job)
    deadline = time.monotonic() + START_SECONDS
    while not _has_begun(workspace, job):
        if (child is not None and child.poll() is not None) or time.monotonic() > deadline:
            if journal.exists():
                return
            raise KinoBackupError(
                "The worker of the restore ended at once; nothing was changed.",
                hint="Try it again; if it stays so, please report it.",
            )
        time.sleep(_POLL_SECONDS)


def _has_begun(workspace: Workspace, job: str) -> bool:
    """Whether the job can be followed: it has the lock, or its story goes on, or is over already."""
    events = sum(1 for _ in read_events(journal_path(workspace, job)))
    holder = current_holder(workspace) if events == 1 else None
    return events > 1 or (holder is not None and holder.job == job)
