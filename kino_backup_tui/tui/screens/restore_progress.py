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
from kino_backup_tui.tui.jobs import Job
from kino_backup_tui.tui.screens.progress import ProgressScreen
from kino_backup_tui.tui.widgets.key_bar import KeyBar
from kino_backup_tui.tui.widgets.stage_lines import StageLines

GOES_ON = "You may close this terminal: the restore goes on. `kino-backup-tui watch` shows it again."
_TOO_LATE = "It is too late to cancel: the restore goes on to its end."


@dataclass
class CancelAnswered(Message, bubble=False):
    """What the worker said when it was asked to stop."""

    stops: bool


class RestoreProgressScreen(ProgressScreen):
    """Follows the worker; `cancel` asks the job of an id to stop and says whether it still can."""

    def __init__(
        self, job: Job, now: Callable[[], datetime], cancel: Callable[[str], bool], pid: int | None
    ) -> None:
        super().__init__(job, now)
        self._cancel = cancel
        self._pid = pid
        self._id = ""
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

    def action_stop(self) -> None:
        """Ask the worker to stop, or remember to once it is known which one it is."""
        self._wanted_to_stop = True
        self.offer_keys()
        self.remark("Cancelling…")
        if self._id:
            self._ask_to_stop(self._id)

    @work(thread=True, group="cancel", exit_on_error=False)
    def _ask_to_stop(self, job: str) -> None:
        try:
            stops = self._cancel(job)
        except KinoBackupError:  # such as a worker that has just ended: its end says the rest
            stops = False
        self.post_message(CancelAnswered(stops))

    @on(CancelAnswered)
    def _answered(self, message: CancelAnswered) -> None:
        if not message.stops:
            self.remark(_TOO_LATE)

    def followed(self, event: JobEvent) -> None:
        """Learn which job it is, and say what the present stage asks for."""
        if not self._id:
            self._id = event.job
            if self._wanted_to_stop:
                self._ask_to_stop(event.job)
        if event.event not in ("stage", "note"):
            return
        self.offer_keys()
        if self.board.running is Stage.WAITING_FOR_KINO:
            process = f" (process {self._pid})" if self._pid else ""
            self.remark(f"Stop Kino{process} now. The restore goes on by itself once it has ended.")
        elif not self._wanted_to_stop:
            note = printable(self.board.note)
            self.remark(note if note and self.query_one(StageLines).cuts(note) else "")
