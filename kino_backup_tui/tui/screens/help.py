"""Every key, and what the words mean."""

from __future__ import annotations

import textwrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from kino_backup_tui.tui.actions import PAGE_ACTIONS
from kino_backup_tui.tui.screens.base import KinoScreen
from kino_backup_tui.tui.widgets.key_bar import KeyBar

_MORE_KEYS = (
    ("Home End", "Select first, last backup", ""),
    ("↑ ↓ j k", "Select another backup", ""),
    ("x", "Cancel running operation", "A restore: until Kino is stopped"),
    ("Ctrl+P", "Command palette", "All of this as a list to search"),
    ("Ctrl+C", "Cancel, else quit", ""),
    ("Esc n q", "Leave a question", "Nothing is changed"),
)

_WORDS = (
    ("✓ verified", "read to its end: every digest, the database and its row counts agree"),
    ("· unverified", "written, not read back yet: press v"),
    ("✗ damaged", "not what was written; retention neither counts nor removes it"),
    ("? unreadable", "not to be opened, or of a later format; that says nothing of its contents"),
    ("… unfinished", "half a file that an interrupted run left behind"),
    ("Scheduled", "made by the schedule; the newest are kept, older ones go"),
    ("Manual", "made by you; stays until you delete it"),
    ("Pre-restore", "the state of Kino from before a restore; stays until you delete it"),
    ("↩ way back", "the pre-restore backup of the last restore: u undoes that restore"),
)


class HelpScreen(KinoScreen[None]):
    """A text to scroll."""

    AUTO_FOCUS = "#help"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,q,n,question_mark,f1",
            "dismiss(None)",
            "Back",
            id="help.close",
            tooltip="Back to the list",
        ),
    ]

    def compose(self) -> ComposeResult:
        """Keys first, words after."""
        with VerticalScroll(id="help"):
            yield Static(id="help-text")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Say how to leave."""
        self.query_one(KeyBar).show([("Esc or q", "Back", "screen.dismiss(None)"), ("↑ ↓", "Scroll", "")])

    def on_resize(self) -> None:
        """Fit the columns into the width there is."""
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        width = self.query_one("#help", VerticalScroll).scrollable_content_region.width
        self.query_one("#help-text", Static).update(help_text(width))


def help_text(width: int = 80) -> Content:
    """The keys as they are bound, then the words of the list, in columns."""
    keys = [(action.shown_key, action.command, action.tooltip) for action in PAGE_ACTIONS if action.keys]
    parts: list[str | tuple[str, str]] = [("Keys\n", "bold")]
    for key, command, meaning in (*keys, *_MORE_KEYS):
        parts += [(f"{key:>8} ", "bold"), f" {command:<26}{_hanging(meaning, 36, width)}\n"]
    parts.append(("\nWords\n", "bold"))
    for word, meaning in _WORDS:
        parts.append(f"  {word:<14}{_hanging(meaning, 16, width)}\n")
    parts.append("\nPaste the path of an archive on the page to restore from it.\n")
    parts.append("Over SSH, `ssh -C` makes every key quicker.\n")
    return Content.assemble(*parts)


def _hanging(text: str, indent: int, width: int) -> str:
    """A text whose lines all begin where its first one does."""
    return f"\n{' ' * indent}".join(textwrap.wrap(text, max(1, width - indent)))
