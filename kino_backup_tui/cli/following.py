"""Following a restore that runs in a process of its own, and telling how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kino_backup_tui.cli.exit_codes import OK, outcome_exit_code
from kino_backup_tui.cli.output import talk, tell_error, warn, write_json, write_line
from kino_backup_tui.core.errors import DetachedError, NotFoundError, OperationCancelledError, error_type

if TYPE_CHECKING:
    from kino_backup_tui.core.kino.home import Kino
    from kino_backup_tui.core.operations.context import Context
    from kino_backup_tui.core.progress import CancelToken, Control, JobEvent
    from kino_backup_tui.core.restore.plan import RestoreResult


def follow(context: Context, job: str, control: Control) -> JobEvent:
    """Report the events of a restore until it ends or waits for Kino to be stopped by hand; return the last.

    A request to stop is passed on to the restore and its end is waited for. Raises `DetachedError` if it can
    no longer be stopped: it goes on.
    """
    from kino_backup_tui.core.operations.restore import cancel_restore
    from kino_backup_tui.core.progress import CancelToken

    follower = _Follower(context, job, control)
    try:
        return follower.last(control.cancel)
    except DetachedError:
        if not cancel_restore(context, job):
            raise
    return follower.last(CancelToken(), stopping=True)


class _Follower:
    def __init__(self, context: Context, job: str, control: Control) -> None:
        self._context = context
        self._job = job
        self._report = control.report
        self._seen = 0

    def last(self, cancel: CancelToken, *, stopping: bool = False) -> JobEvent:
        """Report what has not been reported yet; a restore that is `stopping` does so while it waits, too."""
        from kino_backup_tui.core.operations.jobs import watch_job
        from kino_backup_tui.core.progress import Stage

        last: JobEvent | None = None
        for number, event in enumerate(watch_job(self._context, self._job, cancel), 1):
            if number > self._seen:
                self._seen = number
                self._report(event)
            last = event
            if event.event == "stage" and event.stage is Stage.WAITING_FOR_KINO:
                if cancel.cancelled:
                    raise DetachedError(f"The {event.operation} waits until Kino is stopped by hand.")
                if not stopping:
                    break
        if last is None:
            from kino_backup_tui.core.kino.command import command_for

            state = command_for(self._context.kino, "status")
            raise NotFoundError(f"The story of job {self._job} is gone.", hint=f"`{state}` says how Kino is.")
        return last


def write_end(context: Context, end: JobEvent, *, as_json: bool) -> int:
    """Tell how a restore ended, as far as its last event and its result say; return the exit code.

    Raises the error that ended it where there is no result.
    """
    from kino_backup_tui.core.kino.command import command_for
    from kino_backup_tui.core.operations.restore import interrupted, read_result

    if end.event != "end":
        return _write_waiting(context.kino, end, as_json=as_json)
    result = read_result(context, end.job)
    if result is not None:
        return write_result(context.kino, result, as_json=as_json)
    if end.outcome == "ok":
        if as_json:
            write_json({"job": end.job, "operation": end.operation, "outcome": end.outcome})
        elif end.message:
            talk(end.message)
        return OK
    left = interrupted(context)
    message = left.text if left else end.message or f"The {end.operation} ended: {end.outcome}."
    hint = f"`{command_for(context.kino, 'apply')}` finishes or undoes it." if left else ""
    raise error_type(end.outcome)(message, hint=hint)


def _write_waiting(kino: Kino, event: JobEvent, *, as_json: bool) -> int:
    from kino_backup_tui.cli.exit_codes import WAITING_FOR_KINO
    from kino_backup_tui.core.kino.command import command_for

    if as_json:
        write_json({"state": "waiting_for_kino", "job": event.job})
    else:
        talk(
            f"The {event.operation} is staged, and nobody but you can stop this Kino: stop it now. "
            "The files are replaced as soon as it has ended; then start it again."
        )
        again = command_for(kino, "watch")
        talk(f"`{again}` shows how it goes on. To give it up: w on the page, then x.")
    return WAITING_FOR_KINO


def write_result(kino: Kino, result: RestoreResult, *, as_json: bool) -> int:
    """Print a result; return its exit code."""
    from kino_backup_tui.core.kino.command import command_for
    from kino_backup_tui.presentation.restore_objects import result_object
    from kino_backup_tui.presentation.restore_text import result_text

    code = outcome_exit_code(result.outcome)
    if as_json:
        write_json(result_object(result))
        return code
    for warning in result.warnings:
        warn(warning)
    undo = command_for(kino, "rollback") if result.can_roll_back else ""
    first, *facts = result_text(result, undo)
    if result.outcome in ("ok", OperationCancelledError.code):
        for line in (first, *facts):
            write_line(line)
        if result.hint:
            talk(result.hint)
        return code
    for line in facts:
        talk(line)
    tell_error(error_type(result.outcome)(result.message, hint=result.hint))
    return code
