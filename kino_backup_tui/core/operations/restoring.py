"""What the worker does: from the confirmed plan to a Kino that runs on the restored state, or as before."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import NoReturn

from kino_backup_tui.core.errors import (
    BusyError,
    KinoBackupError,
    LibraryMissingError,
    NoSpaceError,
    RolledBackError,
    UndecidedError,
    UsageError,
)
from kino_backup_tui.core.jobs.job import Job, run_job
from kino_backup_tui.core.kino.command import command_for
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.last_restore import unsettled_problem
from kino_backup_tui.core.operations.outcome import (
    back_text,
    done_text,
    encode_result,
    sentence,
    uncapitalized,
)
from kino_backup_tui.core.operations.present import Present, look
from kino_backup_tui.core.operations.safety import take_safety_backup
from kino_backup_tui.core.operations.session import Session, open_session
from kino_backup_tui.core.operations.staging import Staging
from kino_backup_tui.core.operations.task import Task
from kino_backup_tui.core.operations.transition import Transition
from kino_backup_tui.core.operations.unsupervised import wait_until_stopped
from kino_backup_tui.core.progress import APPLY, CancelToken, Control, Stage
from kino_backup_tui.core.restore.folders import new_transaction
from kino_backup_tui.core.restore.health import Health
from kino_backup_tui.core.restore.journal import UNTOUCHED, Phase, Record, read_record, write_record
from kino_backup_tui.core.restore.plan import RestorePlan, RestoreResult, Safety
from kino_backup_tui.core.workspace import workspace_of


def perform(context: Context, task: Task, control: Control) -> None:
    """Restore; the job's result says how it ended.

    Raises what went wrong: `RolledBackError` if files had been replaced and are back, `UndecidedError` if
    they could not be put back; anything else means that nothing was replaced.
    """
    workspace = workspace_of(context.kino)
    needed = False
    try:
        with contextlib.ExitStack() as stack:
            try:
                run = run_job(workspace, task.operation, context.clock, control, identity=task.job)
                job = stack.enter_context(run)
            except BusyError:
                needed = True  # by the worker that the front end starts next, see `start_restore`
                raise
            _Restoration(context, job, task, control).run()
    finally:
        if task.received and not needed:
            task.source.unlink(missing_ok=True)


class _Restoration:
    def __init__(self, context: Context, job: Job, task: Task, control: Control) -> None:
        self._context = context
        self._session: Session = open_session(context)
        self._job = job
        self._task = task
        self._control = control
        self._present: Present = look(context, control)
        self._warnings: list[str] = []
        self._earlier: Record | None = None
        self._step: Transition

    def run(self) -> None:
        try:
            self._earlier = read_record(self._session.workspace)
            self._step = Transition(
                self._context,
                self._session.workspace,
                self._present.supervisor,
                self._job,
                self._begin(),
            )
            self._prepare()
        except BaseException as error:
            self._give_up(error)
            raise
        self._replace()

    def _begin(self) -> Record:
        if problem := unsettled_problem(self._session.workspace):
            raise problem
        earlier = self._earlier
        previous = earlier.transaction if earlier is not None and self._task.kept_files else ""
        record = Record(
            transaction=new_transaction(),
            job=self._task.job,
            operation=self._task.operation,
            source=self._task.source.name if not previous else "the state of before",
            since=self._context.clock.now(),
            phase=Phase.STAGING,
            layout=self._context.kino.layout.name,
            previous=previous,
            replaced=self._present.side,
            library_missing_ok=self._task.library_missing_ok,
            mounts=tuple(self._present.host.mounts),
            earlier=replace(earlier, earlier=None) if earlier and earlier.phase is Phase.CONFIRMED else None,
        )
        return write_record(self._session.workspace, record)

    def _prepare(self) -> None:
        """Everything that can fail while Kino still runs, and then its stop."""
        staging = Staging(
            self._context, self._session, self._present, self._task, self._job, self._control, self._step
        )
        kept = self._earlier if self._step.record.previous else None
        plan = staging.from_archive() if kept is None else staging.from_kept_files(kept)
        if plan.blockers:
            raise plan.blockers[0]
        if plan.fingerprint != self._task.fingerprint:
            raise UsageError(
                "What this restore would do has changed since it was confirmed.", hint="Look at it again."
            )
        if not self._step.supervisor.controls:
            # What a Kino that runs for hours yet will write belongs into the safety backup, too.
            wait_until_stopped(self._context.kino, self._job)
        # With the restored settings, what is in the present location has to be in the list as well.
        self._session.introduce_location()
        needs_raw = self._save_current(plan)
        self._job.stage(Stage.STOPPING)
        self._job.cancel = CancelToken()  # half a stop is worse than none
        self._step.quiesce()
        if needs_raw:
            self._save_current(plan)

    def _save_current(self, plan: RestorePlan) -> bool:
        """Take the safety backup; True if it can be tried again as a raw copy, once Kino has stopped."""
        if plan.safety is Safety.NONE:
            return False
        with self._job.as_one_stage(Stage.SAFETY_BACKUP):
            taken = take_safety_backup(
                self._context,
                self._session,
                self._job,
                version=self._present.installed,
                allow_raw_now=self._step.record.phase is Phase.QUIESCING,
            )
        if taken.needs_raw:
            self._job.note("the database is damaged: its files are packed once Kino has stopped")
            return True
        if isinstance(taken.problem, NoSpaceError):
            raise taken.problem
        self._warnings += taken.warnings
        if taken.problem is not None:
            self._warnings.append(f"There is no safety backup: {taken.problem.message}")
        if taken.backup is not None:
            self._job.note(taken.backup.filename)
            self._step.enter(self._step.record.phase, way_back=taken.backup.filename)
        return False

    def _replace(self) -> None:
        step = self._step
        self._job.stage(Stage.SWAPPING)
        try:
            step.swap()
        except (OSError, KinoBackupError) as error:
            self._go_back(Stage.SWAPPING, sentence(error))
        with self._in_place():
            self._warnings += step.reindex()
        health: Health | None = None
        if step.supervisor.controls:
            try:
                step.start()
                self._job.stage(Stage.CHECKING_HEALTH)
                health = step.judge(
                    self._task.health_seconds, expect_http=self._present.state.version is not None
                )
            except LibraryMissingError as error:
                self._go_back(Stage.STARTING, error.message, hint=error.hint)
            except KinoBackupError as error:
                self._go_back(self._job.now_at, error.message)
            if health is not None and not health.healthy:
                self._go_back(Stage.CHECKING_HEALTH, health.text, health.log)
        with self._in_place():
            step.confirm()
        self._release()
        done = done_text(step.record, health, None if health else step.library_problem())
        self._finish("ok", done, running=True if health else None)

    @contextlib.contextmanager
    def _in_place(self) -> Iterator[None]:
        """Say that the new set is in place where that cannot be noted; raises `UndecidedError` then."""
        try:
            yield
        except KinoBackupError as error:
            text = f"{self._step.record.source} is in place, but the restore is not ended: {error.message}"
            hint = f"`{command_for(self._context.kino, APPLY)}` ends it."
            self._finish(UndecidedError.code, text, failed=self._job.now_at, hint=hint)
            raise UndecidedError(text, hint=hint) from error

    def _go_back(
        self,
        stage: Stage | None,
        reason: str,
        log: tuple[str, ...] = (),
        hint: str = "The log of Kino tells why. Another backup may do.",
    ) -> NoReturn:
        """Undo the swap, and raise `RolledBackError` once the old state is back."""
        step = self._step
        try:
            step.go_back()
        except UndecidedError as error:
            self._finish(error.code, error.message, failed=stage, log=log, hint=error.hint)
            raise
        self._release()
        health = step.restart()
        message = f"{reason.rstrip('.')}. The state from before the restore is back{back_text(health)}"
        self._finish(
            RolledBackError.code,
            message,
            failed=stage,
            log=log,
            hint=hint,
            running=health.healthy if health else None,
        )
        step.tidy()
        step.remember_earlier()
        raise RolledBackError(message, hint=hint)

    def _release(self) -> None:
        """Let Kino be started by anybody again; a restore whose gate stays has ended all the same."""
        try:
            self._step.release()
        except KinoBackupError as error:
            self._warnings.append(error.full_text)

    def _give_up(self, error: BaseException) -> None:
        """Nothing was moved: leave everything as it was."""
        code = error.code if isinstance(error, KinoBackupError) else KinoBackupError.code
        running: bool | None = None
        message = sentence(error)
        if hasattr(self, "_step") and self._step.record.phase in UNTOUCHED:
            stopping = self._step.record.phase is Phase.QUIESCING
            try:
                self._step.abandon()
                if stopping and self._step.supervisor.controls:
                    running = self._step.supervisor.state().active
            except LibraryMissingError as problem:
                running = False
                message = f"{message} Kino stays stopped: {uncapitalized(problem.message)}"
            except KinoBackupError as problem:
                self._warnings.append(problem.full_text)
        self._finish(code, message, hint=getattr(error, "hint", ""), running=running)

    def _finish(
        self,
        outcome: str,
        message: str,
        *,
        failed: Stage | None = None,
        log: tuple[str, ...] = (),
        hint: str = "",
        running: bool | None = None,
    ) -> None:
        step = getattr(self, "_step", None)
        record = step.record if step else None
        health = step.health if step else None
        result = RestoreResult(
            job=self._task.job,
            operation=self._task.operation,
            outcome=outcome,
            at=self._context.clock.now(),
            message=message,
            source=record.source if record else self._task.source.name,
            kino_version=health.version if health else None,
            running=running,
            tables=record.arrived.tables if record and outcome == "ok" else None,
            way_back=record.way_back if record else "",
            can_roll_back=bool(record and record.phase is Phase.CONFIRMED and record.leaving),
            failed_stage=failed.value if failed else "",
            log=log,
            hint=hint,
            warnings=tuple(self._warnings),
        )
        self._job.message = message
        self._job.result = encode_result(result)
