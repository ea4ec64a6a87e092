"""Where a Kino keeps its backup settings: the table `[backup]` of config.toml, or a row of its database."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Protocol

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.path_map import Mounts, no_mounts
from kino_backup_tui.core.kino.settings import BackupSettings, check_settings, load_settings, save_settings


class SettingsStore(Protocol):
    """Reads and writes the schedule of one Kino."""

    @property
    def where(self) -> str:
        """What to call the place, for messages."""
        ...

    @property
    def in_database(self) -> bool:
        """Whether they are read from Kino's database, which must stay closed while it is replaced."""
        ...

    def load(self, *, replaced: Collection[str] = ()) -> BackupSettings:
        """The settings as Kino goes by them, the location as a path of this host.

        Keys in `replaced` are about to get another value: theirs is not looked at.
        Raises `InvalidSettingsError` naming place, key, value and what is allowed; another `KinoBackupError`
        if the place itself cannot be read.
        """
        ...

    def check(self, settings: BackupSettings) -> None:
        """Raise `InvalidSettingsError` if the settings could not be saved here."""
        ...

    def meant(self, before: BackupSettings, wanted: BackupSettings) -> BackupSettings:
        """What saving `wanted` over `before` would come to, as `load` reads it afterwards."""
        ...

    def save(self, settings: BackupSettings) -> None:
        """Change what differs, and nothing else; whatever happens, the settings are whole, old or new.

        Raises `InvalidSettingsError`, `BusyError`, `NotPermittedError`, `NoSpaceError`, `LocationError`,
        `IncompatibleError` (Kino has no place for such a setting).
        """
        ...

    def remarks(self) -> tuple[str, ...]:
        """In sentences, where Kino goes by something else than its own page shows; empty if nowhere.

        Raises what `load` raises.
        """
        ...

    def changed_at(self) -> float | None:
        """When the settings may have been changed last, in seconds since the epoch.

        None if they never were, infinite if that can have been at any time.
        """
        ...

    def described(self) -> str:
        """In a sentence, where they are, for somebody who has them read without an error."""
        ...

    def port(self) -> int | None:
        """Where Kino listens, unless its environment says otherwise; None if they do not tell.

        Raises what `load` raises.
        """
        ...


class ConfigFile:
    """The settings in config.toml."""

    in_database = False

    def __init__(self, kino: Kino) -> None:
        self._kino = kino
        self._file = kino.config_file

    @property
    def where(self) -> str:
        """See `SettingsStore`, as for all the others."""
        return str(self._file)

    def load(self, *, replaced: Collection[str] = ()) -> BackupSettings:
        """A missing file, table or key means the default."""
        return load_settings(self._file, replaced=replaced)

    def check(self, settings: BackupSettings) -> None:
        """By Kino's documentation."""
        check_settings(settings)

    def meant(self, before: BackupSettings, wanted: BackupSettings) -> BackupSettings:
        """Every value has a key of its own."""
        return wanted

    def save(self, settings: BackupSettings) -> None:
        """Every other byte of the file stays."""
        save_settings(self._file, settings, self._kino.owner)

    def remarks(self) -> tuple[str, ...]:
        """None: what is in the file counts."""
        return ()

    def changed_at(self) -> float | None:
        """When the file was."""
        try:
            return self._file.stat().st_mtime
        except OSError:
            return None

    def described(self) -> str:
        """Whether there is a file."""
        there = os.path.lexists(self._file)
        return (
            f"{self._file} {'is there and can be read' if there else 'is not there: all is as by default'}."
        )

    def port(self) -> int | None:
        """Kino's documentation names no such setting."""
        return None


def settings_store(kino: Kino, mounts: Mounts = no_mounts) -> SettingsStore:
    """The place where a Kino keeps its settings; `mounts` is asked for the folders of its container."""
    if kino.layout.config is not None:
        return ConfigFile(kino)
    from kino_backup_tui.core.kino.config_row import ConfigRow  # only there a database is opened for settings

    return ConfigRow(kino, mounts)
