"""status: one look at Kino, its schedule and its backups."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from kino_backup_tui.core.catalog.dates import known_dates
from kino_backup_tui.core.errors import (
    DatabaseDamagedError,
    KinoBackupError,
    StaleError,
)
from kino_backup_tui.core.files import free_bytes, storage_error
from kino_backup_tui.core.jobs.journal import JobRecord, read_records
from kino_backup_tui.core.kino.command import command_for
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.live_database import no_database
from kino_backup_tui.core.kino.running import KinoState, observe
from kino_backup_tui.core.kino.settings import BackupSettings
from kino_backup_tui.core.kino.version import kino_version
from kino_backup_tui.core.models import Backup, BackupStatus, EntryRole
from kino_backup_tui.core.operations.attendance import (
    Evidence,
    in_force_since,
    is_timer,
    is_unattended,
    scheduled_instants,
)
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.failing import Failing, last_slot, read_failing
from kino_backup_tui.core.operations.freshness import Freshness, measure_freshness, stale_error
from kino_backup_tui.core.operations.index_view import listed_rows, told_by_index
from kino_backup_tui.core.operations.session import Session, open_session, stored_settings
from kino_backup_tui.core.timers.base import Runner
from kino_backup_tui.core.timers.find import find_runner
from kino_backup_tui.core.timetable import Terms

NOBODY = Runner("none", "", active=False, text="nothing runs the schedule")

_MAKING = ("create", "run-due")
"""The operations that look into the database to back it up."""


@dataclass(frozen=True, slots=True)
class Status:
    """Everything the head of the page says."""

    kino: KinoState
    kino_version: str
    host: str
    data_path: Path
    zone: str
    """Of the host."""
    settings: BackupSettings
    terms: Terms
    """What the words of the settings mean to this Kino."""
    settings_problem: KinoBackupError | None
    location: Path
    location_problem: KinoBackupError | None
    free_bytes: int | None
    next_run: datetime | None
    """Aware, in the zone of the host; None if there is none, or none can be told."""
    newest: Backup | None
    freshness: Freshness
    """The newest verified backup of the current location that is not a pre-restore one, and its age."""
    counts: Mapping[BackupStatus, int]
    job: JobRecord | None
    """The operation that is running now, in this or another process."""
    database_problem: KinoBackupError | None = None
    """Why there is no database to back up, or what the last backup found wrong with it."""
    failing: Failing | None = None
    """Scheduled runs fail, and there has been no good backup since."""
    runner: Runner = NOBODY
    """The timer or the server of ours that runs the schedule, if there is one."""
    unattended: bool = False
    """Nothing will run the schedule, as far as can be proven."""

    @property
    def newest_verified(self) -> Backup | None:
        """The backup that the freshness is about."""
        return self.freshness.newest

    @property
    def has_timer(self) -> bool:
        """Whether a timer of ours runs the schedule, and nothing is wrong with it."""
        return is_timer(self.runner) and not self.runner.hint

    @property
    def ailing_timer(self) -> bool:
        """Whether a timer of ours runs the schedule, and will not for long, or in vain."""
        return is_timer(self.runner) and bool(self.runner.hint)

    def stale(self, max_age: timedelta) -> StaleError | None:
        """Why no verified backup is at most that old; None if one is."""
        if self.freshness.newest is None and self.location_problem is not None:
            problem = self.location_problem
            return StaleError(f"No verified backup can be seen. {problem.message}", hint=problem.hint)
        return stale_error(self.freshness, max_age, self.newest, Kino(self.data_path))


def read_status(context: Context) -> Status:
    """Gather the status; changes nothing on disk but the listing's cache."""
    session = open_session(context)
    now, instance = context.clock.now(), session.workspace.instance()
    backups, problem = session.scan()
    mine = [backup for backup in backups if backup.role is EntryRole.BACKUP]
    state = observe(context.kino)
    location = session.location
    records = read_records(session.workspace)
    freshness = measure_freshness(mine, instance, known_dates(session.workspace, now))
    runner = find_runner(context.kino, os.environ)
    evidence = Evidence(
        runner=runner,
        running=state.running,
        last_slot=last_slot(session.workspace),
        served=scheduled_instants(mine, instance),
        since=in_force_since(mine, instance, stored_settings(context.kino).changed_at()),
    )
    return Status(
        kino=state,
        kino_version=kino_version(state, next((b.kino_version for b in mine if b.kino_version), None)),
        host=context.host or platform.node(),
        data_path=context.kino.data_path,
        zone=str(session.zone),
        settings=session.settings,
        terms=session.timetable.terms(session.settings),
        settings_problem=session.settings_problem,
        location=location,
        location_problem=problem or session.location_problem(),
        free_bytes=_free(session.file_system_of(location)),
        next_run=session.next_run(now),
        newest=_newest(session, mine),
        freshness=freshness,
        counts={status: sum(backup.status is status for backup in mine) for status in BackupStatus},
        job=next((record for record in records if record.running), None),
        database_problem=_database_problem(context.kino, records),
        failing=_failing(session, freshness),
        runner=runner,
        unattended=session.settings_problem is None
        and is_unattended(session.settings, session.timetable, now, evidence),
    )


def _failing(session: Session, freshness: Freshness) -> Failing | None:
    """The series of failures, unless a good backup has followed: one that was made by hand is as good."""
    failing = read_failing(session.workspace) if session.settings.runs else None
    good = freshness.newest.created_at if freshness.newest else None
    return None if failing is not None and good is not None and good > failing.last else failing


def _newest(session: Session, mine: list[Backup]) -> Backup | None:
    """The newest one; what it does not tell before it is read, Kino's own list may know."""
    newest = mine[:1]
    if newest and newest[0].manifest is None and (rows := listed_rows(session)) is not None:
        newest = told_by_index(session, newest, rows, ghosts=False)
    return newest[0] if newest else None


def _database_problem(kino: Kino, records: Sequence[JobRecord]) -> KinoBackupError | None:
    """What is wrong without opening the database, which must stay closed while it is being replaced."""
    try:
        size = kino.database.stat().st_size
    except FileNotFoundError:
        return no_database(kino.database)
    except OSError as error:
        return storage_error(error, kino.database, "look at")
    if not size:
        return DatabaseDamagedError(f"The database {kino.database} is empty.", hint=_restoring(kino))
    last = next((record for record in records if record.operation in _MAKING and not record.running), None)
    if last is not None and last.outcome == DatabaseDamagedError.code:
        return DatabaseDamagedError(
            last.message, hint=f"The last attempt to back it up found that. {_restoring(kino)}"
        )
    return None


def _restoring(kino: Kino) -> str:
    return f"`{command_for(kino, 'restore', 'latest')}` puts back the newest verified backup."


def _free(folder: Path) -> int | None:
    try:
        return free_bytes(folder)
    except OSError:
        return None
