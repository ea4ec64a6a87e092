"""Kino's backup settings in its database: the row `id = 1` of the table `config`, as Kino 0.3 has it.

Kino reads the row anew each time it looks at its schedule, so it may be changed while Kino runs. Kino's page
shows all of it, its scheduler goes by less: it does not look at `backup_enabled`; any other schedule than the
presets is off; a count of nothing or less keeps every backup.
"""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import time
from pathlib import Path
from typing import TypeVar

from kino_backup_tui.core.errors import IncompatibleError, InvalidSettingsError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.live_database import live_errors, open_live
from kino_backup_tui.core.kino.path_map import Mounts, PathMap
from kino_backup_tui.core.kino.ports import valid_port
from kino_backup_tui.core.kino.settings import (
    KEEP_ALL,
    KEEP_MAX,
    KEEP_MIN,
    BackupSettings,
    Frequency,
    check_settings,
    parse_location,
)
from kino_backup_tui.core.kino.toml_file import shown

TABLE = "config"
BUSY_SECONDS = 10.0
"""How long another transaction may hold up ours; Kino itself waits five seconds."""
_ENABLED, _SCHEDULE, _TIME = "backup_enabled", "backup_schedule", "backup_time"
_LOCATION, _KEEP = "backup_location_path", "backup_retention_count"
_COLUMNS = (_ENABLED, _SCHEDULE, _TIME, _LOCATION, _KEEP)
_DATA_PATH, _PORT = "data_path", "listen_port"

Row = Mapping[str, object]
"""Those of the columns that the table has, by their names."""
_T = TypeVar("_T")


class ConfigRow:
    """The settings in a database."""

    in_database = True

    def __init__(self, kino: Kino, mounts: Mounts) -> None:
        self._kino = kino
        self._mounts = mounts

    @property
    def where(self) -> str:
        """See `SettingsStore`, as for all the others."""
        return f"{self._kino.database}, table {TABLE}"

    def load(self, *, replaced: Collection[str] = ()) -> BackupSettings:
        """A missing column means the default."""
        return self._settings(self._row(), replaced)

    def check(self, settings: BackupSettings) -> None:
        """By the limits of Kino's page; a count beyond them may stay where it is."""
        keep = settings.keep
        if not KEEP_MIN <= keep <= KEEP_MAX and keep == _found(self._row(), _KEEP, _keep, keep):
            keep = KEEP_MIN
        check_settings(replace(settings, keep=keep))

    def meant(self, before: BackupSettings, wanted: BackupSettings) -> BackupSettings:
        """The schedule alone says whether backups are made: off is disabled, and a preset is enabled."""
        if wanted.enabled is (wanted.frequency is not Frequency.OFF):
            return wanted
        enabling = not before.enabled
        if enabling and wanted.frequency is Frequency.OFF:
            return replace(wanted, frequency=BackupSettings().frequency)
        return replace(wanted, enabled=enabling, frequency=wanted.frequency if enabling else Frequency.OFF)

    def save(self, settings: BackupSettings) -> None:
        """One short transaction, which changes the columns that differ."""
        self.check(settings)
        with self._opened(writing=True) as connection:
            connection.execute("BEGIN IMMEDIATE")
            row = self._read(connection)
            changes = self._changes(row, settings)
            missing = [column for column in changes if column not in row]
            if missing:
                raise IncompatibleError(
                    f"{self.where} has no column {missing[0]}, so this Kino cannot be told that.",
                    hint="Is it the database of a Kino 0.3?",
                )
            if changes:
                assigned = ", ".join(f"{column} = :{column}" for column in changes)
                connection.execute(f"UPDATE {TABLE} SET {assigned} WHERE id = 1", changes)  # noqa: S608
            connection.execute("COMMIT")

    def remarks(self) -> tuple[str, ...]:
        """What Kino does not go by, and paths that it has other names for."""
        row = self._row()
        return tuple(_remarks(row, self._settings(row, ()), self._paths(row)))

    def changed_at(self) -> float | None:
        """The database changes all the time, and does not say which row of it when."""
        return math.inf

    def described(self) -> str:
        """The row is there, or reading it would have failed."""
        return f"{self.where}: the row of settings is there and can be read."

    def port(self) -> int | None:
        """A column of the same row."""
        return valid_port(self._row().get(_PORT))

    def _row(self) -> Row:
        with self._opened(writing=False) as connection:
            return self._read(connection)

    def _read(self, connection: sqlite3.Connection) -> Row:
        present = {name for _, name, *_ in connection.execute(f"PRAGMA table_info({TABLE})")}
        columns = [name for name in (*_COLUMNS, _DATA_PATH, _PORT) if name in present]
        if "id" not in present or not columns:
            raise IncompatibleError(
                f"{self._kino.database} has no settings of Kino: no table {TABLE}.",
                hint="Is it the database of a Kino 0.3?",
            )
        found = connection.execute(f"SELECT {', '.join(columns)} FROM {TABLE} WHERE id = 1").fetchone()  # noqa: S608
        if found is None:
            raise InvalidSettingsError(
                f"{self.where} has no row of settings yet.", hint="Start Kino once; it makes them then."
            )
        return dict(zip(columns, found, strict=True))

    @contextmanager
    def _opened(self, *, writing: bool) -> Iterator[sqlite3.Connection]:
        database = self._kino.database
        with live_errors(database), closing(open_live(database, BUSY_SECONDS, writing=writing)) as connection:
            # Text that is not UTF-8 is an invalid value, and no reason to read none of them.
            connection.text_factory = _decoded
            yield connection

    def _settings(self, row: Row, replaced: Collection[str]) -> BackupSettings:
        defaults = BackupSettings()
        wrong: list[str] = []

        def value(key: str, column: str, rule: Callable[[object], _T], default: _T) -> _T:
            if column not in row or key in replaced:
                return default
            try:
                return rule(row[column])
            except ValueError as error:
                wrong.append(f"{column} is {shown(row[column])}; allowed is {error}.")
                return default

        frequency = value("frequency", _SCHEDULE, frequency_of, defaults.frequency)
        settings = BackupSettings(
            enabled=frequency is not Frequency.OFF,
            frequency=frequency,
            time=value("time", _TIME, _time, defaults.time),
            keep=value("keep", _KEEP, _keep, defaults.keep),
            location=value("location", _LOCATION, self._location_of(row), defaults.location),
        )
        if wrong:
            raise InvalidSettingsError(
                f"{self.where}: {' '.join(wrong)}",
                hint="Save the schedule with another value, here or in Kino.",
            )
        return settings

    def _location_of(self, row: Row) -> Callable[[object], str]:
        return lambda value: self._location(value, row)

    def _location(self, value: object, row: Row) -> str:
        if not isinstance(value, str):
            raise ValueError("an absolute path, or nothing")
        if not value.strip():
            return ""
        try:
            host = self._paths(row).to_host(parse_location(value.strip()))
        except InvalidSettingsError as error:
            raise ValueError("an absolute path, or nothing, without control characters") from error
        return "" if host == self._kino.default_location else str(host)

    def _paths(self, row: Row) -> PathMap:
        noted = row.get(_DATA_PATH)
        return PathMap(noted if isinstance(noted, str) else "", self._kino.data_path, self._mounts)

    def _changes(self, row: Row, wanted: BackupSettings) -> dict[str, str | int]:
        """The columns that say something else, by what is to be in them."""
        on, defaults = wanted.runs, BackupSettings()
        frequency = wanted.frequency if on else Frequency.OFF
        location = self._paths(row).to_kino(Path(wanted.location)) if wanted.location else ""
        found = {
            _ENABLED: _found(row, _ENABLED, bool, on) == on,
            _SCHEDULE: _found(row, _SCHEDULE, frequency_of, defaults.frequency) == frequency,
            _TIME: _found(row, _TIME, _time, defaults.time) == wanted.time,
            _LOCATION: _found(row, _LOCATION, self._location_of(row), "") == wanted.location
            # The default one by its full path stays behind when the data moves, and Kino goes on using it.
            and (wanted.location != "" or _location_text(row) in ("", str(self._kino.default_location))),
            _KEEP: _found(row, _KEEP, _keep, defaults.keep) == wanted.keep,
        }
        texts: dict[str, str | int] = {
            _ENABLED: int(on),
            _SCHEDULE: frequency.value,
            _TIME: f"{wanted.time:%H:%M}",
            _LOCATION: location,
            _KEEP: wanted.keep,
        }
        return {column: text for column, text in texts.items() if not found[column]}


