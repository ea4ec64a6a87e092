"""Kino's backup settings: the table `[backup]` of config.toml.

Keys, defaults and limits are those of Kino's documentation of Settings → Backup → Schedule.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from kino_backup_tui.core.errors import BusyError, InvalidSettingsError, NotPermittedError
from kino_backup_tui.core.files import PRIVATE_FILE, Owner, is_foreign_link, replace_file, storage_errors
from kino_backup_tui.core.kino.toml_file import TomlFile, read_toml, shown

TABLE = "backup"

_T = TypeVar("_T")


class Frequency(StrEnum):
    """How often scheduled backups run: weekly is Sunday, monthly the 1st."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    OFF = "off"


KEEP_MIN, KEEP_MAX = 1, 365
KEEP_ALL = 0
"""What a Kino says that never removes a backup. Nobody can choose it here."""


@dataclass(frozen=True, slots=True)
class BackupSettings:
    """The schedule; the defaults are what Kino does without any set-up."""

    enabled: bool = True
    frequency: Frequency = Frequency.DAILY
    time: time = time(3, 0)
    """Wall-clock time of the host's zone, hours and minutes."""
    keep: int = 7
    """How many verified scheduled backups retention keeps."""
    location: str = ""
    """Folder for new backups; empty for `{data_path}/backups`."""

    @property
    def runs(self) -> bool:
        """Whether anything is scheduled at all."""
        return self.enabled and self.frequency is not Frequency.OFF


def parse_time(text: str) -> time:
    """Read `HH:MM` on a 24-hour clock; raise `InvalidSettingsError` saying what is allowed."""
    return _checked("time", text, _time, text.strip())


def parse_keep(text: str) -> int:
    """Read a whole number from 1 to 365; raise `InvalidSettingsError` saying what is allowed."""
    digits = text.strip()
    number = int(digits) if re.fullmatch(r"[0-9]{1,9}", digits) else None
    return _checked("keep", text, _keep, number)


def parse_location(text: str) -> str:
    """Read an absolute path, or nothing; raise `InvalidSettingsError` saying what is allowed."""
    return _checked("location", text, _location, text)


def load_settings(config_file: Path, *, replaced: Collection[str] = ()) -> BackupSettings:
    """Read `[backup]`; a missing file, table or key means the default.

    Keys in `replaced` are about to get another value: theirs is not looked at, so that a bad one can be saved
    over. Raises `InvalidSettingsError` naming the file and for every bad key its value and what is
    allowed.
    """
    file = read_toml(config_file)
    table = _table(file) if file else {}
    defaults = BackupSettings()

    wrong: dict[str, str] = {}

    def value(key: str, rule: Callable[[object], _T], default: _T) -> _T:
        if key not in table or key in replaced:
            return default
        try:
            return _checked(f"{TABLE}.{key}", table[key], rule, table[key])
        except InvalidSettingsError as error:
            wrong[key] = error.message
            return default

    settings = BackupSettings(
        enabled=value("enabled", _enabled, defaults.enabled),
        frequency=value("frequency", _frequency, defaults.frequency),
        time=value("time", _time, defaults.time),
        keep=value("keep", _keep, defaults.keep),
        location=value("location", _location, defaults.location),
    )
    if wrong:
        *most, last = wrong
        keys = f"{', '.join(most)} and {last}" if most else last
        raise InvalidSettingsError(
            f"{config_file}: {' '.join(wrong.values())}",
            hint=f"Correct {'them' if most else 'it'} there, or save the schedule with another {keys}.",
        )
    return settings


def save_settings(config_file: Path, settings: BackupSettings, owner: Owner | None = None) -> None:
    """Change the keys of `[backup]` and nothing else: every other byte of the file stays.

    Owner and mode stay too; a link is written through. A new file is private and belongs to `owner`, by
    default to the owner of its folder. A key that has its default value and is not in the file is not added.
    Raises `InvalidSettingsError` if the settings are not allowed, or the present file cannot be parsed or
    changed safely; `BusyError` if somebody else changes it at the same time; `NotPermittedError`,
    `NoSpaceError`, `LocationError`. Whatever happens, the file is whole, old or new.
    """
    from kino_backup_tui.core.kino.toml_edit import TomlEditError, set_keys

    wanted = _values(settings)
    file = read_toml(config_file)
    changes = _changes(_table(file) if file else {}, wanted)
    if not changes:
        return
    try:
        text = set_keys(file.text if file else "", TABLE, changes)
    except TomlEditError as error:
        raise InvalidSettingsError(
            f"{config_file} was left as it is: {error}.", hint="Write the settings into it by hand."
        ) from error
    with storage_errors(config_file, "save"):
        if file is None:
            replace_file(config_file, text.encode(), owner or _owner_of(config_file.parent), PRIVATE_FILE)
        else:
            _replace(file, text)


