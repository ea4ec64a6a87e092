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

    always = ""
    """The key that stays where there is not room for all."""

    def show(self, keys: Iterable[Key], *, always: str = "") -> None:
        """Offer these keys."""
        self.always = always
        self.keys = tuple(keys)

    def render(self) -> Content:
        """The keys that fit the present width."""
        entries = [(_entry(key), key[0] == self.always) for key in self.keys]
        kept = next((entry for entry, stays in entries if stays), Content())
        line = Content()
        for entry, stays in entries:
            longer = _joined(line, entry)
            if stays:
                kept = Content()
            if _joined(longer, kept).cell_length > self.content_size.width:
                break
            line = longer
        return _joined(line, kept)


def _entry(key: Key) -> Content:
    name, label, action = key
    return Content.assemble((name, "bold"), f" {label}").stylize(Style.from_meta({"@click": action}))


def _joined(line: Content, entry: Content) -> Content:
    return Content.assemble(line, "  ", entry) if line and entry else line or entry
