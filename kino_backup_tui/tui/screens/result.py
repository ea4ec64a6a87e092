"""How a restore ended; stays until it is closed."""

from __future__ import annotations

from enum import Enum, auto
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from kino_backup_tui.core.progress import ROLLBACK
from kino_backup_tui.core.restore.plan import RestoreResult
from kino_backup_tui.presentation.text import printable
from kino_backup_tui.tui.result_view import Told, told
from kino_backup_tui.tui.screens.base import KinoScreen
from kino_backup_tui.tui.widgets.key_bar import KeyBar


class ResultAnswer(Enum):
    """What to do next."""

    CLOSE = auto()
    UNDO = auto()


class ResultScreen(KinoScreen[ResultAnswer]):
    """What is true now, what was proven, and where the way back is."""

    AUTO_FOCUS = "#result-text"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,n,enter", "close", "Close", id="result.close", tooltip="Back to the list"),
        Binding("u", "undo", "Undo this restore", id="result.undo", tooltip="Ask before it is undone"),
        Binding(
            "c", "copy", "Copy the text", id="result.copy", tooltip="Copy the exact text to the clipboard"
        ),
    ]

    def __init__(self, result: RestoreResult) -> None:
        super().__init__()
        self._result = result
        self._told = told(result)

    def compose(self) -> ComposeResult:
        """The text, top to bottom as one reads it."""
        this: Told = self._told
        with VerticalScroll(id="result-text"):
            sign, state = ("✓", "-good") if this.good else ("✗", "-bad")
            yield Static(Content(f"{sign} {this.title}"), id="result-title", classes=state)
            for line in this.lines:
                yield Static(Content(line))
            if this.hint:
                yield Static(Content(f"What to do: {this.hint}"), id="result-hint")
            if this.log:
                yield Static(Content("The last lines of Kino's log:"), id="result-log-title")
                yield Static(Content("\n".join(this.log)), id="result-log")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Offer the keys there are."""
        what = "Undo that, too" if self._result.operation == ROLLBACK else "Undo this restore"
        undo = [("u", what, "screen.undo")] if self._told.can_undo else []
        close = ("Esc or q", "Close", "screen.close")
        scroll = [("↑ ↓", "Scroll", "")] if self._told.log else []
        self.query_one(KeyBar).show((close, *undo, ("c", "Copy the text", "screen.copy"), *scroll))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A restore that is not in effect cannot be undone."""
        return action != "undo" or self._told.can_undo

    def action_close(self) -> None:
        """Back to the list."""
        self.dismiss(ResultAnswer.CLOSE)

    def action_undo(self) -> None:
        """Ask whether to undo it."""
        self.dismiss(ResultAnswer.UNDO)

    def action_copy(self) -> None:
        """Put the text on the clipboard, through the terminal (OSC 52)."""
        this = self._told
        parts = [this.title, *this.lines, *this.log, this.hint, f"Job {printable(self._result.job)}"]
        self.app.copy_to_clipboard("\n".join(part for part in parts if part))
        self.notify("Copied, if this terminal allows it.", markup=False)
