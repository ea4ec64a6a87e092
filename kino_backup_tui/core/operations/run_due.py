"""run-due: make the scheduled backup if one is due, then apply retention.

Something wakes it often: a timer, cron, a server. Nearly every time nothing is due, and then it takes no
lock, writes nothing, and does not even look at the backup location, whose disks may sleep.

A slot is used up by the run that began to write for it, however that ended, and by one that was refused for
lack of space: the next slot tries again. What can be known before stays due and is tried again at each
waking, but told only once: a location that is not there, a database that is not there or half replaced by a
restore that was interrupted, settings that cannot be read. So does a run that was interrupted, and one that
had to wait for another operation for too long.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from kino_backup_tui.core.catalog.locations import prepare_location
from kino_backup_tui.core.clock import FixedClock
from kino_backup_tui.core.errors import (
    BusyError,
    KinoBackupError,
    LocationError,
    NoSpaceError,
    NotFoundError,
    OperationCancelledError,
)
from kino_backup_tui.core.jobs.job import Job, run_job
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.dueness import Due, look
from kino_backup_tui.core.operations.failing import (
    Failing,
    correct_last_slot,
    forget_failing,
    note_failure,
    note_slot,
    note_told,
    read_failing,
)
from kino_backup_tui.core.operations.making import Created, make_backup
from kino_backup_tui.core.operations.prune import apply_retention
from kino_backup_tui.core.operations.session import Session, open_session
from kino_backup_tui.core.operations.telling import tell_failed, tell_recovered
from kino_backup_tui.core.progress import Control

_PATIENCE = timedelta(hours=1)
"""For so long after its slot a run that has to wait for another operation is late, and has not failed."""
_TOLD_AGAIN_NEW = timedelta(hours=20)
"""Each night is told of, however the hour of a clock change and the minutes between two wakings fall."""
_TOLD_AGAIN_SAME = timedelta(hours=25)
"""Where the next slot is further away than a day, what still fails is told of about once a day."""


class DueOutcome(StrEnum):
    """How a run ended."""

    OFF = "off"
    """Nothing is scheduled."""
    NOT_DUE = "not_due"
    MADE = "made"
    SKIPPED = "skipped"
    """There was no space for it; the slot is used up."""
    FAILED = "failed"
    LOCATION_MISSING = "location_missing"
    """The slot stays due."""


@dataclass(frozen=True, slots=True)
class DueRun:
    """What a run did. Instants are aware, in the zone of the host."""

    outcome: DueOutcome
    slot: datetime | None = None
    """What was due."""
    backup: Backup | None = None
    """The new one."""
    removed: tuple[Backup, ...] = ()
    """What retention removed."""
    problem: KinoBackupError | None = None
    """Why there is no backup, if there should be one."""
    next_run: datetime | None = None
    """The first slot in the future."""
    warnings: tuple[str, ...] = ()
    slot_used_up: bool = False
    """No later run will make up for this slot."""
    repeated: bool = False
    """An earlier run for this slot has had the same problem, and has told of it."""
    served_by: Backup | None = None
    """Where nothing is due: the newest scheduled backup, if it was looked for."""


@dataclass(slots=True)
class _Attempt:
    """How far a run has come, for when it fails."""

    due: Due
    began: bool = False
    """The location is there, and writing may have begun."""
    used_up: bool = False


def run_due(context: Context, control: Control, *, now: datetime | None = None) -> DueRun:
    """Make the scheduled backup if one is due; tell of failures and of the recovery, see `telling`.

    `now` replaces the current instant, the date of a new backup included. What goes wrong is in the value
    that is returned, so that it has been remembered and told of before.
    Raises `OperationCancelledError`; whatever was written is removed then, and the slot stays due.
    """
    if now is not None:
        context = context._replace(clock=FixedClock(now, context.clock.zone()))
    session = open_session(context)
    failing = read_failing(session.workspace)
    run = _run(context, session, control, failing)
    warnings = _account(context, session, run, failing)
    return replace(
        run,
        slot=run.slot.astimezone(session.zone) if run.slot else None,
        next_run=open_session(context).next_run(context.clock.now()),  # by what has been made meanwhile
        warnings=(*run.warnings, *warnings),
    )


def _run(context: Context, session: Session, control: Control, failing: Failing | None) -> DueRun:
    due = look(context, session, control.cancel)
    idle = due.slot is None and due.problem is None
    nothing = DueRun(
        DueOutcome.NOT_DUE if session.settings.runs else DueOutcome.OFF,
        warnings=due.warnings,
        served_by=due.served_by,
    )
    if idle and not due.clock_was_ahead:
        return nothing
    attempt = _Attempt(due)
    if due.problem is not None and _is_known(failing, due.problem.code, _night(due.slot, context, session)):
        return replace(_failed(attempt, due.problem), repeated=True)
    try:
        # What the clock has spoilt is put right at the next waking, if somebody has the lock now.
        patient = replace(control, wait_seconds=0) if idle else control
        with run_job(session.workspace, "run-due", context.clock, patient) as job:
            return _run_locked(context, job, attempt)
    except OperationCancelledError:
        raise
    except KinoBackupError as error:
        return nothing if idle and attempt.due.slot is None else _failed(attempt, error)
    except Exception as error:
        # Nobody is there to see a bug at night: it is a failed run like any other, and is told of.
        return _failed(attempt, KinoBackupError(f"internal error: {type(error).__name__}: {error}"))


def _run_locked(context: Context, job: Job, attempt: _Attempt) -> DueRun:
    """Look again, now that nobody else can do anything, and do what is due."""
    session = open_session(context)
    due = attempt.due = look(context, session, job.cancel)
    if due.clock_was_ahead:
        correct_last_slot(session.workspace, due.last_slot, due.disbelieved)
    if due.problem is not None:
        raise due.problem
    if due.slot is None:
        job.message = " ".join(due.warnings) or "Nothing was due any more."
        return DueRun(DueOutcome.NOT_DUE, warnings=due.warnings, served_by=due.served_by)
    try:
        made = _make(context, session, job, attempt)
    except OperationCancelledError:
        raise
    except Exception as error:
        attempt.used_up = _uses_up(error, attempt)
        if attempt.used_up:
            note_slot(session.workspace, due.slot)
        raise
    note_slot(session.workspace, due.slot)
    removed, remarks = _retain(session, job, made.backup, context.clock.now())
    job.message = f"{made.backup.filename}; {len(removed)} removed" if removed else made.backup.filename
    return DueRun(
        DueOutcome.MADE,
        due.slot,
        made.backup,
        removed,
        warnings=(*due.warnings, *made.warnings, *remarks),
        slot_used_up=True,
    )


def _make(context: Context, session: Session, job: Job, attempt: _Attempt) -> Created:
    location = session.location
    prepare_location(location, session.workspace, context.kino.default_location, accept=False)
    session.remember_location()
    attempt.began = True
    return make_backup(
        context,
        session,
        job,
        kind=BackupKind.SCHEDULED,
        location=location,
        use_reserve=None,
        version=None,
    )


def _uses_up(error: Exception, attempt: _Attempt) -> bool:
    """Whether an attempt that ended so is the only one for its slot."""
    if isinstance(error, NoSpaceError):
        return True
    # Somebody is at the database, or it is being replaced: a matter of minutes.
    return attempt.began and not isinstance(error, (BusyError, NotFoundError))


def _failed(attempt: _Attempt, error: KinoBackupError) -> DueRun:
    outcome = DueOutcome.FAILED
    if isinstance(error, NoSpaceError):
        outcome = DueOutcome.SKIPPED
    elif isinstance(error, LocationError) and not attempt.began:
        outcome = DueOutcome.LOCATION_MISSING
    return DueRun(
        outcome,
        attempt.due.slot,
        problem=error,
        warnings=attempt.due.warnings,
        slot_used_up=attempt.used_up or outcome is DueOutcome.SKIPPED,
    )


def _retain(
    session: Session, job: Job, made: Backup, now: datetime
) -> tuple[tuple[Backup, ...], tuple[str, ...]]:
    """Apply retention on the strength of the new backup: what was removed, and what to say of it.

    The backup is made, and stays so whatever happens here.
    """
    if made.status is not BackupStatus.VERIFIED:
        return (), ("Retention was left out: the new backup is not verified.",)
    try:
        pruned = apply_retention(session, job, now, proven=made)
    except KinoBackupError as error:
        return (), (f"Retention was left out: {error.message}",)
    return pruned.removed, (pruned.note,) if pruned.note else ()


def _account(context: Context, session: Session, run: DueRun, failing: Failing | None) -> tuple[str, ...]:
    """Remember how it went, and tell those who want to know; returns what went wrong with the telling."""
    workspace, now = session.workspace, context.clock.now()
    good = run.backup or _made_since(run.served_by, failing)
    if good is not None or (run.outcome is DueOutcome.OFF and failing is not None):
        forget_failing(workspace)
        if failing is None or good is None:
            return ()
        return tell_recovered(context, session.zone, failing, good).problems
    if run.problem is not None and not _is_late_only(run, now):
        if not run.repeated:
            failing = note_failure(
                workspace,
                run.problem,
                now=now,
                night=_night(run.slot, context, session),
                given_up=run.slot if run.slot_used_up else None,
            )
        again = _TOLD_AGAIN_SAME if run.repeated else _TOLD_AGAIN_NEW
        if failing is not None and failing.notified and abs(now - failing.notified) >= again:
            failing = replace(failing, notified=None)
    if failing is None or failing.notified:
        return ()
    told = tell_failed(context, session.zone, failing)
    if told.delivered:
        note_told(workspace, failing, now)
    return told.problems


def _made_since(backup: Backup | None, failing: Failing | None) -> Backup | None:
    """A scheduled backup that somebody else, Kino for one, has made since the last failure."""
    if backup is None or backup.created_at is None or failing is None:
        return None
    return backup if backup.created_at > failing.last else None


def _is_late_only(run: DueRun, now: datetime) -> bool:
    stays_due = isinstance(run.problem, BusyError) and not run.slot_used_up
    return stays_due and run.slot is not None and now - run.slot < _PATIENCE


def _is_known(failing: Failing | None, code: str, night: str) -> bool:
    return failing is not None and (failing.code, failing.night) == (code, night)


def _night(slot: datetime | None, context: Context, session: Session) -> str:
    """What failures count under."""
    return slot.isoformat() if slot else str(context.clock.now().astimezone(session.zone).date())
