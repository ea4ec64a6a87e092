"""A restore that a request asks for: planned, refused with every reason, or begun."""

from __future__ import annotations

from pathlib import Path

from kino_backup_tui.api.errors import ApiError, status_of
from kino_backup_tui.api.restore_models import Plan, RestoreRequest, restore_plan
from kino_backup_tui.api.utf8 import utf8
from kino_backup_tui.core.errors import BusyError, KinoBackupError, NotPermittedError
from kino_backup_tui.core.models import Backup
from kino_backup_tui.core.operations.before_restore import require_rights, wait_for_turn
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.jobs import running_job
from kino_backup_tui.core.operations.restore import RestoreOptions, plan_restore, start_restore
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.restore.plan import RestorePlan
from kino_backup_tui.presentation.objects import job_object
from kino_backup_tui.presentation.shapes import problem_object

CONFLICT, UNAVAILABLE = 409, 503


def require_chance(context: Context, request: RestoreRequest, control: Control) -> None:
    """Refuse at once what cannot be done, before an archive is read or sent.

    A plan alone needs neither a right nor a turn. Raises `ApiError` 403, `BusyError` when the control's
    patience is at its end, `OperationCancelledError`.
    """
    if request.dry_run:
        return
    try:
        require_rights(context)
    except NotPermittedError as error:
        raise _refused(context, [error]) from error
    wait_for_turn(context, "restore", "", control)


def restore(context: Context, source: Backup | Path, request: RestoreRequest, control: Control) -> str | Plan:
    """Plan the restore of an archive, and start it unless only the plan is asked for; return the job's id.

    The worker plans again and stops if that is another plan by then. Raises `ApiError` with every reason
    that forbids the restore, and what planning and starting raise.
    """
    options = RestoreOptions(
        safety_backup=request.safety_backup,
        health_seconds=request.health_seconds,
        library_missing_ok=request.library_missing_ok,
    )
    plan = plan_restore(context, source, control, options)
    if request.dry_run:
        return restore_plan(plan)
    if plan.blockers:
        raise _refused(context, list(plan.blockers))
    _require_confirmed(plan, request.fingerprint)
    return start_restore(context, plan, options, control)


def _require_confirmed(plan: RestorePlan, fingerprint: str | None) -> None:
    if fingerprint is not None and fingerprint != plan.fingerprint:
        raise ApiError(
            CONFLICT,
            "What this restore would do has changed since it was confirmed. Ask for the plan again.",
            cause="usage",
        )


def _refused(context: Context, blockers: list[KinoBackupError]) -> ApiError:
    """The error of a restore that is not possible; one that another user could do is 403."""
    first = next((each for each in blockers if isinstance(each, NotPermittedError)), blockers[0])
    status = status_of(type(first))
    running = running_job(context) if isinstance(first, BusyError) else None
    return ApiError(
        CONFLICT if status == UNAVAILABLE else status,
        first.full_text,
        cause=first.code,
        job=None if running is None else utf8(job_object(running)),
        blockers=utf8([problem_object(each) for each in blockers]),
    )
