"""What some tests of the operations need besides."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup, BackupKind
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.run_due import DueRun, run_due
from kino_backup_tui.core.progress import Control
from tests.fakes import FakeClock


@pytest.fixture
def wake(context: Context) -> Callable[[], DueRun]:
    """Have the timer wake the program now."""
    return lambda: run_due(context, Control(wait_seconds=0))


@pytest.fixture
def make(shipped_context: Context, clock: FakeClock) -> Callable[..., Backup]:
    """Make a backup with this program; every next one is a minute later."""

    def make_one(kind: BackupKind = BackupKind.MANUAL) -> Backup:
        created = create_backup(shipped_context, Control(), kind=kind, version="0.3.2")
        assert created.warnings == ()
        clock.advance(minutes=1)
        return created.backup

    return make_one


@pytest.fixture
def large(shipped: Kino) -> None:
    """A database whose archives have their end, and with it Kino's manifest, out of a listing's sight."""
    with closing(sqlite3.connect(shipped.database)) as connection, connection:
        connection.execute(
            "INSERT INTO history (event_type, created_at) VALUES ('x', hex(randomblob(400000)))"
        )
