"""reindex: bring Kino's own list of backups in step with the files that are there.

Kino 0.3 never looks for files by itself: what is not in its list is invisible to its web page, and what is in
the list without a file cannot be restored. A database that was restored brings the list of its own day.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from kino_backup_tui.core.errors import KinoBackupError, OperationCancelledError
from kino_backup_tui.core.jobs.job import Job, run_job
from kino_backup_tui.core.kino.index import MANUAL, IndexRow, index_of
from kino_backup_tui.core.models import Backup, BackupStatus, EntryRole
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.index_view import rows_ahead
from kino_backup_tui.core.operations.indexing import UNFIT, may_be_listed, repair_command, row_for, spared
from kino_backup_tui.core.operations.listing import complete
from kino_backup_tui.core.operations.session import Session, open_session
from kino_backup_tui.core.progress import Control, Stage

_BAD = (BackupStatus.DAMAGED, BackupStatus.UNREADABLE)


@dataclass(frozen=True, slots=True)
class IndexState:
    """How Kino's list and the files of the current location differ."""

    is_kept: bool
    """Whether this Kino has a list; without one there is nothing to differ."""
    listed: int = 0
    """Rows."""
    missing: tuple[IndexRow, ...] = ()
    """Rows of whose name nothing is there."""
    leading_out: tuple[IndexRow, ...] = ()
    """Rows with the name of a file outside the location. Kino would follow them; nobody else does."""
    superseded: tuple[IndexRow, ...] = ()
    """Rows that do not describe the file of their name, where another one does."""
    unfit: tuple[Backup, ...] = ()
    """Files without a row on which Kino could not start; they stay without."""
    ahead: tuple[IndexRow, ...] = ()
    """Scheduled ones that are dated after now: Kino makes no scheduled backup before."""
    differing: tuple[Backup, ...] = ()
    """Files that are not what their row describes."""
    unlisted: tuple[Backup, ...] = ()
    """Files without a row, damaged ones left aside."""

    @property
    def repairable(self) -> bool:
        """Whether `reindex` has anything to do."""
        return bool(self.missing or self.leading_out or self.superseded or self.ahead or self.unlisted)


@dataclass(frozen=True, slots=True)
class Reindexed:
    """What was, or would be, changed in Kino's list."""

    is_kept: bool
    added: tuple[Backup, ...] = ()
    removed: tuple[IndexRow, ...] = ()
    relisted: tuple[IndexRow, ...] = ()
    """Scheduled ones that are ahead of the clock, as manual."""
    left: tuple[tuple[Backup, str], ...] = ()
    """Files that it does not name, or not rightly, and stay so; and why, as a clause."""


def read_index(session: Session, now: datetime) -> IndexState:
    """Compare Kino's list with the files, as far as is known without reading them; changes nothing.

    Raises what `BackupIndex.rows` raises, and `LocationError` or `NotPermittedError` if it is not certain
    which files there are: on a disk that is not mounted, every row would be one without a file.
    """
    index = index_of(session.kino)
    if not index.is_kept:
        return IndexState(is_kept=False)
    # They name the location that the rows are of, and cannot be read while the database is being replaced.
    session.require_settings()
    rows = index.rows()
    backups, problem = session.scan()
    problem = problem or session.location_problem()
    if problem is not None:
        raise problem
    here = {b.filename: b for b in backups if b.role is EntryRole.BACKUP and not b.elsewhere}
    # A link is none of ours, but Kino follows it: what it leads to is not missing.
    there = {b.filename for b in backups if not b.elsewhere}
    by_name: defaultdict[str, list[IndexRow]] = defaultdict(list)
    for row in rows:
        if row.is_plain:
            by_name[row.filename].append(row)
    superseded: list[IndexRow] = []
    differing: list[Backup] = []
    for name, namesakes in by_name.items():
        if (backup := here.get(name)) is None:
            continue
        fitting = [row for row in namesakes if _may_describe(row, backup)]
        if not fitting:
            differing.append(backup)
        elif len({row.checksum_sha256 for row in fitting}) == 1:
            superseded += [row for row in namesakes if row is not fitting[0]]
    migrations = index.migrations()
    absent = [b for name, b in here.items() if name not in by_name and b.status not in _BAD]
    return IndexState(
        is_kept=True,
        listed=len(rows),
        missing=tuple(row for name, found in by_name.items() if name not in there for row in found),
        leading_out=tuple(row for row in rows if not row.is_plain),
        superseded=tuple(superseded),
        ahead=rows_ahead(rows, now),
        differing=tuple(differing),
        unlisted=tuple(b for b in absent if may_be_listed(b, migrations)),
        unfit=tuple(b for b in absent if not may_be_listed(b, migrations)),
    )


