"""schedule: read, preview and save Kino's backup settings."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from kino_backup_tui.core.catalog.dates import known_dates
from kino_backup_tui.core.catalog.locations import (
    MARKER,
    access_problem,
    is_known,
    location_problem,
    prepare_location,
)
from kino_backup_tui.core.catalog.retention import removable
from kino_backup_tui.core.catalog.scan import newest_first, scan_location
from kino_backup_tui.core.errors import KinoBackupError, LocationError
from kino_backup_tui.core.files import free_bytes
from kino_backup_tui.core.jobs.job import run_job
from kino_backup_tui.core.kino.home import WORKING_FOLDER, Kino
from kino_backup_tui.core.kino.index import beyond
from kino_backup_tui.core.kino.settings import BackupSettings
from kino_backup_tui.core.models import Backup
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.index_view import ahead_text, listed_rows, rows_ahead
from kino_backup_tui.core.operations.indexing import repair_command
from kino_backup_tui.core.operations.move import plan_move
from kino_backup_tui.core.operations.reach import reach_problem
from kino_backup_tui.core.operations.session import Session, open_session, stored_settings
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.timetable import Terms
from kino_backup_tui.core.workspace import workspace_of

PREVIEWED_RUNS = 5


@dataclass(frozen=True, slots=True)
class SchedulePreview:
    """What settings would mean."""

    settings: BackupSettings
    zone: str
    """Of the host."""
    terms: Terms
    """What the words of the settings mean to this Kino."""
    next_runs: tuple[datetime, ...]
    """The next five, aware, in the host's zone; empty when nothing is scheduled."""
    removes: tuple[Backup, ...]
    """What retention would remove at its next run under these settings, Kino's or ours; oldest first."""
    location: Path
    free_bytes: int | None
    same_disk: bool
    """Whether a failing disk would take Kino's data and the backups together."""
    location_problem: str = ""
    movable: tuple[Backup, ...] = ()
    """The backups of other locations that a move would bring to this one."""
    remarks: tuple[str, ...] = ()
    """In sentences, where Kino goes by something else than the saved settings seem to say."""
    by_kino: tuple[Backup, ...] = ()
    """Those of `removes` that Kino removes by itself, after its next scheduled backup."""


def read_schedule(context: Context) -> BackupSettings:
    """The settings as they are saved; raises what `SettingsStore.load` raises."""
    return stored_settings(context.kino).load()


def changed_schedule(context: Context, changes: Mapping[str, object]) -> BackupSettings:
    """The saved settings with some values replaced, by their names; those need not be good ones.

    Raises what `SettingsStore.load` raises.
    """
    store = stored_settings(context.kino)
    before = store.load(replaced=changes.keys())
    return store.meant(before, replace(before, **changes))  # type: ignore[arg-type]


def preview_schedule(context: Context, settings: BackupSettings, *, move: bool = False) -> SchedulePreview:
    """Say what these settings would mean, with `move` if those elsewhere came along; changes nothing."""
    session = open_session(context)
    location = _location(context, settings)
    runs = session.timetable.next_runs(settings, context.clock.now(), PREVIEWED_RUNS)
    problem = _problem(session, location, context)
    free, same_disk = _disk(session.file_system_of(location), context.kino)
    movable = plan_move(session, location).movable
    expiry = _expiry(session, location, settings, movable if move else (), context.clock.now())
    return SchedulePreview(
        settings=settings,
        zone=str(session.zone),
        terms=session.timetable.terms(settings),
        next_runs=tuple(run.astimezone(session.zone) for run in runs),
        removes=expiry.removes,
        location=location,
        free_bytes=free,
        same_disk=same_disk,
        location_problem=problem.message if problem else "",
        movable=movable,
        remarks=tuple(_remarks(context, session, location, settings)),
        by_kino=expiry.by_kino,
    )


def meant_schedule(context: Context, before: BackupSettings, wanted: BackupSettings) -> BackupSettings:
    """What saving `wanted` would come to, see `SettingsStore.meant`; looks at nothing."""
    return stored_settings(context.kino).meant(before, wanted)


