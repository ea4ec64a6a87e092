"""Core values as JSON-ready objects: the shapes that scripts rely on.

Instants are RFC 3339 with an offset, sizes are bytes, what is not known is null.
"""

from __future__ import annotations

from datetime import timedelta, tzinfo
from typing import TYPE_CHECKING

from kino_backup_tui.core.catalog.retention import Fate
from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.models import Backup
from kino_backup_tui.presentation.shapes import JsonObject, instant_text, problem_object

if TYPE_CHECKING:
    from kino_backup_tui.core.archive.manifest import Manifest
    from kino_backup_tui.core.jobs.journal import JobRecord
    from kino_backup_tui.core.kino.settings import BackupSettings
    from kino_backup_tui.core.operations.doctor import Check
    from kino_backup_tui.core.operations.failing import Failing
    from kino_backup_tui.core.operations.freshness import Freshness
    from kino_backup_tui.core.operations.move import Moved
    from kino_backup_tui.core.operations.prune import Pruned
    from kino_backup_tui.core.operations.run_due import DueRun
    from kino_backup_tui.core.operations.schedule import SchedulePreview
    from kino_backup_tui.core.operations.status import Status
    from kino_backup_tui.core.progress import JobEvent
    from kino_backup_tui.core.restore.plan import Interrupted


def backup_object(
    backup: Backup, fate: Fate | None = None, zone: tzinfo | None = None, way_back: str | None = None
) -> JsonObject:
    """A backup as `list` shows it; `size_bytes` and `checksum_sha256` are those of the archive file.

    `fate` and `zone` (for the day in its text) go together; without them there is no `fate`.
    `way_back` is the file name of the last restore's pre-restore backup, "" if there is none; without it
    nothing is said of that.
    """
    manifest = backup.manifest
    known = manifest is not None and bool(manifest.contents)
    document: JsonObject = {
        "id": backup.id,
        "kind": backup.kind.value if backup.kind else None,
        "filename": backup.filename,
        "location": str(backup.path.parent),
        "size_bytes": backup.size_bytes,
        "kino_version": backup.kino_version,
        "schema_version": backup.schema_version,
        "checksum_sha256": backup.checksum_sha256,
        "created_at": instant_text(backup.created_at),
        "status": backup.status.value,
        "verified_at": instant_text(backup.verified_at),
        "problem": backup.problem or None,
        "role": backup.role.value,
        "elsewhere": backup.elsewhere,
        "imported": backup.imported,
        "contents_bytes": manifest.size_bytes if manifest and known else None,
        "contents_sha256": manifest.checksum_sha256 if manifest and known else None,
    }
    if fate is not None and zone is not None:
        document["fate"] = fate_object(fate, zone)
    if way_back is not None:
        from kino_backup_tui.presentation.text import is_way_back

        document["way_back"] = is_way_back(backup, way_back)
    return document


def fate_object(fate: Fate, zone: tzinfo) -> JsonObject:
    """Why retention keeps a backup, or when it goes; `text` is for people."""
    from kino_backup_tui.presentation.text import fate_text

    return {
        "reason": fate.reason.value,
        "rank": fate.rank,
        "keep": fate.keep,
        "goes_at": instant_text(fate.goes_at),
        "text": fate_text(fate, zone),
    }


def detail_object(backup: Backup, fate: Fate | None, zone: tzinfo, way_back: str | None = None) -> JsonObject:
    """A backup with all that its manifest says."""
    return backup_object(backup, fate, zone, way_back) | {
        "manifest": None if backup.manifest is None else manifest_object(backup.manifest)
    }


def manifest_object(manifest: Manifest) -> JsonObject:
    """A manifest, field by field as in the archive."""
    return {
        "layout": manifest.layout or None,
        "instance": manifest.instance or None,
        "host": manifest.host or None,
        "data_path": manifest.data_path or None,
        "created_by": manifest.created_by or None,
        "database_state": manifest.database_state or None,
        "contents": [
            {"path": item.path, "size": item.size, "sha256": item.sha256} for item in manifest.contents
        ],
        "tables": dict(manifest.tables),
        "migrations": [{"version": item.version, "checksum": item.checksum} for item in manifest.migrations],
        "left_out": [{"path": item.path, "reason": item.reason} for item in manifest.left_out],
    }


def check_object(check: Check) -> JsonObject:
    """One thing that `doctor` has looked at; `code` is there only for a failure."""
    document: JsonObject = {
        "name": check.name,
        "status": check.status.value,
        "text": check.text,
        "hint": check.hint,
    }
    return document | {"code": check.code} if check.code else document


def error_object(error: KinoBackupError) -> JsonObject:
    """The last line of a verb that failed."""
    return {"error": problem_object(error)}


def event_object(event: JobEvent) -> JsonObject:
    """One event of a job; the outcome only at its end, a note only where one was made."""
    document: JsonObject = {
        "event": event.event,
        "job": event.job,
        "operation": event.operation,
        "at": instant_text(event.at),
        "stage": event.stage.value if event.stage else None,
        "done_bytes": event.done_bytes,
        "total_bytes": event.total_bytes,
    }
    if event.note:
        document["note"] = event.note
    if event.event == "end":
        document |= {"outcome": event.outcome, "message": event.message}
    return document


