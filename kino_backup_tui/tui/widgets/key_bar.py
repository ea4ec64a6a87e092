"""The line of keys at the bottom: as many as fit, the most important first."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget

Key = tuple[str, str, str]
"""The key as people read it, its label, and the action a click runs."""


class KeyBar(Widget):
    """One line, drawn at once; Textual's own footer is a widget for each key."""

    keys: reactive[tuple[Key, ...]] = reactive(())

    def show(self, keys: Iterable[Key]) -> None:
        """Offer these keys."""
        self.keys = tuple(keys)

    def render(self) -> Content:
        """The keys that fit the present width."""
        line = Content()
        for key, label, action in self.keys:
            entry = Content.assemble((key, "bold"), f" {label}").stylize(Style.from_meta({"@click": action}))
            longer = Content.assemble(line, "  ", entry) if line else entry
            if longer.cell_length > self.content_size.width:
                break
            line = longer
        return line
