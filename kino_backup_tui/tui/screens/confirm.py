"""A question with a safe answer: Cancel has the focus."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static

from kino_backup_tui.tui.screens.base import KinoDialog


class ConfirmScreen(KinoDialog[bool]):
    """Ask before something that cannot be undone."""

    AUTO_FOCUS = "#cancel"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n,q", "dismiss(False)", "Change nothing", id="confirm.no", tooltip="Change nothing"),
        Binding("left,right,h,l", "app.focus_next", "Other button", id="confirm.move", show=False),
    ]

    def __init__(self, title: str, question: str, details: str, verb: str) -> None:
        super().__init__()
        self._title = title
        self._question = question
        self._details = details
        self._verb = verb

    def compose(self) -> ComposeResult:
        """The question, what it is about, and the two answers."""
        with Vertical(classes="dialog") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = Content("Esc or n: change nothing")
            yield Static(Content(self._question), classes="question")
            yield Static(Content(self._details), classes="details")
            with Horizontal(classes="buttons"):
                yield Button(Content("[ Cancel ]"), id="cancel", compact=True)
                yield Button(Content(f"[ {self._verb} ]"), id="confirm", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer."""
        self.dismiss(event.button.id == "confirm")
