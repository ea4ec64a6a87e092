"""Which dates of archives can be believed: those that a wrong clock has given say nothing of an age."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from kino_backup_tui.core.models import Backup
from kino_backup_tui.core.workspace import Workspace

DISBELIEVED = "disbelieved"
"""Key of state.json: file names of the archives that were dated after now when a run noticed it."""


class Dates(NamedTuple):
    """What the dates of archives are held against."""

    now: datetime
    """Aware."""
    disbelieved: frozenset[str] = frozenset()
    """File names of those that were dated after now before, by which the clock may have got by now."""

    def is_ahead(self, backup: Backup) -> bool:
        """Whether it is dated after now: a clock was ahead when it was made, or is behind now."""
        return backup.created_at is not None and backup.created_at > self.now

    def believes(self, backup: Backup) -> bool:
        """Whether it was made at the time that it says."""
        return not self.is_ahead(backup) and backup.filename not in self.disbelieved


def known_dates(workspace: Workspace, now: datetime) -> Dates:
    """What is remembered of dates that were wrong."""
    names = workspace.read_state().get(DISBELIEVED)
    known = (name for name in names if isinstance(name, str)) if isinstance(names, list) else ()
    return Dates(now, frozenset(known))
