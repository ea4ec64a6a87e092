"""What installing and uninstalling the timer has done, as JSON-ready objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kino_backup_tui.presentation.shapes import JsonObject

if TYPE_CHECKING:
    from kino_backup_tui.core.timers.base import Installed, Uninstalled


def installed_object(installed: Installed) -> JsonObject:
    """The timer, its files, and what was done; `done` is empty if it was all there."""
    return {
        "kind": installed.kind,
        "name": installed.name,
        "files": [str(path) for path in installed.files],
        "written": [str(path) for path in installed.written],
        "commands": list(installed.commands),
        "done": list(installed.done),
        "warnings": list(installed.warnings),
    }


def uninstalled_object(uninstalled: Uninstalled) -> JsonObject:
    """The timer that is gone, and what was done; `done` is empty if nothing was there."""
    return {
        "kind": uninstalled.kind,
        "name": uninstalled.name,
        "removed": [str(path) for path in uninstalled.removed],
        "commands": list(uninstalled.commands),
        "done": list(uninstalled.done),
        "warnings": list(uninstalled.warnings),
    }
