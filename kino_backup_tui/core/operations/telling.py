"""The news of failed and recovered nights: what it says, and to whom it goes."""

from __future__ import annotations

import os
import platform
from datetime import tzinfo
from typing import Any

from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.kino.tool_config import load_tool_config
from kino_backup_tui.core.models import Backup
from kino_backup_tui.core.notify import Told, tell
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.failing import Failing


def tell_failed(context: Context, zone: tzinfo, failing: Failing) -> Told:
    """Tell whom the tool's configuration names that scheduled runs fail; raises nothing."""
    return _tell(context, _message("backup_failed", context, zone, failing))


def tell_recovered(context: Context, zone: tzinfo, failing: Failing, good: Backup) -> Told:
    """Tell them that there is a good one again, after the failures so described; raises nothing."""
    return _tell(context, _message("backup_recovered", context, zone, failing) | {"filename": good.filename})


def _message(event: str, context: Context, zone: tzinfo, failing: Failing) -> dict[str, Any]:
    at, since = (
        instant.astimezone(zone).isoformat(timespec="seconds")
        for instant in (context.clock.now(), failing.since)
    )
    return {
        "event": event,
        "host": context.host or platform.node(),
        "data_path": str(context.kino.data_path),
        "at": at,
        "since": since,
        "nights": failing.nights,
        "code": failing.code,
        "message": failing.message,
        "hint": failing.hint,
        "filename": None,
    }


def _tell(context: Context, message: dict[str, Any]) -> Told:
    try:
        config = load_tool_config(os.environ).about(context.kino.data_path)
    except KinoBackupError as error:
        return Told(delivered=False, problems=(f"Nobody was told of it: {error.message}",))
    return tell(config, message)
