"""A restore as JSON-ready objects: what it would do, how it ended, what was left of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kino_backup_tui.presentation.shapes import JsonObject, instant_text, problem_object

if TYPE_CHECKING:
    from kino_backup_tui.core.restore.first_boot import FirstBoot, Removal
    from kino_backup_tui.core.restore.plan import Interrupted, RestorePlan, RestoreResult, State


def plan_object(plan: RestorePlan) -> JsonObject:
    """A plan; it can start if `blockers` is empty."""
    return {
        "operation": plan.operation,
        "source": str(plan.source),
        "archive_sha256": plan.archive_sha256 or None,
        "data_path": str(plan.data_path),
        "layout": plan.layout,
        "undoes": plan.undoes or None,
        "undone_at": instant_text(plan.undone_at),
        "replaced": list(plan.replaced),
        "arriving": list(plan.arriving),
        "backup": state_object(plan.backup),
        "now": state_object(plan.now),
        "kino": {"supervisor": plan.supervisor, "controls": plan.controls, "running": plan.running},
        "health_seconds": plan.health_seconds,
        "safety": {
            "how": plan.safety.value,
            "location": None if plan.safety_location is None else str(plan.safety_location),
        },
        "space": [
            {
                "step": need.step,
                "folder": str(need.folder),
                "needed_bytes": need.needed_bytes,
                "free_bytes": need.free_bytes,
            }
            for need in plan.space
        ],
        "changes": [
            {"setting": change.setting, "now": change.now, "then": change.then} for change in plan.changes
        ],
        "first_boot": None if plan.first_boot is None else first_boot_object(plan.first_boot),
        "effects": [{"item": item, "after": after} for item, after in plan.effects],
        "warnings": list(plan.warnings),
        "blockers": [problem_object(blocker) for blocker in plan.blockers],
    }


def first_boot_object(boot: FirstBoot) -> JsonObject:
    """What Kino is expected to do at its first start; `torrents` is null where they are not known."""
    library = boot.library
    return {
        "torrents": None if boot.torrents is None else [removal_object(each) for each in boot.torrents],
        "downloads": [removal_object(each) for each in boot.downloads],
        "broken_off": boot.broken_off,
        "library": library
        and {
            "folder": library.folder,
            "place": str(library.place or library.folder),
            "entries": library.entries,
            "missing": library.missing,
            "forgets": library.forgets,
            "examples": list(library.examples),
            "problem": library.problem or None,
        },
    }


def removal_object(removal: Removal) -> JsonObject:
    """Files that Kino deletes."""
    folder = None if removal.folder is None else str(removal.folder)
    return {"title": removal.title, "folder": folder, "size_bytes": removal.size_bytes}


def state_object(state: State) -> JsonObject:
    """One side of the comparison."""
    return {
        "created_at": instant_text(state.created_at),
        "kind": state.kind.value if state.kind else None,
        "kino_version": state.kino_version,
        "schema_version": state.schema_version,
        "tables": None if state.tables is None else dict(state.tables),
        "host": state.host or None,
    }


def result_object(result: RestoreResult) -> JsonObject:
    """How a restore ended; `error` is there only if it failed."""
    document: JsonObject = {
        "job": result.job,
        "operation": result.operation,
        "outcome": result.outcome,
        "at": instant_text(result.at),
        "message": result.message,
        "source": result.source or None,
        "kino_version": result.kino_version,
        "running": result.running,
        "tables": None if result.tables is None else dict(result.tables),
        "way_back": result.way_back or None,
        "can_roll_back": result.can_roll_back,
        "failed_stage": result.failed_stage or None,
        "log": list(result.log),
        "hint": result.hint or None,
        "warnings": list(result.warnings),
    }
    if result.outcome not in ("ok", "cancelled"):
        document["error"] = {"code": result.outcome, "message": result.message, "hint": result.hint}
    return document


def interrupted_object(interrupted: Interrupted) -> JsonObject:
    """A restore that has to be settled."""
    return {
        "operation": interrupted.operation,
        "source": interrupted.source or None,
        "since": instant_text(interrupted.since),
        "text": interrupted.text,
        "decided": interrupted.decided,
    }
