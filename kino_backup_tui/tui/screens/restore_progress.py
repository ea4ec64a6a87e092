"""A restore that runs in a process of its own: watched here, cancelled while it still can be, or left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from textual import on, work
from textual.message import Message

from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.progress import JobEvent, Stage
from kino_backup_tui.presentation.text import printable
from kino_backup_tui.tui.following import Follower
from kino_backup_tui.tui.jobs import Job
from kino_backup_tui.tui.screens.progress import ProgressScreen
from kino_backup_tui.tui.widgets.key_bar import KeyBar

_TOO_LATE = "It is too late to cancel: the restore goes on to its end."
_STOP_KINO = "Stop Kino now. The restore goes on by itself once it has ended."


@dataclass
class CancelAnswered(Message, bubble=False):
    """Why the worker does not stop; empty if it does."""

    problem: str


class RestoreProgressScreen(ProgressScreen):
    """Follows a worker to its end, or until it is left."""

    def __init__(
        self, operation: str, title: str, follower: Follower, now: Callable[[], datetime], watch: str
    ) -> None:
        """`watch` is the command that shows it again."""
        note = f"You may close this terminal: the restore goes on. `{printable(watch)}` shows it again."
        super().__init__(Job(operation, title, follower.run, watched=True, note=note), now)
        self._follower = follower
        self._wanted_to_stop = False

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """It can be left at any time, and stopped until Kino is."""
        if action == "stop":
            return not self.board.final and not self._wanted_to_stop
        return action == "leave" or super().check_action(action, parameters)

    def offer_keys(self) -> None:
        """Show the keys that do something now."""
        stop = [("x", "Cancel", "screen.stop")] if self.check_action("stop", ()) else []
        leave = ("Esc or q", "Leave; the restore goes on", "screen.leave")
        self.query_one(KeyBar).show((*stop, leave))

    def stop_job(self) -> bool:
        """Stop looking; the worker, once it is there, goes on."""
        self._follower.leave()
        return super().stop_job()

    def action_stop(self) -> None:
        """Ask the worker to stop."""
        self._wanted_to_stop = True
        self.offer_keys()
        self.remark("Cancelling…")
        self._ask_to_stop()

    @work(thread=True, group="cancel", exit_on_error=False)
    def _ask_to_stop(self) -> None:
        try:
            problem = "" if self._follower.stop() else _TOO_LATE
        except KinoBackupError as error:
            problem = error.full_text
        self.post_message(CancelAnswered(problem))

    @on(CancelAnswered)
    def _answered(self, message: CancelAnswered) -> None:
        if message.problem:
            self.remark(printable(message.problem))

    def followed(self, event: JobEvent) -> None:
        """Say what the present stage asks for."""
        if event.event not in ("stage", "note"):
            return
        self.offer_keys()
        if self._wanted_to_stop:
            return
        if self.board.running is Stage.WAITING_FOR_KINO:
            note = printable(self.board.note)
            self.remark(f"{note[0].upper()}{note[1:]}." if note else _STOP_KINO)
        else:
            super().followed(event)
