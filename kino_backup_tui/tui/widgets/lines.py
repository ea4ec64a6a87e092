"""Single lines of text that repaint only when their text changes."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget


class Line(Widget):
    """One line of outside text, cut with an ellipsis; `right` is kept whole at the right edge."""

    left: reactive[str] = reactive("")
    right: reactive[str] = reactive("")

    def render(self) -> Content:
        """The line, as wide as the widget: drawn in one piece, it costs the fewest bytes."""
        right = Content(f"{self.right} " if self.right else "")
        room = max(1, self.content_size.width - right.cell_length)
        left = Content(f" {self.left}").truncate(room - bool(self.right), ellipsis=True)
        return Content.assemble(left, " " * (room - left.cell_length), right)
