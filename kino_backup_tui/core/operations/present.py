"""Kino as it is before a restore: running or not, what its database says, who supervises it."""

from __future__ import annotations

import os
from typing import NamedTuple

from kino_backup_tui.core.archive.snapshot import live_facts
from kino_backup_tui.core.errors import KinoBackupError, OperationCancelledError
from kino_backup_tui.core.kino.database import DatabaseFacts
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.rows import Rows, Wanted, live_rows
from kino_backup_tui.core.kino.running import KinoState, observe
from kino_backup_tui.core.kino.torrents import Torrent, read_torrents
from kino_backup_tui.core.kino.version import installed_version
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.last_restore import is_being_replaced
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.restore.first_boot import FirstBoot, Host, foresee, wanted_rows
from kino_backup_tui.core.restore.plan import State
from kino_backup_tui.core.supervisors.base import Supervisor
from kino_backup_tui.core.supervisors.detect import find_mounts, find_supervisor

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
    rows: Rows
    """What the live database says of settings, downloads and media; empty where nothing depends on that."""
    torrents: tuple[Torrent, ...] | None
    """Those of Kino's session; None if that cannot be read."""
    host: Host

    def first_boot(self, rows: Rows, control: Control) -> FirstBoot | None:
        """What Kino does when it is started on a database with these rows."""
        return foresee(rows, self.torrents, self.host, control.cancel)

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
    facts: DatabaseFacts | None = None
    rows: Rows = {}
    supervisor = find_supervisor(context.kino, os.environ)
    wanted = wanted_rows(context.kino.layout)
    if not is_being_replaced(context.kino):
        facts, rows = _facts(context.kino, control), _rows(context.kino, wanted)
    return Present(
        state,
        facts,
        state.version or installed_version(),
        supervisor,
        rows,
        read_torrents(context.kino) if wanted else (),
        Host(find_mounts(context.kino, supervisor, os.environ) if wanted else ()),
    )


def _facts(kino: Kino, control: Control) -> DatabaseFacts | None:
    try:
        return live_facts(kino.database, control.cancel, _LOOK_SECONDS)
    except OperationCancelledError:
        raise
    except KinoBackupError:
        # Damaged, locked, on a failing disk: it is to be replaced, and need not be readable for that.
        return None


def _rows(kino: Kino, wanted: Wanted) -> Rows:
    try:
        return live_rows(kino.database, wanted, _LOOK_SECONDS) if wanted else {}
    except KinoBackupError:
        return {}  # as above
