"""The stages of a job; a clock that ticks repaints its own line and no other."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.geometry import Region
from textual.widget import Widget


class StageLines(Widget):
    """Lines of outside text, each cut with an ellipsis where the width ends."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._lines: tuple[str, ...] = ()

    def show(self, lines: Sequence[str]) -> None:
        """Draw these lines, as far as they differ from those drawn."""
        before, self._lines = self._lines, tuple(lines)
        if len(before) != len(self._lines):
            self.refresh(layout=True)
            return
        pairs = zip(before, self._lines, strict=True)
        changed = [index for index, (old, new) in enumerate(pairs) if old != new]
        if changed:
            width = self.content_size.width
            self.refresh(*(Region(0, index, width, 1) for index in changed))

    def cuts(self, part: str) -> bool:
        """Whether the line with these words is longer than there is room."""
        return any(
            part in line and Content(line).cell_length > self.content_size.width for line in self._lines
        )

    def render(self) -> Content:
        """The lines."""
        width = max(1, self.content_size.width)
        return Content("\n").join(Content(line).truncate(width, ellipsis=True) for line in self._lines)
