"""Asking for a path: what to import, or where to export to."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Input, Static

from kino_backup_tui.presentation.text import printable
from kino_backup_tui.tui.screens.base import KinoDialog
from kino_backup_tui.tui.screens.pick import PickScreen
from kino_backup_tui.tui.widgets.path_input import PathInput, path_from


@dataclass(frozen=True, slots=True)
class PathQuestion:
    """What to ask."""

    title: str
    explanation: str
    verb: str
    value: str
    """To begin with."""
    remark: Callable[[Path], tuple[bool, str]]
    """Whether a path will do, and what to say beside the field; may read the disk."""
    folders_only: bool = False


@dataclass
class PathRemarked(Message, bubble=False):
    """What the disk says of the path that was typed."""

    value: str
    fits: bool
    remark: str


class PathScreen(KinoDialog[Path | None]):
    """A field with completion, and a way to pick from the disk."""

    AUTO_FOCUS = "#path"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n,q", "dismiss(None)", "Change nothing", id="path.cancel", tooltip="Change nothing"),
        Binding("ctrl+o", "browse", "Browse", id="path.browse", tooltip="Pick from the disk"),
    ]

    def __init__(self, question: PathQuestion) -> None:
        super().__init__()
        self._question = question
        self._fits = False

    def compose(self) -> ComposeResult:
        """Explanation, field, remark, buttons."""
        question = self._question
        with Vertical(classes="dialog") as box:
            box.border_title = Content(question.title)
            box.border_subtitle = Content("Tab: complete · Ctrl+O: browse · Esc: change nothing")
            yield Static(Content(question.explanation), classes="question")
            yield PathInput(question.value, folders_only=question.folders_only, id="path")
            yield Static(id="path-remark", classes="remark")
            with Horizontal(classes="buttons"):
                yield Button(Content("[ Browse… ]"), id="browse", compact=True)
                yield Button(Content("[ Cancel ]"), id="cancel", compact=True)
                yield Button(Content(f"[ {question.verb} ]"), id="confirm", compact=True, disabled=True)

    def on_mount(self) -> None:
        """Look at the path to begin with."""
        self._look(self._question.value)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._look(event.value)

    @work(thread=True, exclusive=True, group="look", exit_on_error=False)
    def _look(self, value: str) -> None:
        fits, remark = _remark_on(value, self._question) if value.strip() else (False, "")
        self.post_message(PathRemarked(value, fits, remark))

    @on(PathRemarked)
    def _remark(self, message: PathRemarked) -> None:
        if message.value != self.query_one(PathInput).value:
            return  # an older look that came in late
        self._fits = message.fits
        self.query_one("#confirm", Button).disabled = not message.fits
        remark = self.query_one("#path-remark", Static)
        remark.set_class(message.remark.startswith("✗"), "-invalid")
        remark.update(Content(message.remark))

    @on(Input.Submitted)
    def _submitted(self) -> None:
        if self._fits:
            self._answer()

    @on(Button.Pressed)
    async def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "confirm":
            self._answer()
        elif event.button.id == "browse":
            self.action_browse()
        else:
            self.dismiss(None)

    @work(exit_on_error=False)
    async def action_browse(self) -> None:
        """Pick from the disk."""
        field = self.query_one(PathInput)
        typed = path_from(field.value)
        start = typed if field.value.endswith("/") else typed.parent
        picked = await self.app.push_screen_wait(PickScreen(start, folders_only=self._question.folders_only))
        if picked is not None:
            field.value = str(picked)
            field.action_end()
        field.focus()

    def _answer(self) -> None:
        self.dismiss(path_from(self.query_one(PathInput).value))


def _remark_on(value: str, question: PathQuestion) -> tuple[bool, str]:
    """What the disk, and then the question, says of what was typed."""
    path = path_from(value)
    shown = printable(str(path))
    try:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            path.stat()
        # A path loses the slash that says "a folder".
        if value.endswith("/") and not path.is_dir():
            return False, f"✗ There is no folder {shown}."
        return question.remark(path)
    except OSError as error:
        return False, f"✗ {shown}: {error.strerror or error}."
    except ValueError:  # a null character, or half a character
        return False, "✗ No file can have this name."


def import_question(start: str) -> PathQuestion:
    """What to import."""
    return PathQuestion(
        title="Import a backup",
        explanation="The archive is copied to the backup location and verified. The original stays.",
        verb="Import",
        value=start,
        remark=_archive_remark,
    )


def restore_question(start: str) -> PathQuestion:
    """What to restore from."""
    return PathQuestion(
        title="Restore from a file",
        explanation="The archive is read to its end, and compared with Kino as it is now. You are asked "
        "before anything is replaced. The file stays where it is.",
        verb="Read it",
        value=start,
        remark=_archive_remark,
    )


def export_question(filename: str, start: str, *, damaged: bool = False) -> PathQuestion:
    """Where to export a backup to; of a `damaged` one, that the copy will be no better."""
    explanation = f"A copy of {printable(filename)}, compared with it. Name a folder or a new file."
    if damaged:
        explanation += "\n✗ This backup is damaged, and so will be the copy."

    def remark(path: Path) -> tuple[bool, str]:
        if path.is_dir():
            target = path / filename
            if os.path.lexists(target):
                return False, f"✗ {printable(str(target))} exists; nothing is overwritten."
            return True, f"It will be {printable(str(target))}"
        if os.path.lexists(path):
            return False, "✗ This file exists; nothing is overwritten."
        if not path.parent.is_dir():
            return False, f"✗ There is no folder {printable(str(path.parent))}."
        return True, "A new file of this name."

    return PathQuestion(
        title="Export a backup",
        explanation=explanation,
        verb="Export",
        value=start,
        remark=remark,
    )


def _archive_remark(path: Path) -> tuple[bool, str]:
    if path.is_file():
        return True, "It will be read to its end before anything is kept."
    if path.is_dir():
        return False, "Name an archive in this folder, or press Ctrl+O to pick one."
    return False, f"✗ There is no file {printable(str(path))}."
