"""Names of files may be no UTF-8, and JSON can say nothing else."""

from __future__ import annotations

from typing import Any

from kino_backup_tui.presentation.text import utf8_text


def utf8(value: Any) -> Any:
    """A JSON-ready value with replacement characters for what is no UTF-8 in any of its texts."""
    if isinstance(value, str):
        return utf8_text(value)
    if isinstance(value, dict):
        return {utf8_text(key): utf8(item) for key, item in value.items()}
    return [utf8(item) for item in value] if isinstance(value, list) else value