def reindex(context: Context, control: Control, *, dry_run: bool = False) -> Reindexed:
    """Bring the list in step, on request; reads the files that it has to describe.

    Raises what `read_index` raises, `BusyError`, `OperationCancelledError`; nothing is changed then.
    """
    if dry_run:
        session, now = open_session(context), context.clock.now()
        state = read_index(session, now)
        return Reindexed(state.is_kept, state.unlisted, _wrong(state), _without_a_future(state), _left(state))
    with run_job(open_session(context).workspace, "reindex", context.clock, control) as job:
        done = _bring_in_step(open_session(context), job)
        job.message = f"{len(done.added)} added, {len(done.removed)} removed"
        return done


def reindex_restored(context: Context, job: Job) -> tuple[str, ...]:
    """The same for a database that has just been put in place, inside the job that did it.

    The restored list is that of an earlier day: it lacks the backup it came from, all newer ones and the
    pre-restore one, and names some that are gone. Kino must not run. It can be repeated at will.
    Returns what to warn of; raises `OperationCancelledError` and nothing else of ours: the list is no reason
    to undo a restore.
    """
    try:
        # Opened for writing before it is read: one that was killed here may have left half a change.
        index_of(context.kino).forget(())
        done = _bring_in_step(open_session(context), job)
    except OperationCancelledError:
        raise
    except KinoBackupError as error:
        return (
            f"Kino's own list of backups is that of the restored day: {error.message} "
            f"To try again: {repair_command(context.kino)}",
        )
    return tuple(f"Kino's own page does not show {backup.filename}: {why}." for backup, why in done.left)


def _bring_in_step(session: Session, job: Job) -> Reindexed:
    state = read_index(session, job.now())
    if not state.is_kept:
        return Reindexed(is_kept=False)
    job.stage(Stage.READING, sum(b.size_bytes for b in state.unlisted if b.checksum_sha256 is None) or None)
    with session.cache.gathering():
        read = [b if b.checksum_sha256 else complete(session, b, job.advance) for b in state.unlisted]
    index = index_of(session.kino)
    migrations = index.migrations()
    left = list(_left(state))
    added: list[Backup] = []
    rows: list[IndexRow] = []
    for backup in read:
        row = row_for(backup, job.now())
        if not may_be_listed(backup, migrations):
            left.append((backup, UNFIT))
        elif backup.status in _BAD:
            left.append((backup, "it is damaged"))
        elif row is None:
            left.append((backup, "its date or its checksum is not known"))
        else:
            rows.append(row)
            added.append(backup)
    relisted = _without_a_future(state)
    drop = (*_wrong(state), *state.ahead)
    staying = [row for row in index.rows() if row not in drop]
    index.update([*relisted, *spared(rows, staying, session.settings.keep)], drop)
    return Reindexed(True, tuple(added), _wrong(state), relisted, tuple(left))


def _may_describe(row: IndexRow, backup: Backup) -> bool:
    checksum = backup.checksum_sha256 or row.checksum_sha256
    return row.is_of(backup.size_bytes, checksum)


def _left(state: IndexState) -> tuple[tuple[Backup, str], ...]:
    why = "Kino's list describes another file of that name"
    return tuple([(backup, why) for backup in state.differing] + [(backup, UNFIT) for backup in state.unfit])


def _wrong(state: IndexState) -> tuple[IndexRow, ...]:
    """The rows that name no backup that is there."""
    return (*state.missing, *state.leading_out, *state.superseded)


def _without_a_future(state: IndexState) -> tuple[IndexRow, ...]:
    """Rows that are ahead of the clock, and whose file is there, as ones that hold up no schedule."""
    gone = set(_wrong(state))
    return tuple(row._replace(kind=MANUAL) for row in state.ahead if row not in gone)
