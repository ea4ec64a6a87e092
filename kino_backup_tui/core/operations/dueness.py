"""What run-due has to do now: the slot that is due, and what stands in the way of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from kino_backup_tui.core.catalog.dates import known_dates
from kino_backup_tui.core.catalog.retention import is_of_another_installation
from kino_backup_tui.core.clock import is_settled
from kino_backup_tui.core.errors import KinoBackupError, NotFoundError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus, EntryRole
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.failing import last_slot, read_failing
from kino_backup_tui.core.operations.last_restore import replacing_problem
from kino_backup_tui.core.operations.listing import complete
from kino_backup_tui.core.operations.session import Session
from kino_backup_tui.core.progress import CancelToken
from kino_backup_tui.core.schedule import was_ahead


class Due(NamedTuple):
    """What there is to do."""

    slot: datetime | None = None
    """What is due; aware, in UTC."""
    problem: KinoBackupError | None = None
    """What can be seen to stand in the way, without having tried."""
    warnings: tuple[str, ...] = ()
    served_by: Backup | None = None
    """The newest scheduled backup, if it was looked for."""
    clock_was_ahead: bool = False
    """The clock contradicts what is remembered, or the backups; the next two are to be remembered instead."""
    last_slot: datetime | None = None
    disbelieved: tuple[str, ...] = ()
    """The backups that are dated after now, or were when that was noticed."""


def look(context: Context, session: Session, cancel: CancelToken) -> Due:
    """Find what is due; changes nothing but the listing's cache.

    The location is looked at only if it matters: a disk that sleeps is not woken every quarter of an hour.
    Raises `OperationCancelledError`.
    """
    if session.settings_problem is not None:
        return Due(problem=replacing_problem(session.workspace) or session.settings_problem)
    settings, now, last = session.settings, context.clock.now(), last_slot(session.workspace)
    if not settings.runs:
        return Due()
    timetable = session.timetable
    if timetable.due(settings, now, last) is None and read_failing(session.workspace) is None:
        return Due()
    backups, _ = session.scan()
    if timetable.due(settings, now, last) is not None:
        backups = [_read_if_it_matters(backup, session, now, cancel) for backup in backups]
    ours = _ours(backups, session.workspace.instance())
    dates = known_dates(session.workspace, now)
    serving = [backup for backup in ours if dates.believes(backup)]
    served = [_date(backup) for backup in serving]
    slot = timetable.due(settings, now, last, served)
    believed = None if last is None or was_ahead(last, now) else last
    later = [b for b in ours if dates.is_ahead(b) and b.filename not in dates.disbelieved]
    ahead = believed != last or any(was_ahead(_date(backup), now) for backup in later)
    due = Due(
        served_by=max(serving, key=_date, default=None),
        clock_was_ahead=ahead,
        last_slot=believed or timetable.served_slot(settings, now, served),
        disbelieved=tuple(backup.filename for backup in ours if not dates.believes(backup)),
    )
    if slot is None and not ahead:
        return due
    warnings = _contradictions(now, [*map(_date, later), *([last] if last else [])], session)
    if warnings and not is_settled(context.clock):
        return Due(warnings=(*warnings, "Nothing is done until this host has been told the time."))
    due = due._replace(warnings=warnings)
    if slot is None:
        return due
    problem = replacing_problem(session.workspace) or session.location_problem() or _no_database(context.kino)
    return due._replace(slot=slot, problem=problem)


def _ours(backups: Sequence[Backup], instance: str | None) -> list[Backup]:
    """The backups that were scheduled for this Kino, by this program or by Kino itself."""
    # Kino's own archives do not say which Kino they are of. In a location that another installation shares
    # they prove nothing; and a backup too many does no harm.
    shared = any(_origin(backup) and is_of_another_installation(backup, instance) for backup in backups)
    return [
        backup
        for backup in backups
        if backup.role is EntryRole.BACKUP
        and backup.kind is BackupKind.SCHEDULED
        and not backup.imported
        and backup.status in (BackupStatus.VERIFIED, BackupStatus.UNVERIFIED)
        and backup.created_at is not None
        and (_origin(backup) == instance if _origin(backup) else not shared)
    ]


def _read_if_it_matters(backup: Backup, session: Session, now: datetime, cancel: CancelToken) -> Backup:
    """Kino's own archives say at their very end whether they were scheduled: a new one is read once."""
    if not backup.needs_reading or backup.kind is not None or backup.created_at is None:
        return backup
    settings, last = session.settings, last_slot(session.workspace)
    if session.timetable.due(settings, now, last, [backup.created_at]) is not None:
        return backup  # too old to have served anything
    return complete(session, backup, lambda _count: cancel.raise_if_cancelled())


def _origin(backup: Backup) -> str:
    """The installation that an archive says it is of; empty for one of Kino's own."""
    return backup.manifest.instance if backup.manifest else ""


def _date(backup: Backup) -> datetime:
    assert backup.created_at is not None  # noqa: S101 - `_ours` leaves out what has none
    return backup.created_at


def _contradictions(now: datetime, noted: Iterable[datetime], session: Session) -> tuple[str, ...]:
    """What the clock contradicts, if it does: it was ahead then, or is behind now."""
    newest = max(noted, default=None)
    if newest is None or not was_ahead(newest, now):
        return ()
    here, there = (f"{instant.astimezone(session.zone):%Y-%m-%d %H:%M}" for instant in (now, newest))
    return (
        f"The clock says {here}, but there has been a scheduled run for {there}: "
        "it is behind now, or was ahead then.",
    )


def _no_database(kino: Kino) -> KinoBackupError | None:
    if os.path.lexists(kino.database):
        return None
    return NotFoundError(f"There is no database at {kino.database}.", hint="Is its disk mounted?")
