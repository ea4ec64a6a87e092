"""Room on file systems: what an operation needs, and what stays free for Kino."""

from __future__ import annotations

import os
from pathlib import Path

from kino_backup_tui.core.errors import NoSpaceError
from kino_backup_tui.core.files import free_bytes, storage_errors
from kino_backup_tui.core.sizes import size_text

RESERVE_BYTES = 256 * 1024 * 1024
RESERVE_SHARE = 0.05
_CHECK_BYTES = 4 * 1024 * 1024


class Space:
    """Guards the free space of the file systems an operation writes to.

    On the one with Kino's data, the larger of 256 MiB and 5 % stays free unless `use_reserve`: a full disk
    stops Kino itself. None stands for an operation that does not offer the choice.
    """

    def __init__(self, data_path: Path, *, use_reserve: bool | None) -> None:
        self._device = data_path.stat().st_dev
        self._use_reserve = use_reserve
        self._unchecked = 0

    def require(self, folder: Path, size: int, what: str) -> None:
        """Raise `NoSpaceError` unless so many bytes fit; `what` needs them."""
        with storage_errors(folder, "measure the free space of"):
            free = free_bytes(folder)
            reserve = self._reserve(folder)
        if free - size >= reserve:
            return
        kept = f" and {size_text(reserve)} are kept free for Kino" if reserve else ""
        hint = "Free space there, or move the backup location to a larger volume."
        if self._use_reserve is False and reserve and free >= size:
            hint += " With --use-reserve the space kept for Kino is used."
        needs = f"needs {size_text(size)} in" if size else "does not fit into"
        raise NoSpaceError(f"{what} {needs} {folder}; {size_text(free)} are free{kept}.", hint=hint)

    def spend(self, folder: Path, count: int) -> None:
        """Count bytes written there; now and then raise `NoSpaceError` if the reserve has been reached."""
        self._unchecked += count
        if self._unchecked >= _CHECK_BYTES:
            self._unchecked = 0
            self.require(folder, 0, "The archive")

    def _reserve(self, folder: Path) -> int:
        if self._use_reserve or folder.stat().st_dev != self._device:
            return 0
        status = os.statvfs(folder)
        return max(RESERVE_BYTES, int(status.f_blocks * status.f_frsize * RESERVE_SHARE))