def check_settings(settings: BackupSettings) -> None:
    """Raise `InvalidSettingsError` if the settings are not allowed."""
    _values(settings)


def _replace(file: TomlFile, text: str) -> None:
    target = file.path.resolve()
    owner = Owner(file.status.st_uid, file.status.st_gid)
    # Root would follow a link that Kino's user planted to another user's file.
    if is_foreign_link(file.path):
        raise NotPermittedError(
            f"{file.path} is a link to another user's file, {target}. It was left as it is."
        )
    now = target.stat()
    if (now.st_dev, now.st_ino, now.st_mtime_ns, now.st_size) != (
        file.status.st_dev,
        file.status.st_ino,
        file.status.st_mtime_ns,
        file.status.st_size,
    ):
        raise BusyError(f"{file.path} was changed by somebody else just now.", hint="Try again.")
    data = (file.mark + text).encode()
    replace_file(target, data, owner, stat.S_IMODE(file.status.st_mode), require_owner=True)


def _owner_of(folder: Path) -> Owner:
    status = folder.stat()
    return Owner(status.st_uid, status.st_gid)


def _table(file: TomlFile) -> Mapping[str, object]:
    table = file.document.get(TABLE, {})
    if not isinstance(table, dict):
        raise InvalidSettingsError(
            f"{file.path}: {TABLE} is {shown(table)}; allowed is a table, [{TABLE}].",
            hint="Correct the file there.",
        )
    return table


def _values(settings: BackupSettings) -> dict[str, str | int | bool]:
    """The settings as config.toml writes them; raises `InvalidSettingsError` if they are not allowed."""
    return {
        "enabled": _checked("enabled", settings.enabled, _enabled, settings.enabled),
        "frequency": settings.frequency.value,
        "time": f"{settings.time:%H:%M}",
        "keep": _checked("keep", settings.keep, _keep, settings.keep),
        "location": _checked("location", settings.location, _location, settings.location),
    }


def _changes(
    present: Mapping[str, object], wanted: Mapping[str, str | int | bool]
) -> dict[str, str | int | bool]:
    defaults = _values(BackupSettings())
    changes = {}
    for key, value in wanted.items():
        current = present.get(key, defaults[key])
        if (type(current), current) != (type(value), value):
            changes[key] = value
    return changes


def _checked(name: str, given: object, rule: Callable[[object], _T], value: object) -> _T:
    """Apply a rule, which raises `ValueError` with what is allowed."""
    try:
        return rule(value)
    except ValueError as error:
        raise InvalidSettingsError(f"{name} is {shown(given)}; allowed is {error}.") from None


def _enabled(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _frequency(value: object) -> Frequency:
    if not isinstance(value, str) or value not in {frequency.value for frequency in Frequency}:
        raise ValueError('"daily", "weekly", "monthly" or "off"')
    return Frequency(value)


def _time(value: object) -> time:
    if not isinstance(value, str) or not re.fullmatch(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise ValueError('a time from "00:00" to "23:59"')
    return time.fromisoformat(value)


def _keep(value: object) -> int:
    # To Python, true is the number 1.
    if isinstance(value, bool) or not isinstance(value, int) or not KEEP_MIN <= value <= KEEP_MAX:
        raise ValueError(f"a whole number from {KEEP_MIN} to {KEEP_MAX}")
    return value


def _location(value: object) -> str:
    allowed = "an absolute path, or nothing for the folder backups in Kino's data path"
    if not isinstance(value, str) or (value and not value.startswith("/")):
        raise ValueError(allowed)
    if any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in value):
        raise ValueError(f"{allowed}, without control characters")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{allowed}, in UTF-8") from error
    return value
