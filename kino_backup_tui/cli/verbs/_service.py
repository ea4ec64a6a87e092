"""How `install-service` and `uninstall-service` tell what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kino_backup_tui.cli.output import talk, warn, write_json, write_line
from kino_backup_tui.presentation.text import printable

if TYPE_CHECKING:
    from kino_backup_tui.core.timers.base import Installed, Uninstalled
    from kino_backup_tui.presentation.shapes import JsonObject


def write_service(
    told: Installed | Uninstalled, document: JsonObject, nothing: str, *, as_json: bool
) -> None:
    """Print the document, or each thing that was done; `nothing` is what to say where there was nothing."""
    if as_json:
        write_json(document)
    else:
        for sentence in told.done:
            write_line(printable(sentence))
        if not told.done:
            talk(nothing)
    for warning in told.warnings:
        warn(warning)
