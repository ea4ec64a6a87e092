"""What every screen can do: say that the terminal is too small, stop its job, report a bug."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from rich.console import RenderableType
from rich.text import Text
from textual.screen import ModalScreen, Screen
from textual.worker import Worker, WorkerState

if TYPE_CHECKING:
    from textual.types import CSSPathType

Result = TypeVar("Result")

TOO_SMALL = "This terminal is too small for the backups: make it at least 60 columns wide and 16 lines high."


class KinoScreen(Screen[Result], Generic[Result]):
    """A screen; `-too-narrow` and `-too-short` hide its children and leave one sentence."""

    CSS_PATH: ClassVar[CSSPathType | None] = Path(__file__).with_name("opened.tcss")

    def render(self) -> RenderableType:
        """The background, or the sentence once the children are hidden."""
        if self.has_class("-too-narrow") or self.has_class("-too-short"):
            return Text(TOO_SMALL)
        return super().render()

    def stop_job(self) -> bool:
        """Ask this screen's job to stop; True if there was one to ask."""
        return False

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Show a bug in a worker; errors of the core never get here."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            from kino_backup_tui.tui.screens.error import ErrorScreen, Trouble

            self.app.push_screen(ErrorScreen(Trouble.of_bug(event.worker.error)))


class KinoDialog(KinoScreen[Result], ModalScreen[Result], Generic[Result]):
    """A question over the screen below. Closing it without an answer changes nothing."""

    BINDING_GROUP_TITLE = "Dialog"
