"""A sample data path: a household's Kino after a good year, with the backups of its last weeks."""

from __future__ import annotations

import contextlib
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path

from kino_backup_tui.core.clock import Clock
from kino_backup_tui.core.errors import ArchiveError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.settings import BackupSettings
from kino_backup_tui.core.models import Backup, BackupKind
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.verify import verify_backup
from kino_backup_tui.core.progress import CancelToken, Control
from kino_backup_tui.core.schedule import latest_slot
from kino_backup_tui.demo.data_path import emptied_on_failure, furnish_data_path
from kino_backup_tui.demo.library import Library
from kino_backup_tui.demo.schema import SCHEMA_OF_VERSION, migrate, open_database

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


@dataclass(frozen=True, slots=True)
class _Occasion:
    """When and why the sample's Kino made a backup."""

    at: datetime
    kind: BackupKind
    kino_version: str = _NEW
    damaged: bool = False
    bad_port: bool = False


def write_sample(data_path: Path, clock: Clock, cancel: CancelToken | None = None) -> None:
    """Write a whole data path into a new or empty folder, as if Kino had run there until `clock.now()`.

    Raises `UsageError` if something is in the folder, `LocationError`, `NotPermittedError`, `NoSpaceError`,
    `OperationCancelledError`; whatever was written is removed then.
    """
    with emptied_on_failure(data_path):
        furnish_data_path(data_path)
        _write_history(data_path, clock, Control(cancel=cancel or CancelToken()))


def _write_history(data_path: Path, clock: Clock, control: Control) -> None:
    kino = Kino(data_path.resolve())
    library = Library(clock.now())
    damaged: list[Backup] = []
    with closing(open_database(kino.database)) as connection:
        migrate(connection, library.begin, upto=SCHEMA_OF_VERSION[_OLD])
        for occasion in _occasions(clock):
            control.cancel.raise_if_cancelled()
            migrate(connection, occasion.at, upto=SCHEMA_OF_VERSION[occasion.kino_version])
            library.write(connection, occasion.at)
            context = Context(kino, _Past(occasion.at, clock.zone()))
            backup = _back_up(context, occasion, control)
            if occasion.damaged:
                damaged.append(backup)
        library.write(connection, clock.now())
    for backup in damaged:
        _damage(backup.path)
        # The sample should show what a verification finds, so one has taken place.
        with contextlib.suppress(ArchiveError):
            verify_backup(Context(kino, clock), backup, control)


def _back_up(context: Context, occasion: _Occasion, control: Control) -> Backup:
    version = BAD_PORT_VERSION if occasion.bad_port else occasion.kino_version
    settings = context.kino.config_file.read_bytes()
    if occasion.bad_port:
        context.kino.config_file.write_bytes(settings.replace(_PORT, _BAD_PORT))
    try:
        return create_backup(context, control, kind=occasion.kind, version=version).backup
    finally:
        if occasion.bad_port:
            context.kino.config_file.write_bytes(settings)


def _occasions(clock: Clock) -> list[_Occasion]:
    """The backups of the last weeks in their order: nightly ones, and those an admin made in between."""
    slots = _nightly_slots(clock)
    today = slots[-1].astimezone(clock.zone()).date()
    scheduled = [_Occasion(slot, BackupKind.SCHEDULED) for slot in slots]
    scheduled[0] = _Occasion(slots[0], BackupKind.SCHEDULED, kino_version=_OLD)
    scheduled[3] = _Occasion(slots[3], BackupKind.SCHEDULED, damaged=True)
    others = [
        _Occasion(_evening(today, 19, time(20, 5), clock), BackupKind.MANUAL, kino_version=_OLD),
        _Occasion(_evening(today, 5, time(22, 47), clock), BackupKind.MANUAL, bad_port=True),
        _Occasion(_evening(today, 2, time(21, 40), clock), BackupKind.PRE_RESTORE),
        _Occasion(_evening(today, 1, time(18, 12), clock), BackupKind.MANUAL),
    ]
    return sorted(scheduled + others, key=lambda occasion: occasion.at)


def _nightly_slots(clock: Clock) -> list[datetime]:
    slots: list[datetime] = []
    at = clock.now()
    while len(slots) < _SCHEDULED and (slot := latest_slot(BackupSettings(), clock.zone(), at)):
        slots.insert(0, slot)
        at = slot - timedelta(seconds=1)
    return slots


def _evening(today: date, days_ago: int, at: time, clock: Clock) -> datetime:
    return datetime.combine(today - timedelta(days=days_ago), at, tzinfo=clock.zone()).astimezone(UTC)


def _damage(archive: Path) -> None:
    """Turn some bytes in the middle over, as a failing disk does."""
    with archive.open("r+b") as stream:
        middle = archive.stat().st_size // 2
        stream.seek(middle)
        worn = bytes(byte ^ 0xFF for byte in stream.read(64))
        stream.seek(middle)
        stream.write(worn)
