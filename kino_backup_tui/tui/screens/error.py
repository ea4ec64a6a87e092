"""What went wrong, as a screen: where, what it means for the data, what to do, and the exact text to copy."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.presentation.text import printable
from kino_backup_tui.tui.screens.base import KinoScreen
from kino_backup_tui.tui.widgets.key_bar import KeyBar

_ACCEPT = "If this is the right place, press a to use it as it is now."
_FOR_COMMAND_LINE = re.compile(r"\s*[^.?!]*--accept-location[^.?!]*[.?!]")
"""The sentence of a hint that says the same to somebody without this screen."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error in the words of the screen."""

    title: str
    message: str
    meaning: str
    hint: str
    details: str
    """Shown below, for a search or a bug report."""
    copied: str
    """What the copy key takes along."""
    can_accept: bool = False
    """Whether the way out is to accept the location as it is now."""

    @classmethod
    def of_error(
        cls,
        error: KinoBackupError,
        title: str,
        *,
        meaning: str,
        hint: str = "",
        can_accept: bool = False,
    ) -> Trouble:
        """An error that the core foresaw; `hint` stands in for one of its own."""
        hint = error.hint or hint
        if can_accept:
            hint = f"{_FOR_COMMAND_LINE.sub('', hint)} {_ACCEPT}".strip()
        details = "\n".join([f"Code {error.code}", *_causes(error)])
        copied = "\n".join(part for part in (title, error.message, hint, details) if part)
        return cls(title, error.message, meaning, hint, details, copied, can_accept)

    @classmethod
    def of_bug(cls, error: BaseException) -> Trouble:
        """Anything else: a mistake in this program."""
        return cls(
            title="An error in this program",
            message="Something happened that this program does not know how to handle.",
            meaning="Your backups are files of their own: an error in the program does not touch them.",
            hint="Press c to copy the report, and send it to the makers of this program.",
            details=f"{type(error).__name__}: {error}",
            copied="".join(traceback.format_exception(error)),
        )


class ErrorScreen(KinoScreen[bool]):
    """Stays until it is closed; the answer is True if the admin accepts the location."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,q,n,enter",
            "dismiss(False)",
            "Close",
            id="error.close",
            tooltip="Back; nothing is changed",
        ),
        Binding(
            "c", "copy", "Copy the text", id="error.copy", tooltip="Copy the exact text to the clipboard"
        ),
        Binding(
            "a", "accept", "Accept the location", id="error.accept", tooltip="Use the location as it is now"
        ),
    ]
    AUTO_FOCUS = "#error-text"

    def __init__(self, trouble: Trouble) -> None:
        super().__init__()
        self._trouble = trouble

    def compose(self) -> ComposeResult:
        """The text, top to bottom as one reads it."""
        trouble = self._trouble
        with VerticalScroll(id="error-text"):
            yield Static(Content(f"✗ {trouble.title}"), id="error-title")
            yield Static(Content(printable_lines(trouble.message)))
            yield Static(Content(trouble.meaning), id="error-meaning")
            if trouble.hint:
                yield Static(Content(f"What to do: {printable_lines(trouble.hint)}"))
            yield Static(Content(printable_lines(trouble.details)), id="error-details")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Offer the keys there are."""
        accept = [("a", "Accept the location as it is", "screen.accept")] if self._trouble.can_accept else []
        close = ("Esc or q", "Close", "screen.dismiss(False)")
        self.query_one(KeyBar).show((close, *accept, ("c", "Copy the text", "screen.copy")))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Accepting is possible for one kind of trouble only."""
        return action != "accept" or self._trouble.can_accept

    def action_copy(self) -> None:
        """Put the text on the clipboard, through the terminal (OSC 52)."""
        self.app.copy_to_clipboard(self._trouble.copied)
        self.notify("Copied, if this terminal allows it.", markup=False)

    def action_accept(self) -> None:
        """Answer that the location is the right one."""
        self.dismiss(True)


def _causes(error: KinoBackupError) -> Iterator[str]:
    """What led to an error, the nearest first, without what its own message says already."""
    cause = error.__cause__
    while cause is not None:
        if not str(cause) or str(cause) not in error.message:
            yield f"{type(cause).__name__}: {cause}"
        cause = cause.__cause__


def printable_lines(text: str) -> str:
    """Outside text with its control characters shown, its line breaks kept."""
    return "\n".join(printable(line) for line in text.splitlines())