def frequency_of(value: object) -> Frequency:
    """What Kino's scheduler makes of `backup_schedule`: whatever is no preset is off."""
    text = value.strip().lower() if isinstance(value, str) else ""
    return Frequency(text) if text in {each.value for each in Frequency} else Frequency.OFF


def _found(row: Row, column: str, rule: Callable[[object], _T], default: _T) -> _T | None:
    """The value of a column; None if it cannot be understood, and so is about to be replaced."""
    if column not in row:
        return default
    try:
        return rule(row[column])
    except ValueError:
        return None


def _location_text(row: Row) -> str:
    location = row.get(_LOCATION)
    return location.strip() if isinstance(location, str) else ""


def _remarks(row: Row, settings: BackupSettings, paths: PathMap) -> Iterator[str]:
    schedule, location = row.get(_SCHEDULE), _location_text(row)
    if settings.runs and not row.get(_ENABLED, True):
        yield (
            "Kino's own page says that backups are disabled, but Kino does not look at that box, "
            "and makes them. Saving ticks it."
        )
    if _SCHEDULE in row and not settings.runs and str(schedule).strip().lower() != Frequency.OFF:
        yield f"{_SCHEDULE} is {shown(schedule)}, which Kino takes for off."
    if location and str(paths.to_host(location)) != location:
        until = "" if settings.location else " until the schedule is saved"
        yield (
            f"Kino calls the location {location}, as in a container. If it runs in none, its data has moved, "
            f"and Kino goes on using that folder{until}."
        )


def _time(value: object) -> time:
    found = re.fullmatch(r"\s*([0-9]{1,2}):([0-9]{1,2})\s*", value) if isinstance(value, str) else None
    hours, minutes = map(int, found.groups()) if found else (24, 60)
    if hours > 23 or minutes > 59:
        raise ValueError('a time from "00:00" to "23:59", without which Kino makes no scheduled backup')
    return time(hours, minutes)


def _keep(value: object) -> int:
    if not isinstance(value, int):
        raise ValueError("a whole number")
    return max(value, KEEP_ALL)


def _decoded(text: bytes) -> str:
    return text.decode(errors="replace")
