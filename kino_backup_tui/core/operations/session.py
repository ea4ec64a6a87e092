"""What the operations share: one Kino's settings, location, cache and working folder, looked up once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import fields, replace
from datetime import datetime, tzinfo
from functools import cache
from pathlib import Path
from typing import NamedTuple

from kino_backup_tui.core.archive.manifest import Manifest
from kino_backup_tui.core.catalog.cache import Cache, Known, fingerprint_of
from kino_backup_tui.core.catalog.locations import (
    is_known,
    known_locations,
    location_problem,
    prepare_location,
)
from kino_backup_tui.core.catalog.scan import describe, newest_first, scan_location
from kino_backup_tui.core.errors import BusyError, InvalidSettingsError, KinoBackupError, NotFoundError
from kino_backup_tui.core.files import storage_error
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.path_map import Mounted
from kino_backup_tui.core.kino.settings import BackupSettings
from kino_backup_tui.core.kino.settings_store import SettingsStore, settings_store
from kino_backup_tui.core.models import Backup, BackupStatus, EntryRole
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.progress import RESTORING
from kino_backup_tui.core.timetable import Timetable, timetable
from kino_backup_tui.core.workspace import Workspace, best_effort, workspace_of

_LAST_LOCATION = "last_location"


class Session(NamedTuple):
    """One Kino as an operation finds it."""

    kino: Kino
    workspace: Workspace
    cache: Cache
    zone: tzinfo
    settings: BackupSettings
    """If Kino's cannot be used: what of them can be read, else the defaults; with the last good location."""
    settings_problem: KinoBackupError | None
    timetable: Timetable

    @property
    def location(self) -> Path:
        """Where new backups go."""
        return Path(self.settings.location) if self.settings.location else self.kino.default_location

    def require_settings(self) -> BackupSettings:
        """The settings; raises why they cannot be used."""
        if self.settings_problem is not None:
            raise self.settings_problem
        return self.settings

    def location_problem(self) -> KinoBackupError | None:
        """Why no backup could be put into the current location now; None if one could."""
        return location_problem(self.location, self.workspace, self.kino.default_location)

    def next_run(self, now: datetime) -> datetime | None:
        """The next scheduled run, aware, in the zone of the host; None if none is, or can be told."""
        if self.settings_problem is not None:
            return None
        runs = self.timetable.next_runs(self.settings, now, 1)
        return runs[0].astimezone(self.zone) if runs else None

    def remember_location(self) -> None:
        """Keep the location for a day on which the settings cannot be read."""
        if self.workspace.read_state().get(_LAST_LOCATION) != self.settings.location:
            self.workspace.update_state(**{_LAST_LOCATION: self.settings.location})

    def introduce_location(self) -> None:
        """Have the backups of the location listed also once the settings name another.

        Best effort: it may be gone, or not to be marked as one of ours.
        """
        default = self.kino.default_location
        if self.location == default or is_known(self.workspace, self.location):
            return
        backups, _ = self.scan()
        if any(backup.role is EntryRole.BACKUP and not backup.elsewhere for backup in backups):
            with best_effort():
                prepare_location(self.location, self.workspace, default, accept=True)

    def scan(self) -> tuple[list[Backup], KinoBackupError | None]:
        """Every file of all known locations, newest first, and why the current one could not be read."""
        backups: list[Backup] = []
        problem: KinoBackupError | None = None
        for location in (self.location, *self.other_locations(self.location)):
            elsewhere = location != self.location
            try:
                backups += scan_location(location, self.cache, self.zone, elsewhere=elsewhere)
            except OSError as error:
                if not elsewhere and not (isinstance(error, FileNotFoundError) and self._is_unused(location)):
                    problem = storage_error(error, location, "read the backup location")
        return sorted(backups, key=newest_first), problem

    def other_locations(self, location: Path) -> list[Path]:
        """The known locations but one; the default one, in Kino's own data path, needs no introduction."""
        known = (entry.path for entry in known_locations(self.workspace))
        return [path for path in dict.fromkeys((*known, self.kino.default_location)) if path != location]

    def file_system_of(self, location: Path) -> Path:
        """Where to measure the disk of a location: one that is yet to be made will be on that of its parent.

        That holds for the default one alone. The parent of any other is most likely another disk.
        """
        unused = self._is_unused(location) and not os.path.lexists(location)
        return location.parent if unused else location

    def _is_unused(self, location: Path) -> bool:
        """A default location into which no backup was ever put is simply empty."""
        return location == self.kino.default_location and not is_known(self.workspace, location)

    def remember(
        self,
        path: Path,
        read: os.stat_result,
        status: BackupStatus,
        *,
        manifest: Manifest | None = None,
        checksum_sha256: str | None = None,
        verified_at: datetime | None = None,
        problem: str = "",
        elsewhere: bool = False,
    ) -> Backup:
        """Note what reading an archive has shown, and return it as a listing now shows it.

        `read` is the state of the open file before it was read: what was found out holds for that file alone.
        Raises `NotFoundError` or `BusyError` if the path leads to nothing, or something else, by now.
        """
        try:
            now = path.lstat()
        except FileNotFoundError as error:
            raise NotFoundError(f"{path} was removed while it was read.") from error
        if fingerprint_of(now) != fingerprint_of(read):
            raise BusyError(f"{path} was changed while it was read.", hint="Try again.")
        known = Known(fingerprint_of(read), status, manifest, checksum_sha256, verified_at, problem)
        self.cache.remember([(path, known)])
        return describe(path, read, known, self.zone, elsewhere=elsewhere)


