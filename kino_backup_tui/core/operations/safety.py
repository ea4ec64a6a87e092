"""The pre-restore backup: the state before a restore, saved as well as it can be, never in the way of it.

Best is an ordinary, verified backup. If the database is too damaged for one, its files are packed as they
are, once nobody has them open. If even that fails, the restore can still go on: the files it replaces are
kept whole beside it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import NamedTuple

from kino_backup_tui.core.archive.snapshot import found_files, look_quickly
from kino_backup_tui.core.catalog.locations import access_problem, location_problem, prepare_location
from kino_backup_tui.core.errors import (
    BusyError,
    DatabaseDamagedError,
    KinoBackupError,
    LocationError,
    NoSpaceError,
    NotPermittedError,
    OperationCancelledError,
    UnknownLocationError,
)
from kino_backup_tui.core.files import free_bytes, make_private_folder, storage_error, storage_errors
from kino_backup_tui.core.jobs.job import Job
from kino_backup_tui.core.kino.database import database_error
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup, BackupKind
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.last_restore import is_being_replaced
from kino_backup_tui.core.operations.making import Created, make_backup
from kino_backup_tui.core.operations.session import Session
from kino_backup_tui.core.operations.space import Space
from kino_backup_tui.core.restore.plan import Safety, SpaceNeed

_AS_FOUND = "The files of the database are kept in it as they were found."
_NO_ROOM = "Free space there, or go on with --no-safety-backup: the replaced files are kept all the same."
_LOOK_SECONDS = 1.0
_OVERHEAD_BYTES = 64 * 1024
_MARGIN = 1.1


class SafetyOutlook(NamedTuple):
    """What a safety backup would be, as far as a quick look shows."""

    safety: Safety
    location: Path | None = None
    """Where it would go; None if there is nothing to save, or no place for it."""
    space: tuple[SpaceNeed, ...] = ()
    """One row for each file system it needs room on."""
    no_room: NoSpaceError | None = None
    """Why it does not fit, what is kept free for Kino considered."""
    warnings: tuple[str, ...] = ()


class SafetyTaken(NamedTuple):
    """What has become of a safety backup; without one, nothing of it is left on disk."""

    backup: Backup | None = None
    warnings: tuple[str, ...] = ()
    problem: KinoBackupError | None = None
    """Why there is none; None, too, if there was nothing to save. `NoSpaceError` is for the admin to decide,
    with any other the restore can go on."""
    needs_raw: bool = False
    """It can be tried again once nobody has the database open."""


def safety_location(session: Session) -> tuple[Path, KinoBackupError | None]:
    """Where a safety backup goes: the current location, else `{data_path}/backups` and why not the first.

    If that is the very place where a disk is missing, a folder of our own: what is written below a mount
    point is hidden once the disk is back.
    """
    problem = session.location_problem()
    return (session.location, None) if problem is None else (_fallback(session), problem)


def _fallback(session: Session) -> Path:
    default = session.kino.default_location
    missing = isinstance(location_problem(default, session.workspace, default), UnknownLocationError)
    return session.workspace.folder / "backups" if missing else default


def assess_safety(context: Context, session: Session, staged_bytes: int = 0) -> SafetyOutlook:
    """Look at what a safety backup would be and need; changes nothing, reads no more than the schema.

    So many bytes will have been unpacked to the file system of the data path before it is made.
    """
    kino = context.kino
    if not _is_there(kino.database):
        return SafetyOutlook(Safety.NONE)
    location, problem = safety_location(session)
    warnings = [] if problem is None else [_elsewhere(problem, location)]
    unusable = _fallback_problem(session) if problem is not None else None
    if unusable is not None:
        nowhere = f"There is no place for a safety backup. {unusable.message}"
        return SafetyOutlook(Safety.NONE, warnings=(nowhere,))
    size, damage = _look(kino)
    if damage is not None:
        warnings.append(f"{damage.message} Its files are saved as they are, once Kino has stopped.")
    size += small_bytes(kino)
    needs, no_room = _needs(session, location, size, staged_bytes)
    safety = Safety.BACKUP if damage is None else Safety.RAW
    return SafetyOutlook(safety, location, needs, no_room, tuple(warnings))


def take_safety_backup(
    context: Context, session: Session, job: Job, *, version: str | None, allow_raw_now: bool
) -> SafetyTaken:
    """Save the current state as a pre-restore backup, inside a job that holds the lock.

    Kino may run. With `allow_raw_now` nobody has the database open, and what cannot be saved soundly is saved
    raw at once. Raises `OperationCancelledError` and nothing else.
    """
    taken = _take(context, session, job, version, raw=False)
    if not (taken.needs_raw and allow_raw_now):
        return taken
    raw = _take(context, session, job, version, raw=True)
    because = () if taken.problem is None else (taken.problem.message,)
    return raw._replace(warnings=(*because, *raw.warnings))


def take_raw_backup(context: Context, session: Session, job: Job, *, version: str | None) -> SafetyTaken:
    """Save the database's files byte for byte, with config and secrets; nobody may have them open.

    Read back and compared, but no integrity is claimed. Raises `OperationCancelledError` and nothing else.
    """
    return _take(context, session, job, version, raw=True)


def _take(context: Context, session: Session, job: Job, version: str | None, *, raw: bool) -> SafetyTaken:
    if not _is_there(context.kino.database):
        return SafetyTaken()
    warnings: list[str] = []
    location: Path | None = None
    try:
        location = _prepared(session, warnings)
        try:
            created = _make(context, session, job, location, version, raw)
        except (LocationError, NotPermittedError) as error:
            if location == _fallback(session):
                raise
            location = _prepared_fallback(session)
            created = _make(context, session, job, location, version, raw)
            warnings.append(_elsewhere(error, location))
    except OperationCancelledError:
        raise
    except NoSpaceError as error:
        return SafetyTaken(problem=NoSpaceError(error.message, hint=_NO_ROOM))
    except KinoBackupError as error:
        # Without a place for it, it cannot be made raw either.
        return SafetyTaken(problem=error, needs_raw=not raw and location is not None)
    as_found = (_AS_FOUND,) if raw else ()
    return SafetyTaken(created.backup, (*warnings, *as_found, *created.warnings))


def _make(
    context: Context, session: Session, job: Job, location: Path, version: str | None, raw: bool
) -> Created:
    """Make the backup; whatever goes wrong is one of our errors."""
    try:
        return make_backup(
            context,
            session,
            job,
            kind=BackupKind.PRE_RESTORE,
            location=location,
            use_reserve=None,
            version=version,
            lenient=True,
            raw=raw,
        )
    except sqlite3.Error as error:
        raise database_error(error, context.kino.database) from error
    except OSError as error:
        raise storage_error(error, Path(error.filename or context.kino.data_path), "save") from error


def _prepared(session: Session, warnings: list[str]) -> Path:
    """The folder to write to, ready; raises if not even the one in the data path can be used."""
    location, problem = safety_location(session)
    if problem is None:
        prepare_location(location, session.workspace, session.kino.default_location, accept=False)
        return location
    fallback = _prepared_fallback(session)
    warnings.append(_elsewhere(problem, fallback))
    return fallback


def _prepared_fallback(session: Session) -> Path:
    """The folder in the data path, ready; one of our own is listed like a former location from then on."""
    folder = _fallback(session)
    problem = _fallback_problem(session)
    if problem is not None:
        raise problem
    own = folder != session.kino.default_location
    if own:
        session.workspace.ensure()
        with storage_errors(folder, "create a folder for the safety backup"):
            make_private_folder(folder, session.workspace.owner, durable=True)
    prepare_location(folder, session.workspace, folder, accept=own)
    return folder


def _fallback_problem(session: Session) -> KinoBackupError | None:
    """Why nothing can be written to the folder in the data path."""
    folder = _fallback(session)
    return access_problem(folder) if os.path.lexists(folder) else access_problem(session.kino.data_path)


def _elsewhere(problem: KinoBackupError, location: Path) -> str:
    return f"{problem.message} The safety backup goes to {location}."


def _look(kino: Kino) -> tuple[int, KinoBackupError | None]:
    """Bytes a copy of the database takes, and why SQLite cannot make one."""
    damage: KinoBackupError | None = None
    try:
        if is_being_replaced(kino):
            raise BusyError(f"{kino.database} is being replaced.")
        look = look_quickly(kino.database, _LOOK_SECONDS)
    except BusyError:
        pass  # a lock that will be gone; if not, it is gone when Kino has stopped
    except KinoBackupError as error:
        damage = error
    else:
        if look.has_tables:
            return look.size, None
        damage = DatabaseDamagedError(f"{kino.database}: The database is empty.")
    size = 0
    with contextlib.suppress(OSError, KinoBackupError):
        size = sum(file.lstat().st_size for file in found_files(kino.database).values())
    return size, damage


def small_bytes(kino: Kino) -> int:
    """The size of what a backup holds besides the database."""
    files = [kino.config_file] if kino.layout.config else []
    for folder, _, names in os.walk(kino.secrets):
        files += [Path(folder, name) for name in names]
    total = 0
    for file in files:
        with contextlib.suppress(OSError):
            total += file.lstat().st_size
    return total


def _needs(
    session: Session, location: Path, size: int, staged_bytes: int
) -> tuple[tuple[SpaceNeed, ...], NoSpaceError | None]:
    """Room for the copies and for the archive; one sum if both are on the same file system."""
    copies, archive = _existing(session.workspace.scratch), _existing(location)
    packed = int(size * packed_share(session)) + _OVERHEAD_BYTES
    if copies.stat().st_dev == archive.stat().st_dev:
        wanted = [("Safety backup", archive, size + packed)]
    else:
        wanted = [("Copy for the safety backup", copies, size), ("Safety backup", archive, packed)]
    space = Space(session.kino.data_path, use_reserve=None)
    no_room: NoSpaceError | None = None
    for step, folder, needed in wanted:
        try:
            beside = staged_bytes if folder.stat().st_dev == session.kino.data_path.stat().st_dev else 0
            space.require(folder, needed + beside, f"{step} beside what is unpacked" if beside else step)
        except NoSpaceError as error:
            no_room = no_room or NoSpaceError(error.message, hint=_NO_ROOM)
    return tuple(SpaceNeed(step, folder, need, free_bytes(folder)) for step, folder, need in wanted), no_room


def _existing(folder: Path) -> Path:
    """The folder itself, or the nearest above it that is there."""
    return next(path for path in (folder, *folder.parents) if _is_there(path))


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def packed_share(session: Session) -> float:
    """How much of its contents an archive of this library takes, as the newest backup shows."""
    for backup in session.scan()[0]:
        if backup.manifest is not None and backup.manifest.size_bytes:
            return min(1.0, _MARGIN * backup.size_bytes / backup.manifest.size_bytes)
    return 1.0
