"""An input that may hold text from outside: a path from the disk, a paste."""

from __future__ import annotations

import unicodedata

from rich.segment import Segment
from textual.strip import Strip
from textual.widgets import Input

_SIGN = "\ufffd"


class HarmlessInput(Input):
    """Draws a sign for each control or direction-changing character; its value keeps them."""

    def render_line(self, y: int) -> Strip:
        """The line, as wide as ever: Textual counts no cells for the characters the signs stand for."""
        strip = super().render_line(y)
        shown = [Segment(_harmless(segment.text), segment.style) for segment in strip]
        return Strip(shown).adjust_cell_length(strip.cell_length)


def _harmless(text: str) -> str:
    return "".join(_SIGN if unicodedata.category(char).startswith("C") else char for char in text)
