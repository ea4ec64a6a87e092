"""apply: bring a restore to its end whose worker is gone."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import replace

from kino_backup_tui.core.errors import (
    KinoBackupError,
    LibraryMissingError,
    UndecidedError,
    UsageError,
)
from kino_backup_tui.core.jobs.job import Job, run_job
from kino_backup_tui.core.kino.closed import find_openers
from kino_backup_tui.core.kino.command import command_for
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.outcome import back_text, done_text, encode_result, uncapitalized
from kino_backup_tui.core.operations.transition import Transition
from kino_backup_tui.core.operations.unsupervised import require_stopped
from kino_backup_tui.core.progress import APPLY, RESTORE, Control, Stage
from kino_backup_tui.core.restore.first_boot import OPTION
from kino_backup_tui.core.restore.folders import NEW, OLD, open_sets, set_folder, transactions, work_folder
from kino_backup_tui.core.restore.journal import (
    UNTOUCHED,
    Phase,
    Record,
    is_unsettled,
    read_record,
    sweep_journal,
    write_record,
)
from kino_backup_tui.core.restore.kept import needless_transactions, remove_needless
from kino_backup_tui.core.restore.plan import RestoreResult
from kino_backup_tui.core.restore.swap import old_names, present_in
from kino_backup_tui.core.supervisors.detect import find_supervisor
from kino_backup_tui.core.workspace import Workspace, workspace_of

KEEP_OLD, KEEP_NEW = "old", "new"

_SETTLING_SECONDS = 60.0
_POLL_SECONDS = 0.5


def library_hint(kino: Kino) -> str:
    """What to do about a library that is missing."""
    return f"Mount it, then run `{command_for(kino, APPLY)}`; with {OPTION}, Kino starts without it."


def settle(
    context: Context, control: Control, keep: str | None = None, *, library_missing_ok: bool = False
) -> RestoreResult | None:
    """Finish an interrupted restore, or undo it; None if there was none.

    Before the swap was whole it is undone, after it Kino is started and judged, as the restore would have
    done. `keep` is "old" or "new" and decides what cannot be told otherwise. With `library_missing_ok` Kino
    is started, whether its library is there or not.
    Raises `LibraryMissingError` if Kino stays stopped for the lack of it, `UndecidedError` naming both sets,
    `ServiceError` if somebody has the database open, `BusyError` while the restore still runs, `UsageError`,
    `NotPermittedError` for somebody who cannot even know whether there was one, or cannot write there.
    """
    if keep not in (None, KEEP_OLD, KEEP_NEW):
        raise UsageError(f"There is no set {keep!r}; allowed are {KEEP_OLD} and {KEEP_NEW}.")
    workspace = workspace_of(context.kino)
    workspace.require_open()
    record = read_record(workspace) if keep is None else None
    if keep is None and not is_unsettled(record):
        _remove_stale_gate(context)
        sweep_journal(workspace)
        if record is not None and needless_transactions(workspace, record, context.clock.now()):
            _tidy(context, workspace)
        return None
    workspace.require_writable()
    with run_job(workspace, APPLY, context.clock, control) as job:
        record = _record(context, workspace, keep)
        if record is None or not is_unsettled(record):
            return None
        if library_missing_ok:
            record = write_record(workspace, replace(record, library_missing_ok=True))
        context = context.of_layout(record.known_layout())
        step = Transition(context, workspace, find_supervisor(context.kino, os.environ), job, record)
        result = _settled(context, step, job, keep)
        job.message, job.result = result.message, encode_result(result)
        return result


def _settled(context: Context, step: Transition, job: Job, keep: str | None) -> RestoreResult:
    record = step.record
    if record.phase in UNTOUCHED:
        with _kept_stopped("Nothing was replaced", "Mount it, then start Kino."):
            step.abandon()
        return _result(
            context, step, "cancelled", "The interrupted restore was undone; nothing was replaced."
        )
    if keep == KEEP_NEW or (record.phase is Phase.SWAPPED and keep is None):
        return _keep_new(context, step, job)
    if record.phase is Phase.BLOCKED and keep is None:
        raise UndecidedError(
            f"It cannot be told which files belong to Kino. What was replaced is in "
            f"{set_folder(step.workspace, record.transaction, OLD)}, what took its place in "
            f"{context.kino.data_path}.",
            hint=f"`{command_for(context.kino, APPLY, '--keep', KEEP_OLD)}` puts the old files back, "
            "--keep new leaves these.",
        )
    if keep == KEEP_OLD:
        step.give_up_lost()
    return _put_back(context, step)


@contextlib.contextmanager
def _kept_stopped(what: str, hint: str) -> Iterator[None]:
    """Say that Kino stays stopped where its library is not there."""
    try:
        yield
    except LibraryMissingError as error:
        text = f"{what}, but Kino stays stopped: {uncapitalized(error.message)}"
        raise LibraryMissingError(text, hint=hint) from error


def _put_back(context: Context, step: Transition) -> RestoreResult:
    if not step.supervisor.controls:
        require_stopped(step.kino)
    step.go_back()
    step.tidy()
    step.remember_earlier()
    step.release()
    health = step.restart()
    text = f"The interrupted restore was undone: the state from before it is back{back_text(health)}"
    return _result(context, step, "rolled_back", text, running=health.healthy if health else None)


def _keep_new(context: Context, step: Transition, job: Job) -> RestoreResult:
    """The files are in place: what is left is a Kino that lives on them."""
    if step.record.phase is not Phase.SWAPPED:
        if not step.supervisor.controls:
            require_stopped(step.kino)
        step.go_on()
    if not step.supervisor.controls:
        if find_openers(step.kino) is None:
            step.reindex()
        step.confirm()
        text = f"{step.record.source} is restored. Start Kino if it does not run."
        if problem := step.library_problem():
            text = done_text(step.record, None, problem)
        return _result(context, step, "ok", text)
    state = step.supervisor.state()
    if state.active:
        step.allow_start()
    else:
        step.reindex()
        with _kept_stopped("The restored state is in place", library_hint(context.kino)):
            step.start()
    job.stage(Stage.CHECKING_HEALTH)
    health = step.judge(180.0, expect_http=False)
    if not health.healthy:
        return replace(_put_back(context, step), failed_stage=Stage.CHECKING_HEALTH.value, log=health.log)
    step.confirm()
    step.release()
    return _result(
        context, step, "ok", f"{step.record.source} is restored, and Kino runs on it.", running=True
    )


def _record(context: Context, workspace: Workspace, keep: str | None) -> Record | None:
    """The journal; where that is lost and the admin has decided, one that says what they decided."""
    try:
        return read_record(workspace)
    except UndecidedError:
        if keep is None:
            raise
    newest, previous, began_ns = _interrupted_sets(workspace)
    layout = context.kino.layout
    with open_sets(workspace, newest, previous) as sets:
        moved = bool(present_in(sets.old, layout)) or not sets.has(sets.data, layout.database)
        leaving = old_names(sets, layout, began_ns)
    record = Record(
        transaction=newest,
        previous=previous,
        job="",
        operation=RESTORE,
        source="a backup",
        since=context.clock.now(),
        # Before anything was put aside, there is nothing to decide.
        phase=Phase.BLOCKED if moved else Phase.STAGED,
        layout=layout.name,
        leaving=leaving,
        was_active=True,
    )
    return write_record(workspace, record)


def _interrupted_sets(workspace: Workspace) -> tuple[str, str, int]:
    """The newest restore by its folder, the earlier one if it is a rollback to that, and when it began."""
    *earlier, newest = transactions(workspace)
    folder = work_folder(workspace) / newest
    previous = earlier[-1] if earlier and not (folder / NEW).exists() else ""
    return newest, previous, folder.stat().st_mtime_ns


def _remove_stale_gate(context: Context) -> None:
    """A gate that outlived its restore."""
    supervisor = find_supervisor(context.kino, os.environ)
    if not supervisor.controls or supervisor.problem() is not None:
        return
    # systemd gives up a start whose condition vanishes from the unit while it is being asked.
    deadline = time.monotonic() + _SETTLING_SECONDS
    while not supervisor.state().settled and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    supervisor.open_gate()


def _tidy(context: Context, workspace: Workspace) -> None:
    """Remove what is left of a restore that was over, but for this, when its process died. Best effort."""
    quick = Control(wait_seconds=0)
    with contextlib.suppress(KinoBackupError), run_job(workspace, APPLY, context.clock, quick):
        record = read_record(workspace)
        if record is not None and not is_unsettled(record):
            remove_needless(workspace, record, context.clock.now())


def _result(
    context: Context, step: Transition, outcome: str, message: str, *, running: bool | None = None
) -> RestoreResult:
    record = step.record
    return RestoreResult(
        job=record.job,
        operation=record.operation,
        outcome=outcome,
        at=context.clock.now(),
        message=message,
        source=record.source,
        kino_version=step.health.version if step.health else None,
        running=running,
        way_back=record.way_back,
        can_roll_back=record.phase is Phase.CONFIRMED and bool(record.leaving),
    )
