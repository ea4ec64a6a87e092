"""Single lines of text that repaint only when their text changes."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

_PART = " · "


class Line(Widget):
    """One line of outside text, cut with an ellipsis; `right` is kept whole at the right edge.

    With `keeps_end`, the last of the parts on the left stays, too: it is a key that helps.
    """

    left: reactive[str] = reactive("")
    right: reactive[str] = reactive("")

    def __init__(self, *, id: str, keeps_end: bool = False) -> None:
        super().__init__(id=id)
        self._keeps_end = keeps_end

    def render(self) -> Content:
        """The line, as wide as the widget: drawn in one piece, it costs the fewest bytes."""
        right = Content(f"{self.right} " if self.right else "")
        room = max(1, self.content_size.width - right.cell_length)
        left = self._cut(f" {self.left}", room - bool(self.right))
        return Content.assemble(left, " " * (room - left.cell_length), right)

    def _cut(self, text: str, room: int) -> Content:
        start, part, end = text.rpartition(_PART) if self._keeps_end else (text, "", "")
        kept = Content(f"{part}{end}")
        if not start or kept.cell_length >= room // 2:
            start, kept = text, Content("")
        return Content(start).truncate(room - kept.cell_length, ellipsis=True) + kept
