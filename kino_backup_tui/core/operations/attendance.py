"""Whether anybody will run the schedule: a timer or server of ours, something else, or Kino itself.

Kino's documentation says that it takes its backups by itself, so a timer is a second pair of hands. An alarm
needs proof: that Kino is down and nothing of ours has looked after the last slot, or that it is up and a slot
has passed without a scheduled backup.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from kino_backup_tui.core.kino.settings import BackupSettings
from kino_backup_tui.core.models import Backup, BackupKind
from kino_backup_tui.core.operations.freshness import is_of
from kino_backup_tui.core.timers.base import Runner
from kino_backup_tui.core.timers.server import SERVER
from kino_backup_tui.core.timetable import Timetable

GRACE = timedelta(hours=2)
"""How late a run may be before it counts as missed: a long backup, a disk that has to wake up."""
_TIMERS = ("systemd", "launchd")


class Evidence(NamedTuple):
    """What is known of who runs the schedule."""

    runner: Runner
    running: bool | None
    """Whether Kino is, see `KinoState`."""
    last_slot: datetime | None
    """The slot that run-due has dealt with last, as far as anybody remembers."""
    served: tuple[datetime, ...]
    """When scheduled backups were made, whoever made them."""
    since: datetime | None
    """From when on the schedule was in force for certain; None if nothing tells."""


def is_timer(runner: Runner) -> bool:
    """Whether a timer of ours runs the schedule."""
    return runner.kind in _TIMERS and runner.active


def is_unattended(settings: BackupSettings, timetable: Timetable, now: datetime, evidence: Evidence) -> bool:
    """Whether it is certain that nothing runs the schedule any more."""
    if not settings.runs or is_timer(evidence.runner) or evidence.runner.kind == SERVER:
        return False
    patient = now - GRACE
    if evidence.last_slot is not None and timetable.due(settings, patient, evidence.last_slot) is None:
        return False  # by cron, or from a container
    if evidence.running is False:
        return True
    # What was made late, within the patience, was made for the slot all the same.
    served = [min(made, patient) for made in evidence.served if made <= now]
    missed = timetable.due(settings, patient, evidence.last_slot, served)
    return missed is not None and evidence.since is not None and evidence.since <= missed


def scheduled_instants(backups: Iterable[Backup], instance: str | None) -> tuple[datetime, ...]:
    """When scheduled backups were made, and those of which nobody knows why they were."""
    return tuple(
        backup.created_at
        for backup in backups
        if backup.kind in (BackupKind.SCHEDULED, None)
        and not backup.imported
        and backup.created_at is not None
        and is_of(backup, instance)
    )


def in_force_since(
    backups: Iterable[Backup], instance: str | None, settings_changed: float | None
) -> datetime | None:
    """From when on there was a Kino with these settings: its first backup, or their last change.

    `settings_changed` is as in `SettingsStore.changed_at`. None if nothing tells, or there is no backup.
    """
    made = [backup.created_at for backup in backups if backup.created_at and is_of(backup, instance)]
    if not made or settings_changed == math.inf:
        return None
    changed = [] if settings_changed is None else [datetime.fromtimestamp(settings_changed, UTC)]
    return max([min(made), *changed])