def open_session(context: Context) -> Session:
    """Look up the settings and the working folder of a Kino; changes nothing."""
    kino, workspace, zone = context.kino, workspace_of(context.kino), context.clock.zone()
    problem: KinoBackupError | None = None
    store = stored_settings(kino)
    try:
        if store.in_database:
            _require_at_rest(kino, workspace)
        settings = store.load()
    except InvalidSettingsError as error:
        problem, settings = error, _readable(store, workspace)
    except KinoBackupError as error:
        problem, settings = error, _last_good(workspace)
    listed = cache(lambda: () if problem else _listed(kino))
    return Session(kino, workspace, Cache(workspace), zone, settings, problem, timetable(kino, zone, listed))


def _last_good(workspace: Workspace) -> BackupSettings:
    return BackupSettings(location=_last_location(workspace) or "")


def _last_location(workspace: Workspace) -> str | None:
    """Where backups went when the settings were good; None if that is not known."""
    last = workspace.read_state().get(_LAST_LOCATION)
    return last if isinstance(last, str) else None


def _readable(store: SettingsStore, workspace: Workspace) -> BackupSettings:
    """What can be read of settings some of which are not allowed; each is tried by itself.

    Who has spoilt a file may have lost the location in it: the one that was good is more certain.
    """
    found = _last_good(workspace)
    names = {field.name for field in fields(BackupSettings)}
    for name in names if _last_location(workspace) is None else names - {"location"}:
        with suppress(KinoBackupError):
            value = getattr(store.load(replaced=names - {name}), name)
            found = replace(found, **{name: value})
    return store.meant(found, found)


def stored_settings(kino: Kino) -> SettingsStore:
    """Where a Kino keeps its settings, with paths of its container as those of this host."""

    def mounts() -> Sequence[Mounted]:
        # To look for containers is seldom needed, and takes time.
        from kino_backup_tui.core.supervisors.detect import find_mounts, find_supervisor

        try:
            return find_mounts(kino, find_supervisor(kino, os.environ), os.environ)
        except KinoBackupError:
            return ()

    return settings_store(kino, mounts)


def _require_at_rest(kino: Kino, workspace: Workspace) -> None:
    """Raise `BusyError` while another process replaces the database, which nobody may open then."""
    from kino_backup_tui.core.jobs.lock import current_holder

    holder = current_holder(workspace)
    if holder is not None and holder.operation in RESTORING and holder.pid != os.getpid():
        from kino_backup_tui.core.kino.command import command_for

        raise BusyError(
            "The database is being replaced, and Kino's settings with it.",
            hint=f"`{command_for(kino, 'watch')}` shows how far that is.",
        )


def _listed(kino: Kino) -> tuple[datetime, ...]:
    """The dates of the scheduled backups in Kino's own list; none if it cannot be read now."""
    from kino_backup_tui.core.kino.index import SCHEDULED, index_of  # only then the database is opened

    try:
        rows = index_of(kino).rows()
    except KinoBackupError:
        return ()
    return tuple(row.instant for row in rows if row.kind == SCHEDULED and row.instant is not None)
