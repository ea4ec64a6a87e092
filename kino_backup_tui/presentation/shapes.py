"""What all JSON objects are built from."""

from __future__ import annotations

from datetime import datetime

from kino_backup_tui.core.errors import KinoBackupError

JsonObject = dict[str, object]


def instant_text(instant: datetime | None) -> str | None:
    """An aware instant as RFC 3339, to the second."""
    return None if instant is None else instant.isoformat(timespec="seconds")


def problem_object(error: KinoBackupError) -> JsonObject:
    """What is wrong, by its stable code and in words."""
    return {"code": error.code, "message": error.message, "hint": error.hint}
