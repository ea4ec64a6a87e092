"""The application: screens, signals, and a clean end."""

from __future__ import annotations

import asyncio
import signal
import sys
from functools import partial
from types import FrameType
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Input
from textual.worker import WorkerCancelled, WorkerFailed

from kino_backup_tui.presentation.text import printable
from kino_backup_tui.tui.backend import Backend
from kino_backup_tui.tui.look_ahead import LookAhead
from kino_backup_tui.tui.screens.backups import BackupsScreen
from kino_backup_tui.tui.screens.base import KinoScreen

_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class KinoBackupApp(App[None]):
    """The page of one Kino. Its theme is decided in the environment, see `tui.terminal`."""

    TITLE = "Kino backups"
    CSS_PATH = "app.tcss"
    COMMANDS = set()  # noqa: RUF012 - the page brings the commands
    # To a type checker Textual's own annotations make these variables of each instance.
    HORIZONTAL_BREAKPOINTS = [(0, "-too-narrow"), (60, "-narrow"), (80, "-wide-enough")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-too-short"), (16, "-high-enough")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c,ctrl+q", "leave", "Quit", show=False, priority=True, system=True, id="app.leave"),
    ]

    def __init__(self, backend: Backend, ahead: LookAhead | None = None) -> None:
        super().__init__()
        self._backend = backend
        self._ahead = ahead
        self.animation_level = "none"

    def get_default_screen(self) -> Screen[None]:
        """The page."""
        return BackupsScreen(self._backend, self._ahead)

    def on_mount(self) -> None:
        """A dropped connection or a `kill` must not leave the terminal in pieces.

        Not through asyncio: it goes back to the default action while the program still has to clean up.
        """
        for number in _SIGNALS:
            signal.signal(number, partial(self._signalled, asyncio.get_running_loop()))

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Keep cursors still: a blinking one writes two kilobytes a second into the connection."""
        if isinstance(event.widget, Input):
            event.widget.cursor_blink = False

    def on_app_focus(self) -> None:
        """Somebody looks again, so what the list says of ages should be true."""
        if isinstance(self.screen, BackupsScreen):
            self.screen.action_reload()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The palette holds what the page can do."""
        return action != "command_palette" or isinstance(self.screen, BackupsScreen)

    def panic(self, *_traceback: object) -> None:
        """Leave after a bug in a handler: a sentence on the restored terminal, not a traceback."""
        error = sys.exception()
        what = "" if error is None else f": {type(error).__name__}: {printable(str(error))}"
        self._return_code = 1
        super().panic(Text(f"An error in this program{what}. Please report it."))

    def _fatal_error(self) -> None:
        # Where Textual ends after an exception in a handler; its own version prints every local variable.
        self.panic()

    def action_leave(self) -> None:
        """Stop the running job if there is one, else quit."""
        if not self._stop_jobs():
            self.exit()

    def _stop_jobs(self) -> bool:
        return any(screen.stop_job() for screen in self.screen_stack if isinstance(screen, KinoScreen))

    def _signalled(self, loop: asyncio.AbstractEventLoop, number: int, _frame: FrameType | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._end, 128 + number)

    def _end(self, code: int) -> None:
        if not self.is_running:
            return
        self._stop_jobs()
        self.run_worker(self._exit_after_jobs(code), group="exit", exclusive=True)

    async def _exit_after_jobs(self, code: int) -> None:
        """Leave once the running job has removed what it wrote."""
        for worker in [worker for worker in self.workers if worker.group == "job" and not worker.is_finished]:
            try:
                await worker.wait()
            except (WorkerFailed, WorkerCancelled):
                continue
        self.exit(return_code=code)
