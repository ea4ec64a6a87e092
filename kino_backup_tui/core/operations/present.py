"""Kino as it is before a restore: running or not, what its database says, who supervises it."""

from __future__ import annotations

import os
from typing import NamedTuple

from kino_backup_tui.core.archive.snapshot import live_facts
from kino_backup_tui.core.errors import KinoBackupError, OperationCancelledError
from kino_backup_tui.core.kino.database import DatabaseFacts
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.running import KinoState, observe
from kino_backup_tui.core.kino.version import installed_version
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.restore.journal import KINO_MUST_NOT_START, read_record
from kino_backup_tui.core.restore.plan import State
from kino_backup_tui.core.supervisors.base import Supervisor
from kino_backup_tui.core.supervisors.detect import find_supervisor
from kino_backup_tui.core.workspace import workspace_of

_LOOK_SECONDS = 3.0
"""How long a lock on the live database may hold up the comparison with it."""


class Present(NamedTuple):
    """Kino as it is before anything is replaced."""

    state: KinoState
    facts: DatabaseFacts | None
    """Of the live database; None if it is not there, cannot be read, or is being replaced."""
    installed: str | None
    """Kino's version, from the running or the installed program."""
    supervisor: Supervisor

    @property
    def side(self) -> State:
        """Its side of the comparison."""
        facts = self.facts
        return State(
            kino_version=self.installed,
            schema_version=facts.schema_version if facts else None,
            tables=facts.tables if facts else None,
        )


def look(context: Context, control: Control) -> Present:
    """Look at Kino, its database and whoever supervises it; changes nothing."""
    state = observe(context.kino)
    facts = None if is_being_replaced(context.kino) else _facts(context.kino, control)
    supervisor = find_supervisor(context.kino, os.environ)
    return Present(state, facts, state.version or installed_version(), supervisor)


def is_being_replaced(kino: Kino) -> bool:
    """Whether a restore is replacing the database, or was interrupted in that: nobody may open it then.

    SQLite would put a log and an index beside it, and beside whatever takes its place in that instant.
    """
    try:
        record = read_record(workspace_of(kino))
    except KinoBackupError:
        return True
    return record is not None and record.phase in KINO_MUST_NOT_START


def _facts(kino: Kino, control: Control) -> DatabaseFacts | None:
    try:
        return live_facts(kino.database, control.cancel, _LOOK_SECONDS)
    except OperationCancelledError:
        raise
    except KinoBackupError:
        # Damaged, locked, on a failing disk: it is to be replaced, and need not be readable for that.
        return None
