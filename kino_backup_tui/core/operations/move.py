"""move: bring the backups of former locations into the current one.

Each is copied, read back and given its name before its original is removed, one after the other: whenever
that stops, every backup is whole in one place or the other, and most often in one alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kino_backup_tui.core.catalog.locations import known_locations, prepare_location, read_marker
from kino_backup_tui.core.errors import KinoBackupError, OperationCancelledError
from kino_backup_tui.core.jobs.job import run_job
from kino_backup_tui.core.models import Backup, EntryRole
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.freshness import is_of
from kino_backup_tui.core.operations.moving import STAYS, Left, Mover
from kino_backup_tui.core.operations.publish import sweep_partials
from kino_backup_tui.core.operations.session import Session, open_session
from kino_backup_tui.core.progress import Control, Stage
from kino_backup_tui.core.workspace import workspace_of


@dataclass(frozen=True, slots=True)
class MovePlan:
    """What a move would do; changes with every file, so it is for showing."""

    movable: tuple[Backup, ...]
    """Newest first, which is the order they are moved in."""
    left: tuple[Left, ...]
    warnings: tuple[str, ...]
    """Former locations whose backups cannot be seen, or not for certain."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move has done."""

    moved: tuple[Backup, ...]
    """As they are in the current location now; a name that was taken there has a number."""
    left: tuple[Left, ...]
    warnings: tuple[str, ...]


def plan_move(session: Session, location: Path) -> MovePlan:
    """What would come into a location from the others; changes nothing."""
    backups, _ = session.scan()
    markers = {entry.path: entry.marker for entry in known_locations(session.workspace)}
    folders = [folder for folder in session.other_locations(location) if folder != location]
    problems = {folder: _problem(folder, markers) for folder in folders}
    warnings = tuple(f"{problem} Its backups stay there." for problem in problems.values() if problem)
    instance = session.workspace.instance()
    movable: list[Backup] = []
    left: list[Left] = []
    for backup in backups:
        folder = backup.path.parent
        if backup.role is not EntryRole.BACKUP or folder == location or problems.get(folder):
            continue
        if backup.status in STAYS:
            left.append(Left(backup, STAYS[backup.status]))
        elif folder != session.kino.default_location and not is_of(backup, instance):
            # Whoever shares that disk with us would miss it.
            left.append(Left(backup, "another installation has made it"))
        else:
            movable.append(backup)
    return MovePlan(tuple(movable), tuple(left), warnings)


def move_backups(context: Context, control: Control) -> Moved:
    """Move the backups of all former locations into the current one.

    Damaged ones, and those of another installation, stay and are reported, and so is every other that cannot
    be moved. Raises `InvalidSettingsError`, `LocationError`, `NotPermittedError`, `NoSpaceError`,
    `ArchiveDamagedError` (a copy is not what was written), `BusyError`, `OperationCancelledError`: what was
    moved until then stays moved, and the message says how much.
    """
    with run_job(workspace_of(context.kino), "move", context.clock, control) as job:
        session = open_session(context)
        session.require_settings()
        prepare_location(session.location, session.workspace, context.kino.default_location, accept=False)
        session.remember_location()
        session.workspace.sweep_scratch()
        sweep_partials(session.location)
        plan = plan_move(session, session.location)
        mover = Mover(context, session, job)
        with job.as_one_stage(Stage.MOVING), _counted(mover.moved, len(plan.movable)):
            for number, backup in enumerate(plan.movable, start=1):
                job.note(f"{number} of {len(plan.movable)}: {backup.filename}")
                mover.move(backup)
        left = (*plan.left, *mover.left)
        job.message = f"{len(mover.moved)} moved" + (f", {len(left)} left" if left else "")
        return Moved(tuple(mover.moved), left, (*plan.warnings, *mover.warnings))


def _problem(folder: Path, markers: Mapping[Path, str]) -> str:
    """Why nothing may be taken from a former location now; empty if there is no reason."""
    if folder not in markers:
        return ""  # only the default one is looked at without ever having been used, and it is Kino's own
    if not os.path.isdir(folder):  # noqa: PTH112 - a Path may raise
        return f"The former location {folder} is not there."
    try:
        found = read_marker(folder)
    except KinoBackupError as error:
        return error.message
    if found == markers[folder]:
        return ""
    return f"The former location {folder} does not carry the id it had: another disk may be mounted there."


@contextmanager
def _counted(moved: list[Backup], total: int) -> Iterator[None]:
    """Errors of the block say how far it came."""
    try:
        yield
    except KinoBackupError as error:
        done = f"{len(moved)} of {total} backups were moved; the others are where they were."
        if isinstance(error, OperationCancelledError):
            raise OperationCancelledError(f"Cancelled: {done}") from error
        raise type(error)(f"{error.message} {done}", hint=error.hint) from error
