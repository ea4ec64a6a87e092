"""What the front end tells the worker of a restore."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from kino_backup_tui.core.operations.plan import RestoreOptions


class Task(NamedTuple):
    """One confirmed restore or rollback."""

    job: str
    operation: str
    source: Path
    """The archive; of a rollback to kept files, their folder."""
    kept_files: bool
    """It is a rollback, and the new set is what the newest restore has put aside."""
    fingerprint: str
    """Of the plan that was confirmed."""
    safety_backup: bool
    health_seconds: float
    received: bool
    """The archive came by standard input, and goes when it has been unpacked."""
    library_missing_ok: bool = False

    @property
    def options(self) -> RestoreOptions:
        """What the admin decided."""
        return RestoreOptions(self.safety_backup, self.health_seconds, self.library_missing_ok)
