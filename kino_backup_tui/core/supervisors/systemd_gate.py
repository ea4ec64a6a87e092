"""The drop-in by which a command decides at each start of a unit, whoever starts it (systemd.service(5)).

`ExecCondition=` with an exit code of 1 to 254 leaves the unit stopped without marking it as failed, and
`Restart=` does not try again.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from kino_backup_tui.core.errors import KinoBackupError, LocationError, NotPermittedError, ServiceError
from kino_backup_tui.core.files import (
    Owner,
    is_read_only,
    make_folders,
    replace_file,
    storage_errors,
    sync_folder,
    user_name,
)
from kino_backup_tui.core.kino.systemctl import Manager
from kino_backup_tui.core.kino.systemd_text import quoted_command

DROP_IN = "zz-kino-backup-tui.conf"
"""Last by name, so that no other drop-in takes it back."""
OLDEST_SYSTEMD = 243
"""The first that knows `ExecCondition=`."""

_RELOAD_SECONDS = 120.0
_HEAD = """\
# Written by kino-backup-tui while it restores a backup, and removed when that is over:
# Kino must not start while its files are being replaced.
[Service]
"""


class Gate:
    """The drop-in of one unit."""

    def __init__(self, manager: Manager, unit: str, units_folder: Path) -> None:
        self._manager = manager
        self._unit = unit
        self._folder = units_folder / f"{unit}.d"
        self.path = self._folder / DROP_IN

    def problem(self) -> KinoBackupError | None:
        """Why it cannot be written; None if it can, as far as can be told without writing."""
        there = next(folder for folder in (self._folder, *self._folder.parents) if os.path.lexists(folder))
        if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
            return None
        text = f"{self.path}, which keeps {self._unit} stopped during a restore, cannot be written"
        with contextlib.suppress(OSError):
            if there.is_dir() and is_read_only(there):
                return LocationError(
                    f"{text}: {there} is on a read-only file system.",
                    hint="Mount it writable, or configure stop_command and start_command.",
                )
        if there.is_dir():
            return NotPermittedError(f"{text} by {user_name()}.", hint=f"Make {there} writable.")
        return LocationError(f"{text}: {there} is not a folder.", hint="Move it away.")

    def close(self, command: Sequence[str]) -> None:
        """Write it, have systemd read it, and ask systemd whether it is in force.

        Raises `ServiceError` if it is not, and what `storage_error` makes of a failed write; there is no
        drop-in then.
        """
        for word in command:
            # Nobody could ask for a unit any more that has such a word in it.
            if any(0xDC80 <= ord(character) <= 0xDCFF for character in word):
                raise ServiceError(
                    f"systemd cannot be given a name that is not UTF-8: {word!r}.",
                    hint="Rename it, or configure stop_command and start_command.",
                )
        try:
            self._write(f"{_HEAD}ExecCondition={command_line(command)}\n")
            self._reload()
            self._require_in_force(command)
        except BaseException:
            with contextlib.suppress(KinoBackupError):
                self.open()
            raise

    def open(self) -> None:
        """Remove it, if it is there; what else is in its folder stays.

        Raises `ServiceError`, `NotPermittedError` and others of `storage_error`.
        """
        if self._remove() or self._is_loaded():
            self._reload()

    def _write(self, text: str) -> None:
        owner = Owner(os.geteuid(), os.getegid())
        with storage_errors(self.path, "write"):
            make_folders(self._folder)
            replace_file(self.path, text.encode(), owner, 0o644)

    def _remove(self) -> bool:
        with storage_errors(self.path, "remove"):
            try:
                self.path.unlink()
            except (FileNotFoundError, NotADirectoryError):
                return False
            sync_folder(self._folder)
            # It stays where others have put something in it.
            with contextlib.suppress(OSError):
                self._folder.rmdir()
                sync_folder(self._folder.parent)
        return True

    def _is_loaded(self) -> bool:
        try:
            return self._in(self._manager.show(self._unit, "DropInPaths").get("DropInPaths", ""))
        except ServiceError:
            # Without an answer there is nothing to be read again, and the file is gone.
            return False

    def _in(self, drop_ins: str) -> bool:
        return DROP_IN in drop_ins and str(self._folder) in drop_ins

    def _reload(self) -> None:
        answer = self._manager.systemctl("daemon-reload", seconds=_RELOAD_SECONDS)
        if answer.code != 0:
            raise ServiceError(
                f"systemd did not read its units again: {answer.reason or 'no reason given'}.",
                hint=f"See to it that `systemctl {'--user ' * self._manager.user}daemon-reload` works.",
            )

    def _require_in_force(self, command: Sequence[str]) -> None:
        shown = self._manager.show(self._unit, "DropInPaths", "ExecCondition")
        condition = shown.get("ExecCondition", "")
        if not self._in(shown.get("DropInPaths", "")) or f"path={command[0]} ;" not in condition:
            raise ServiceError(
                f"systemd does not heed {self.path}, so {self._unit} could start during a restore.",
                hint="It needs systemd 243 or newer; `systemctl status` may say more.",
            )


def command_line(command: Sequence[str]) -> str:
    """A command as systemd reads it back word by word, to be run with full privileges.

    Without the `+` it would run as the unit's user and in its sandbox, where it may write nothing.
    """
    return quoted_command(command, "+")
