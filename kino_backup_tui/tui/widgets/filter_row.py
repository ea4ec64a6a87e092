"""The line one types a filter into."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Static

from kino_backup_tui.tui.widgets.harmless_input import HarmlessInput
from kino_backup_tui.tui.widgets.lines import Line


class FilterRow(Horizontal):
    """A field, and how many backups are left."""

    def compose(self) -> ComposeResult:
        """Label, field, count."""
        yield Static("Filter", classes="label")
        yield HarmlessInput(
            id="filter-text", placeholder="words, a kind, a date, a version, a state", compact=True
        )
        yield Line(id="filter-count")
