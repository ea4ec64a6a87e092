"""doctor: look at everything that backups and restores depend on. Stops, starts and changes nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.operations.checks.base import Check, CheckStatus, Facts, failure, skipped
from kino_backup_tui.core.operations.checks.disks import check_disk, check_location, check_space
from kino_backup_tui.core.operations.checks.index import check_index
from kino_backup_tui.core.operations.checks.kino import (
    check_database,
    check_kino,
    check_program,
    check_settings,
    check_supervisor,
)
from kino_backup_tui.core.operations.checks.leavings import (
    check_kinos_own,
    check_leftovers,
    check_owners,
    check_privacy,
    check_restore,
)
from kino_backup_tui.core.operations.checks.nights import check_clock, check_freshness, check_schedule
from kino_backup_tui.core.operations.checks.sandbox import check_services
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.session import open_session
from kino_backup_tui.core.operations.status import read_status
from kino_backup_tui.core.supervisors.detect import find_supervisor

__all__ = ["Check", "CheckStatus", "diagnose", "first_failure"]

_CHECKS: tuple[tuple[str, Callable[[Facts], Iterator[Check]]], ...] = (
    ("program", check_program),
    ("kino", check_kino),
    ("database", check_database),
    ("settings", check_settings),
    ("supervisor", check_supervisor),
    ("restore", check_restore),
    ("location", check_location),
    ("kino_access", check_services),
    ("disk", check_disk),
    ("space", check_space),
    ("clock", check_clock),
    ("schedule", check_schedule),
    ("backups", check_freshness),
    ("index", check_index),
    ("leftovers", check_leftovers),
    ("kino_leftovers", check_kinos_own),
    ("privacy", check_privacy),
    ("owners", check_owners),
)


def diagnose(context: Context) -> Iterator[Check]:
    """Look at one thing after the other; some take seconds. Raises `InvalidSettingsError` for a configuration
    of our own that cannot be understood."""
    facts = Facts(
        context=context,
        session=open_session(context),
        status=read_status(context),
        supervisor=find_supervisor(context.kino, os.environ),
        environ=os.environ,
    )
    for name, check in _CHECKS:
        try:
            yield from check(facts)
        except KinoBackupError as error:
            yield failure(name, error)
        except OSError as error:
            # What one check stumbles over must not hide what the others find.
            yield skipped(name, f"It could not be looked at: {error.strerror or error}.")


def first_failure(checks: list[Check]) -> Check | None:
    """The first check that has failed; its `code` says what an operation would end with."""
    return next((check for check in checks if check.status is CheckStatus.FAIL), None)
