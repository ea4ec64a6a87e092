"""A line of a form: its name, and beside it what is to be filled in."""

from __future__ import annotations

from textual.containers import Horizontal
from textual.widgets import Static


def labelled(label: str, classes: str = "field") -> Horizontal:
    """The container of a line, for a `with` statement."""
    row = Horizontal(classes=classes)
    row.compose_add_child(Static(label, classes="label"))
    return row
