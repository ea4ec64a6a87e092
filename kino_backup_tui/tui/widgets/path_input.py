"""An input for a path, completed from the disk with Tab."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.suggester import Suggester

from kino_backup_tui.tui.widgets.harmless_input import HarmlessInput


class PathInput(HarmlessInput):
    """Tab takes the suggestion, or moves on when there is none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete the path", id="path.complete", show=False)
    ]

    def __init__(self, value: str, *, placeholder: str = "", folders_only: bool = False, id: str) -> None:
        super().__init__(
            value,
            placeholder=placeholder,
            suggester=PathSuggester(folders_only=folders_only),
            select_on_focus=False,
            compact=True,
            id=id,
        )

    def action_complete(self) -> None:
        """Take the suggestion as the value."""
        if self._suggestion and self._suggestion != self.value:
            self.value = self._suggestion
            self.action_end()
        else:
            self.screen.focus_next()


class PathSuggester(Suggester):
    """Suggests the first entry, by name, that goes on as the last part of the path begins."""

    def __init__(self, *, folders_only: bool) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._folders_only = folders_only

    async def get_suggestion(self, value: str) -> str | None:
        """The completed value. The disk is read in a thread: it may be a network mount that is slow."""
        return await asyncio.to_thread(complete_path, value, folders_only=self._folders_only)


def complete_path(value: str, *, folders_only: bool) -> str | None:
    """Complete the last part of a path; a folder gets a slash behind it. None if nothing fits."""
    head, slash, begun = value.rpartition("/")
    if not slash or not begun:
        return None
    try:
        entries = sorted(path_from(head + slash).iterdir())
    except (OSError, ValueError):
        return None
    for entry in entries:
        if not entry.name.startswith(begun) or (folders_only and not is_folder(entry)):
            continue
        try:
            entry.name.encode()
        except UnicodeEncodeError:  # a name that is not text cannot be typed
            continue
        return f"{head}{slash}{entry.name}{'/' if is_folder(entry) else ''}"
    return None


def is_folder(path: Path) -> bool:
    """Whether this is a folder; a link to somewhere out of reach is none."""
    return os.path.isdir(path)  # noqa: PTH112 - Path.is_dir() raises there


def path_from(text: str) -> Path:
    """The path that was typed, `~` resolved; absolute, so that it means the same everywhere."""
    # As in a shell, a home of nobody stays as it is written; Path.expanduser() raises.
    return Path(os.path.expanduser(text)).absolute()  # noqa: PTH111
