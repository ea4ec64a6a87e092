"""A restore was interrupted: finish or undo it? Or, where nobody can tell, which state is to stay?"""

from __future__ import annotations

from datetime import datetime, tzinfo
from enum import Enum
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from kino_backup_tui.core.restore.plan import Interrupted
from kino_backup_tui.presentation import text
from kino_backup_tui.tui.screens.base import KinoDialog


class SettleAnswer(Enum):
    """What the admin wants; the values are what `settle` takes as `keep`."""

    NOTHING = "nothing"
    SETTLE = ""
    OLD = "old"
    NEW = "new"


class SettleScreen(KinoDialog[SettleAnswer]):
    """Says what settling will do; Cancel has the focus."""

    AUTO_FOCUS = "#nothing"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n,q", "answer_no", "Change nothing", id="settle.no", tooltip="Leave it for later"),
        Binding("y", "answer_yes", "Settle it", id="settle.yes", tooltip="Do what the dialog says"),
        Binding("right,l", "app.focus_next", "Next button", id="settle.next", show=False),
        Binding("left,h", "app.focus_previous", "Button before", id="settle.previous", show=False),
    ]

    def __init__(self, interrupted: Interrupted, at: datetime, zone: tzinfo) -> None:
        super().__init__()
        self._interrupted = interrupted
        self._at = at
        self._zone = zone

    def compose(self) -> ComposeResult:
        """What is true, what will be done, and the answers."""
        this = self._interrupted
        when = f"{text.date_text(this.since, self._zone)} ({text.ago_text(this.since, self._at)})"
        with Vertical(classes="dialog settle") as box:
            box.border_title = Content("Settle the interrupted restore?")
            box.border_subtitle = Content(
                "Esc or n: change nothing" + (" · y: do it" if this.decided else "")
            )
            with VerticalScroll(id="settle-text"):
                yield Static(Content("\n".join(text.printable(line) for line in this.text.splitlines())))
                if this.source:
                    yield Static(Content(f"Begun {when}; its process is gone."))
            with Horizontal(classes="buttons"):
                yield Button(Content("[ Cancel ]"), id="nothing", compact=True)
                if this.decided:
                    yield Button(Content("[ Settle it ]"), id="settle", compact=True)
                else:
                    yield Button(Content("[ Keep the old state ]"), id="old", compact=True)
                    yield Button(Content("[ Keep the new state ]"), id="new", compact=True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A decision has no yes."""
        return action != "answer_yes" or self._interrupted.decided

    def action_answer_no(self) -> None:
        """Leave it for later."""
        self.dismiss(SettleAnswer.NOTHING)

    def action_answer_yes(self) -> None:
        """Settle it."""
        self.dismiss(SettleAnswer.SETTLE)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer."""
        answers = {"settle": SettleAnswer.SETTLE, "old": SettleAnswer.OLD, "new": SettleAnswer.NEW}
        self.dismiss(answers.get(event.button.id or "", SettleAnswer.NOTHING))