def job_object(job: JobRecord) -> JsonObject:
    """One job as its journal tells it."""
    return {
        "id": job.id,
        "operation": job.operation,
        "started_at": instant_text(job.started_at),
        "ended_at": instant_text(job.ended_at),
        "running": job.running,
        "outcome": job.outcome,
        "message": job.message,
        "pid": job.pid,
    }


def settings_object(settings: BackupSettings) -> JsonObject:
    """The schedule as it counts; to keep 0 is to keep all."""
    return {
        "enabled": settings.enabled,
        "frequency": settings.frequency.value,
        "time": settings.time.strftime("%H:%M"),
        "keep": settings.keep,
        "location": settings.location,
    }


def schedule_object(preview: SchedulePreview) -> JsonObject:
    """The settings and what they mean."""
    return settings_object(preview.settings) | {
        "zone": str(preview.terms.zone),
        "host_zone": preview.zone,
        "remarks": [*preview.remarks, *preview.terms.remarks],
        "next_runs": [instant_text(run) for run in preview.next_runs],
        "removes": [backup.filename for backup in preview.removes],
        "location_path": str(preview.location),
        "location_problem": preview.location_problem or None,
        "free_bytes": preview.free_bytes,
        "same_disk": preview.same_disk,
        "movable": [str(backup.path) for backup in preview.movable],
    }


def moved_object(moved: Moved) -> JsonObject:
    """What a move has brought to the current location, and what stayed."""
    return {
        "moved": [backup_object(backup) for backup in moved.moved],
        "left": [{"path": str(left.backup.path), "why": left.why} for left in moved.left],
        "warnings": list(moved.warnings),
    }


def pruned_object(pruned: Pruned, *, dry_run: bool) -> JsonObject:
    """What retention removed, or would remove."""
    return {
        "dry_run": dry_run,
        "removed": [backup_object(backup) for backup in pruned.removed],
        "counted": pruned.counted,
        "keep": pruned.keep,
        "note": pruned.note or None,
    }


def failing_object(failing: Failing) -> JsonObject:
    """Scheduled runs that fail: since when, how often, and why."""
    return {
        "since": instant_text(failing.since),
        "last": instant_text(failing.last),
        "nights": failing.nights,
        "code": failing.code,
        "message": failing.message,
        "hint": failing.hint,
    }


def freshness_object(freshness: Freshness, max_age: timedelta, stale: KinoBackupError | None) -> JsonObject:
    """Whether a verified backup is new enough; where none is, `error` says why."""
    document: JsonObject = {
        "fresh": stale is None,
        "max_age_seconds": int(max_age.total_seconds()),
        "age_seconds": None if freshness.age is None else int(freshness.age.total_seconds()),
    }
    return document if stale is None else document | error_object(stale)


def due_object(run: DueRun) -> JsonObject:
    """What a run of the schedule did; with `error` if there should be a backup and is none."""
    document: JsonObject = {
        "outcome": run.outcome.value,
        "slot": instant_text(run.slot),
        "slot_used_up": run.slot_used_up,
        "backup": None if run.backup is None else backup_object(run.backup),
        "removed": [backup_object(backup) for backup in run.removed],
        "next_run": instant_text(run.next_run),
        "warnings": list(run.warnings),
    }
    if run.problem is not None:
        document["error"] = problem_object(run.problem)
    return document


def status_object(status: Status, interrupted: Interrupted | None = None, way_back: str = "") -> JsonObject:
    """One look at Kino, its schedule, its backups, and what a restore has left."""
    from kino_backup_tui.presentation.restore_objects import interrupted_object

    return {
        "data_path": str(status.data_path),
        "host": status.host,
        "kino": {
            "running": status.kino.running,
            "version": status.kino_version,
            "pid": status.kino.pid,
            "url": status.kino.url,
            "how": status.kino.how,
        },
        "schedule": settings_object(status.settings) | {"zone": str(status.terms.zone)}
        if status.settings_problem is None
        else None,
        "schedule_problem": None
        if status.settings_problem is None
        else problem_object(status.settings_problem),
        "database_problem": None
        if status.database_problem is None
        else problem_object(status.database_problem),
        "next_run": instant_text(status.next_run),
        "location": str(status.location),
        "location_problem": None
        if status.location_problem is None
        else problem_object(status.location_problem),
        "free_bytes": status.free_bytes,
        "backups": {state.value: count for state, count in status.counts.items()},
        "newest": None if status.newest is None else backup_object(status.newest),
        "newest_verified": None if status.newest_verified is None else backup_object(status.newest_verified),
        "failing": None if status.failing is None else failing_object(status.failing),
        "runner": {
            "kind": status.runner.kind,
            "name": status.runner.name or None,
            "active": status.runner.active,
            "text": status.runner.text,
            "hint": status.runner.hint or None,
        },
        "unattended": status.unattended,
        "job": None if status.job is None else job_object(status.job),
        "interrupted": None if interrupted is None else interrupted_object(interrupted),
        "way_back": way_back or None,
    }
