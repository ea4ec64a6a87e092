"""A sample data path: a household's Kino after a good year, with the backups of its last weeks."""

from __future__ import annotations

import contextlib
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from pathlib import Path

from kino_backup_tui.core.clock import Clock
from kino_backup_tui.core.errors import ArchiveError
from kino_backup_tui.core.files import storage_errors
from kino_backup_tui.core.kino.home import DOCUMENTED, KINO_0_3, Kino, Layout
from kino_backup_tui.core.kino.settings import BackupSettings
from kino_backup_tui.core.models import Backup, BackupKind
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.verify import verify_backup
from kino_backup_tui.core.progress import CancelToken, Control
from kino_backup_tui.core.schedule import latest_slot
from kino_backup_tui.demo.data_path import emptied_on_failure, furnish_data_path, make_empty_folder
from kino_backup_tui.demo.library import Library
from kino_backup_tui.demo.occasions import Occasion, damage, evening
from kino_backup_tui.demo.schema import SCHEMA_OF_VERSION, migrate, open_database
from kino_backup_tui.demo.shipped.sample import write_shipped_history

_OLD, _NEW = "0.4.1", "0.4.2"
_SCHEDULED = 7
_PORT, _BAD_PORT = b"port = 8080 ", b"port = 80800"
BAD_PORT_VERSION = f"{_NEW}+bad-port"
"""What the backup calls its Kino that no Kino starts with: one digit too many was typed into the settings."""


@dataclass(frozen=True, slots=True)
class _Past:
    """A clock that stands still at one instant."""

    instant: datetime
    local: tzinfo

    def now(self) -> datetime:
        return self.instant

    def zone(self) -> tzinfo:
        return self.local


def write_sample(
    data_path: Path, clock: Clock, cancel: CancelToken | None = None, *, layout: Layout = DOCUMENTED
) -> None:
    """Write a whole data path into a new or empty folder, as if Kino had run there until `clock.now()`.

    Raises `UsageError` if something is in the folder, `LocationError`, `NotPermittedError`, `NoSpaceError`,
    `OperationCancelledError`; whatever was written is removed then.
    """
    with emptied_on_failure(data_path), storage_errors(data_path, "write a sample Kino to"):
        make_empty_folder(data_path)
        _WRITERS[layout](data_path, clock, Control(cancel=cancel or CancelToken()))


def _write_documented(data_path: Path, clock: Clock, control: Control) -> None:
    furnish_data_path(data_path)
    kino = Kino(data_path.resolve())
    library = Library(clock.now())
    damaged: list[Backup] = []
    with closing(open_database(kino.database)) as connection:
        migrate(connection, library.begin, upto=SCHEMA_OF_VERSION[_OLD])
        for occasion in _occasions(clock):
            control.cancel.raise_if_cancelled()
            release = _OLD if occasion.kino_version == _OLD else _NEW
            migrate(connection, occasion.at, upto=SCHEMA_OF_VERSION[release])
            library.write(connection, occasion.at)
            context = Context(kino, _Past(occasion.at, clock.zone()))
            backup = _back_up(context, occasion, control)
            if occasion.damaged:
                damaged.append(backup)
        library.write(connection, clock.now())
    for backup in damaged:
        damage(backup.path)
        # The sample should show what a verification finds, so one has taken place.
        with contextlib.suppress(ArchiveError):
            verify_backup(Context(kino, clock), backup, control)


def _back_up(context: Context, occasion: Occasion, control: Control) -> Backup:
    version, config = occasion.kino_version, context.kino.config_file
    settings = config.read_bytes()
    if version == BAD_PORT_VERSION:
        config.write_bytes(settings.replace(_PORT, _BAD_PORT))
    try:
        return create_backup(context, control, kind=occasion.kind, version=version).backup
    finally:
        config.write_bytes(settings)


def _occasions(clock: Clock) -> list[Occasion]:
    """The backups of the last weeks in their order: nightly ones, and those an admin made in between."""
    slots = _nightly_slots(clock)
    today = slots[-1].astimezone(clock.zone()).date()
    scheduled = [Occasion(slot, BackupKind.SCHEDULED, _NEW) for slot in slots]
    scheduled[0] = Occasion(slots[0], BackupKind.SCHEDULED, _OLD)
    scheduled[3] = Occasion(slots[3], BackupKind.SCHEDULED, _NEW, damaged=True)
    others = [
        Occasion(evening(today, 19, time(20, 5), clock), BackupKind.MANUAL, _OLD),
        Occasion(evening(today, 5, time(22, 47), clock), BackupKind.MANUAL, BAD_PORT_VERSION),
        Occasion(evening(today, 2, time(21, 40), clock), BackupKind.PRE_RESTORE, _NEW),
        Occasion(evening(today, 1, time(18, 12), clock), BackupKind.MANUAL, _NEW),
    ]
    return sorted(scheduled + others, key=lambda occasion: occasion.at)


def _nightly_slots(clock: Clock) -> list[datetime]:
    slots: list[datetime] = []
    at = clock.now()
    while len(slots) < _SCHEDULED and (slot := latest_slot(BackupSettings(), clock.zone(), at)):
        slots.insert(0, slot)
        at = slot - timedelta(seconds=1)
    return slots


_WRITERS = {DOCUMENTED: _write_documented, KINO_0_3: write_shipped_history}
