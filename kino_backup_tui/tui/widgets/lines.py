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
        """The line at the present width."""
        width = self.content_size.width
        right = Content(self.right)
        room = max(0, width - right.cell_length - (2 if self.right else 0))
        left = Content(self.left).truncate(room, ellipsis=True)
        gap = max(0, width - left.cell_length - right.cell_length)
        return Content.assemble(left, " " * gap, right) if self.right else left