def save_schedule(
    context: Context,
    settings: BackupSettings,
    control: Control,
    *,
    before: BackupSettings | None = None,
    accept_location: bool = False,
) -> SchedulePreview:
    """Save the settings; a new location is created or checked, and marked as ours.

    With `before`, from which `settings` were made, a value that is the same in both is not set: somebody may
    have changed it since, on Kino's own page for example.
    Raises `LocationError`, `NotPermittedError`, `NoSpaceError`, `BusyError`, and what `SettingsStore.save`
    raises.
    """
    store = stored_settings(context.kino)
    store.check(settings)
    _require_outside(_location(context, settings), context.kino)
    with run_job(workspace_of(context.kino), "schedule", context.clock, control) as job:
        if before is not None:
            saved = store.load()
            settings = store.meant(saved, replace(saved, **_changes(before, settings)))
        location = _location(context, settings)
        session = open_session(context)
        if location != session.location:
            session.introduce_location()
        if location != session.location or accept_location:
            # Naming a new location is accepting it; one we know must still be the disk we know.
            accept = accept_location or not is_known(session.workspace, location)
            prepare_location(location, session.workspace, context.kino.default_location, accept=accept)
        store.save(settings)
        job.message = store.where
    return preview_schedule(context, settings)


def _changes(before: BackupSettings, after: BackupSettings) -> dict[str, Any]:
    values = asdict(after)
    return {name: values[name] for name, value in asdict(before).items() if values[name] != value}


def _remarks(context: Context, session: Session, location: Path, settings: BackupSettings) -> Iterator[str]:
    """What could not be found out is told elsewhere."""
    with contextlib.suppress(KinoBackupError):
        yield from stored_settings(context.kino).remarks()
    ahead = rows_ahead(listed_rows(session) or (), context.clock.now()) if settings.runs else ()
    if ahead:
        yield f"{ahead_text(ahead)} `{repair_command(context.kino)}` puts that right."
    # Only what Kino does by itself depends on what Kino's own service may do.
    with contextlib.suppress(KinoBackupError):
        if settings.runs and (problem := reach_problem(context.kino, location, os.environ)):
            yield problem


def _location(context: Context, settings: BackupSettings) -> Path:
    return Path(settings.location) if settings.location else context.kino.default_location


def _require_outside(location: Path, kino: Kino) -> None:
    """Backups among what is backed up would be packed into the next one, for ever."""
    for folder in (kino.secrets, kino.data_path / WORKING_FOLDER):
        # Unlike Path.resolve, this takes a link to itself for a name; the check of the location refuses it.
        if Path(os.path.realpath(location)).is_relative_to(folder):
            raise LocationError(f"{location} is inside {folder}.", hint="Choose another location.")


def _problem(session: Session, location: Path, context: Context) -> KinoBackupError | None:
    """What would keep a backup from that place; a place never used before is no problem in itself."""
    default = context.kino.default_location
    if location == default or is_known(session.workspace, location):
        return location_problem(location, session.workspace, default)
    return access_problem(location)


def _disk(place: Path, kino: Kino) -> tuple[int | None, bool]:
    """What is free there, and whether it is the disk of Kino's data; nothing is known of a missing one."""
    try:
        return free_bytes(place), place.stat().st_dev == kino.data_path.stat().st_dev
    except OSError:
        return None, False


class _Expiry(NamedTuple):
    removes: tuple[Backup, ...]
    by_kino: tuple[Backup, ...]


def _expiry(
    session: Session, location: Path, settings: BackupSettings, moved: Sequence[Backup], now: datetime
) -> _Expiry:
    """Retention acts on the location of the settings; backups of another one stay where they are."""
    backups, _ = session.scan()
    folders = {backup.path.parent for backup in backups}
    if location not in folders and os.path.lexists(location / MARKER):
        # Used before, and forgotten since.
        with contextlib.suppress(OSError):
            backups += scan_location(location, session.cache, session.zone, elsewhere=False)
    coming = {backup.path for backup in moved}
    there = [
        replace(backup, elsewhere=backup.path.parent != location and backup.path not in coming)
        for backup in backups
    ]
    ours = removable(there, session.workspace.instance(), settings.keep, known_dates(session.workspace, now))
    rows = (listed_rows(session) or ()) if settings.runs else ()
    listed = [row.filename for row in beyond(rows, settings.keep)]
    named = {backup.filename: backup.path for backup in there if not backup.elsewhere}
    kinos = {named[name] for name in listed if name in named}
    gone = kinos | {backup.path for backup in ours}
    removes = [backup for backup in sorted(backups, key=newest_first)[::-1] if backup.path in gone]
    return _Expiry(tuple(removes), tuple(backup for backup in removes if backup.path in kinos))
