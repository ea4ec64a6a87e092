"""Prepared restores: plans, the events of a worker, and the ways it can end."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from kino_backup_tui.core.errors import IncompatibleError, NoSpaceError, ServiceError
from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.core.progress import JobEvent, Stage
from kino_backup_tui.core.restore.compare import EFFECTS
from kino_backup_tui.core.restore.plan import (
    Change,
    Interrupted,
    RestorePlan,
    RestoreResult,
    Safety,
    SpaceNeed,
    State,
)
from tests.tui.prepared import DATA_PATH, LOCATION, NOW, ZONE

ARCHIVE = "kino-backup-scheduled-2026-04-15T03-00-00-v0.4.1.tar.gz"
PRE_RESTORE = "kino-backup-pre-restore-2026-04-24T21-40-03-v0.4.2.tar.gz"
"""As in the prepared household."""
MADE = "kino-backup-pre-restore-2026-04-26T09-30-00-v0.4.2.tar.gz"
"""What the prepared worker makes."""

THEN = {"film": 305, "series": 14, "episode": 780, "watch_event": 1_180}
HERE = {"film": 312, "series": 14, "episode": 801, "watch_event": 1_204}
NO_ROOM = NoSpaceError(
    "Safety backup needs 31.0 MB in /var/lib/kino/backups; 2.1 MB are free.",
    hint="Free space there, or go on with --no-safety-backup: the replaced files are kept all the same.",
)
NEWER = IncompatibleError(
    "Made with Kino 0.5.0 (schema 14); this Kino knows schema 12.",
    hint="Upgrade Kino first, then retry.",
)
NO_CONTROL = ServiceError(
    "kino.service cannot be stopped by this user.",
    hint="Run it again as root: sudo kino-backup-tui.",
)


def plan(
    *,
    operation: str = "restore",
    source: Path = LOCATION / ARCHIVE,
    controls: bool = True,
    running: bool | None = True,
    safety: Safety = Safety.BACKUP,
    version: str = "0.4.1",
    changes: tuple[Change, ...] = (),
    warnings: tuple[str, ...] = (),
    blockers: tuple[NoSpaceError | IncompatibleError | ServiceError, ...] = (),
) -> RestorePlan:
    """A restore of a backup that is eleven days old."""
    files = ("config.toml", "db.sqlite", "secrets")
    created = datetime(2026, 4, 15, 3, 0, tzinfo=ZONE)
    return RestorePlan(
        operation=operation,
        source=source,
        data_path=DATA_PATH,
        replaced=files,
        arriving=files,
        backup=State(created, BackupKind.SCHEDULED, version, 11, THEN, "nas01"),
        now=State(None, None, "0.4.2", 12, HERE, "nas01"),
        supervisor="kino.service" if controls else "Kino",
        controls=controls,
        running=running,
        safety=safety,
        safety_location=LOCATION if safety is not Safety.NONE else None,
        space=(
            SpaceNeed("Staging", DATA_PATH, 31_457_280, 85_899_345_920),
            SpaceNeed("Safety backup", LOCATION, 5_242_880, 85_899_345_920),
        ),
        changes=changes,
        effects=EFFECTS,
        warnings=warnings,
        blockers=blockers,
        archive_sha256="ab" * 32,
    )


def rollback_plan() -> RestorePlan:
    """Back to the state from before the last restore, of an hour ago."""
    prepared = plan(operation="rollback", source=DATA_PATH / ".kino-backup" / "restore" / "previous")
    return replace(prepared, undoes=ARCHIVE, undone_at=NOW - timedelta(hours=1))


def event(
    kind: str, seconds: float, stage: Stage | None = None, *, note: str = "", outcome: str | None = None,
    operation: str = "restore", message: str = "",
) -> JobEvent:  # fmt: skip
    """An event of the worker, that many seconds before now."""
    at = NOW - timedelta(seconds=seconds)
    return JobEvent(kind, "j1", operation, at, stage, outcome=outcome, message=message, note=note)


STAGED = (
    event("start", 7.0),
    event("stage", 7.0, Stage.CHECKING_ARCHIVE),
    event("note", 6.0, Stage.CHECKING_ARCHIVE, note="5 files, every digest matches"),
    event("stage", 5.8, Stage.STAGING),
    event("stage", 5.5, Stage.SAFETY_BACKUP),
    event("note", 4.7, Stage.SAFETY_BACKUP, note=MADE),
)
STOPPING = (
    *STAGED,
    event("stage", 4.6, Stage.STOPPING),
    event("note", 4.5, Stage.STOPPING, note="kino.service, waiting for it to let go of the database"),
)
WAITING = (
    *STAGED,
    event("stage", 4.6, Stage.WAITING_FOR_KINO),
    event(
        "note", 4.5, Stage.WAITING_FOR_KINO, note="stop Kino now (process 812); the restore goes on by itself"
    ),
)
UNHEALTHY = (
    *STOPPING,
    event("stage", 2.5, Stage.SWAPPING),
    event("stage", 2.4, Stage.STARTING),
    event("stage", 2.0, Stage.CHECKING_HEALTH),
    event("note", 1.5, Stage.CHECKING_HEALTH, note="kino.service: failed, restarted 3 times"),
    event("stage", 1.2, Stage.ROLLING_BACK),
    event("stage", 1.0, Stage.RESTARTING),
)
ENDED = (event("end", 0.0, Stage.CHECKING_HEALTH, outcome="ok", message="Restored."),)

RESTORED = RestoreResult(
    job="j1",
    operation="restore",
    outcome="ok",
    at=NOW,
    message="Kino runs on the restored state.",
    source=ARCHIVE,
    kino_version="0.4.2",
    running=True,
    tables=THEN,
    way_back=MADE,
    can_roll_back=True,
)
BY_HAND = RestoreResult(
    job="j1",
    operation="restore",
    outcome="ok",
    at=NOW,
    message="The restored state is in place.",
    source=ARCHIVE,
    tables=THEN,
    way_back=MADE,
    can_roll_back=True,
)
ROLLED_BACK = RestoreResult(
    job="j1",
    operation="restore",
    outcome="rolled_back",
    at=NOW,
    message="kino.service failed and was restarted 3 times. The state from before the restore is back and "
    "Kino runs on it.",
    source=ARCHIVE,
    kino_version="0.4.2",
    running=True,
    way_back=MADE,
    failed_stage="checking_health",
    log=(
        "2026-04-26T09:29:58 INFO  kino 0.4.2 starting, data path /var/lib/kino",
        "2026-04-26T09:29:58 INFO  migrating [schema] 11 -> 12",
        "2026-04-26T09:29:58 ERROR migration 12 failed: UNIQUE constraint failed: \x1b[31mfilm.tmdb_id",
        "2026-04-26T09:29:58 ERROR giving up",
    ),
    hint="Try a backup made with Kino 0.4.2, or ask the makers of Kino about the log below.",
)
UNDECIDED = RestoreResult(
    job="j1",
    operation="restore",
    outcome="undecided",
    at=NOW,
    message="Of db.sqlite neither state is whole: /var/lib/kino/.kino-backup/restore/previous has the old "
    "one, /var/lib/kino/.kino-backup/restore/staged the new one.",
    source=ARCHIVE,
    running=False,
    way_back=MADE,
    hint="Look at both folders, then press Enter on the page to say which is to stay.",
)
INTERRUPTED = Interrupted(
    operation="restore",
    source=ARCHIVE,
    since=NOW - timedelta(minutes=12),
    text=f"A restore of {ARCHIVE} was interrupted while files were replaced. Settling it puts the old ones "
    "back.",
)
