"""Picking a file or a folder from the disk."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from kino_backup_tui.presentation.text import printable
from kino_backup_tui.tui.screens.base import KinoDialog
from kino_backup_tui.tui.widgets.path_input import is_folder

_MOST = 1000
"""Entries shown of one folder; a folder with more is better reached by typing."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of the list."""

    path: Path
    label: str
    opens: bool
    """Whether choosing it opens a folder rather than answering."""


@dataclass
class FolderRead(Message, bubble=False):
    """The entries of a folder."""

    folder: Path
    choices: list[Choice]
    problem: str


class PickScreen(KinoDialog[Path | None]):
    """A list of one folder; Enter opens a folder or takes a file, Backspace goes up."""

    AUTO_FOCUS = "#entries"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n,q", "dismiss(None)", "Back", id="pick.cancel", tooltip="Back without picking"),
        Binding("backspace,left", "up", "Folder above", id="pick.up", tooltip="The folder above"),
    ]

    def __init__(self, folder: Path, *, folders_only: bool) -> None:
        super().__init__()
        self._folder = folder
        self._folders_only = folders_only
        self._choices: list[Choice] = []

    def compose(self) -> ComposeResult:
        """The folder's path, its entries."""
        with Vertical(classes="dialog") as box:
            box.border_title = "Pick a folder" if self._folders_only else "Pick a file"
            box.border_subtitle = "Enter: open or take · Backspace: folder above · Esc: back"
            yield Static(id="pick-folder")
            yield OptionList(id="entries", markup=False, compact=True)

    def on_mount(self) -> None:
        """Read the first folder."""
        self._read(self._folder)

    @work(thread=True, exclusive=True, group="read", exit_on_error=False)
    def _read(self, folder: Path) -> None:
        try:
            choices, problem = choices_in(folder, folders_only=self._folders_only), ""
        except OSError as error:
            choices, problem = [_above(folder)], error.strerror or str(error)
        except ValueError:  # a null character in what was typed
            choices, problem = [_above(folder)], "No folder can have this name"
        self.post_message(FolderRead(folder, choices, problem))

    @on(FolderRead)
    def _show(self, message: FolderRead) -> None:
        self._folder, self._choices = message.folder, message.choices
        problem = f"  ✗ {printable(message.problem)}" if message.problem else ""
        self.query_one("#pick-folder", Static).update(Content(printable(str(message.folder)) + problem))
        entries = self.query_one(OptionList)
        entries.clear_options()
        entries.add_options(Option(choice.label) for choice in message.choices)
        entries.highlighted = 0

    @on(OptionList.OptionSelected)
    def _take(self, event: OptionList.OptionSelected) -> None:
        choice = self._choices[event.option_index]
        if choice.opens:
            self._read(choice.path)
        else:
            self.dismiss(choice.path)

    def action_up(self) -> None:
        """Show the folder above."""
        self._read(self._folder.parent)


def choices_in(folder: Path, *, folders_only: bool) -> list[Choice]:
    """What can be chosen in a folder: folders first, then archives. Raises OSError."""
    entries = sorted(folder.iterdir(), key=lambda entry: entry.name.casefold())
    folders = [entry for entry in entries if not entry.name.startswith(".") and is_folder(entry)]
    choices = [Choice(folder, "● This folder", opens=False)] if folders_only else []
    choices.append(_above(folder))
    choices += [Choice(entry, f"{printable(entry.name)}/", opens=True) for entry in folders]
    if not folders_only:
        archives = [
            entry
            for entry in entries
            if entry.name.endswith((".tar.gz", ".tgz")) and os.path.isfile(entry)  # noqa: PTH113 - as there
        ]
        choices += [Choice(entry, printable(entry.name), opens=False) for entry in archives]
    return choices[:_MOST]


def _above(folder: Path) -> Choice:
    return Choice(folder.parent, "../", opens=True)
