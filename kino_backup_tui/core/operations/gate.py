"""The gate: what is asked at each start of Kino while a restore is on its way, or was interrupted.

It settles what a dead worker has left, as far as files go, before Kino opens them.
"""

from __future__ import annotations

import contextlib
import time
from datetime import timedelta
from pathlib import Path

from kino_backup_tui.core.errors import BusyError, KinoBackupError, LibraryMissingError
from kino_backup_tui.core.jobs.job import Job, new_job_id, run_job
from kino_backup_tui.core.jobs.lock import current_holder
from kino_backup_tui.core.jobs.worker import start_detached
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.settle import library_hint
from kino_backup_tui.core.operations.transition import Transition
from kino_backup_tui.core.progress import APPLY, RESTORING, Control
from kino_backup_tui.core.restore.journal import (
    UNTOUCHED,
    Phase,
    Record,
    is_unsettled,
    lets_start,
    read_record,
)
from kino_backup_tui.core.supervisors.by_hand import ByHand
from kino_backup_tui.core.workspace import Workspace, workspace_of

MOST_ATTEMPTS = 3
"""How often Kino may be let start on a restored state that nobody has judged."""
LIVED = timedelta(seconds=60)
"""A Kino that still wrote to its database so long after it was let start has lived on it."""

_OTHERS_SECONDS = 60.0
"""How long a backup that is being made may hold up a start: less than systemd waits for one by default."""
_LIBRARY_SECONDS = 30.0
_POLL_SECONDS = 0.5


def gate(context: Context, *, finish_later: bool = True) -> bool:
    """Whether Kino may start now; what a dead worker left is settled first, as far as files go.

    With `finish_later` a process of its own does the rest once Kino is up: judging it, taking the gate away.
    Raises `LibraryMissingError` if Kino would start without the library of the restored database.
    """
    workspace = workspace_of(context.kino)
    try:
        record = read_record(workspace)
    except KinoBackupError:
        return False
    if record is None or not is_unsettled(record):
        return True
    holder = current_holder(workspace)
    if holder is not None and holder.operation in RESTORING:
        return lets_start(record)  # it starts Kino itself, and says in the journal when
    try:
        with run_job(workspace, APPLY, context.clock, Control(wait_seconds=_OTHERS_SECONDS)) as job:
            allowed = _let_start(context, workspace, job)
    except BusyError:
        record = read_record(workspace)
        return record is None or lets_start(record)
    except LibraryMissingError:
        raise
    except KinoBackupError:
        return False
    if finish_later:
        _finish_later(context)
    return allowed


def _finish_later(context: Context) -> None:
    arguments = ["--data-path", str(context.kino.data_path), "--layout", context.kino.layout.name, APPLY]
    with contextlib.suppress(OSError):  # the next `apply` does it
        start_detached("kino_backup_tui", arguments, f"kino-backup-tui-{new_job_id(context.clock)}")


def _let_start(context: Context, workspace: Workspace, job: Job) -> bool:
    """Put the files in order at the moment of a start: there is no Kino running, and none to be started."""
    record = read_record(workspace)
    if record is None or not is_unsettled(record):
        return True
    context = context.of_layout(record.known_layout())
    step = Transition(context, workspace, ByHand(context.kino, Path()), job, record)
    if record.phase in UNTOUCHED:
        step.abandon()
        return True
    if record.phase is Phase.SWAPPED:
        now = context.clock.now()
        if record.attempted_at is not None and _lived(context, record):
            step.confirm()
            return True
        if record.attempts < MOST_ATTEMPTS:
            step.reindex()
            _wait_for_library(step)
            step.enter(Phase.SWAPPED, may_start=True, attempts=record.attempts + 1, attempted_at=now)
            return True
    if record.phase is Phase.BLOCKED:
        return False
    step.go_back()
    step.tidy()
    step.remember_earlier()
    return True


def _wait_for_library(step: Transition) -> None:
    """At boot, a share may be mounted later than Kino is started."""
    deadline = time.monotonic() + _LIBRARY_SECONDS
    while (problem := step.library_problem()) is not None:
        if time.monotonic() >= deadline:
            raise LibraryMissingError(problem.message, hint=library_hint(step.kino))
        time.sleep(_POLL_SECONDS)


def _lived(context: Context, record: Record) -> bool:
    assert record.attempted_at is not None  # noqa: S101 - asked only then
    newest = 0.0
    for end in ("", "-wal"):
        path = context.kino.database.with_name(context.kino.database.name + end)
        if path.exists():
            newest = max(newest, path.stat().st_mtime)
    return newest - record.attempted_at.timestamp() >= LIVED.total_seconds()
