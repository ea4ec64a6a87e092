"""A running job: its stages with their clocks, one bar, and the key that stops it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from kino_backup_tui.core.progress import Control, JobEvent
from kino_backup_tui.presentation.text import printable
from kino_backup_tui.tui.jobs import Job, run_job
from kino_backup_tui.tui.messages import JobFailed, JobFinished, JobProgressed
from kino_backup_tui.tui.screens.base import KinoScreen
from kino_backup_tui.tui.stages import StageBoard, bar_text
from kino_backup_tui.tui.widgets.key_bar import KeyBar
from kino_backup_tui.tui.widgets.lines import Line
from kino_backup_tui.tui.widgets.stage_lines import StageLines

_AMOUNT_WIDTH = 20
"""Cells for "10.3 MB of 18.0 MB", so that the bar keeps its length while the numbers grow."""

JobEnd = JobFinished | JobFailed


class ProgressScreen(KinoScreen[JobEnd | None]):
    """Runs one job and closes with its end, or None if a bug ended it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "stop", "Cancel", id="job.stop", tooltip="Stop; what was written is removed"),
        Binding(
            "escape,q,n",
            "leave",
            "Stop watching",
            id="job.leave",
            tooltip="Back to the list; the job goes on",
        ),
    ]

    def __init__(self, job: Job, now: Callable[[], datetime]) -> None:
        super().__init__()
        self.job = job
        self.board = StageBoard(job.operation)
        self.control = Control(report=self._report)
        self._now = now

    def compose(self) -> ComposeResult:
        """Title, stages, bar, notes, keys."""
        yield Line(id="job-title")
        yield StageLines(id="job-stages")
        yield Line(id="job-bar")
        yield Static(id="job-remark")
        yield Static(id="job-note")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Start the job."""
        self.query_one("#job-title", Line).left = self.job.title
        elsewhere = "It runs in another process and goes on when you leave."
        self.query_one("#job-note", Static).update(
            Content(self.job.note or (elsewhere if self.job.watched else ""))
        )
        self.offer_keys()
        self.call_after_refresh(self.draw)  # the bar is as long as there is room, which is known then
        self.set_interval(1.0, self.draw)
        self._run()

    def on_unmount(self) -> None:
        """However the screen goes, nothing is left running behind it."""
        if self.job.stoppable:
            self.control.cancel.cancel()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A job of another process can be left, one of our own can be stopped."""
        own = not self.job.watched
        return {"stop": own and self.job.stoppable, "leave": self.job.watched}.get(action, True)

    def offer_keys(self) -> None:
        """Show the keys that do something now."""
        keys = (("x", "Cancel", "screen.stop"), ("Esc or q", "Stop watching", "screen.leave"))
        self.query_one(KeyBar).show(
            key for key in keys if self.check_action(key[2].removeprefix("screen."), ())
        )

    def remark(self, text: str) -> None:
        """Say something about the running stage, below the bar."""
        self.query_one("#job-remark", Static).update(Content(text))

    def stop_job(self) -> bool:
        """Ask the job to stop; the screen closes when it has cleaned up."""
        if not self.job.stoppable:
            self.remark("This cannot be stopped half-way. It ends by itself.")
            return True
        self.control.cancel.cancel()
        if not self.job.watched:
            self.remark("Cancelling: removing what was written…")
        return True

    def action_stop(self) -> None:
        """Stop the job."""
        self.stop_job()

    def action_leave(self) -> None:
        """Stop watching a job that goes on elsewhere."""
        self.stop_job()

    @work(thread=True, exclusive=True, group="job", exit_on_error=False)
    def _run(self) -> None:
        run_job(self.job, self.control, self.post_message)

    def _report(self, event: JobEvent) -> None:
        self.post_message(JobProgressed(event))

    @on(JobProgressed)
    def _follow(self, message: JobProgressed) -> None:
        self.board.apply(message.event)
        if message.event.event == "progress":
            self._draw_bar()
        else:
            self.draw()
        self.followed(message.event)

    def followed(self, event: JobEvent) -> None:
        """Say below what an event means: a note for which its line has no room is told in full."""
        if event.event in ("stage", "note"):
            note = printable(self.board.note)
            self.remark(note if note and self.query_one(StageLines).cuts(note) else "")

    @on(JobFinished)
    @on(JobFailed)
    def _end(self, message: JobEnd) -> None:
        self.dismiss(message)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A bug ends the job, and nothing else would close this screen.

        Textual calls the handler of the base class as well, which shows the bug.
        """
        if event.state is WorkerState.ERROR:
            self.dismiss(None)

    def draw(self) -> None:
        """Draw the stages as they are now."""
        self.query_one(StageLines).show(self.board.lines(self._now()))
        self._draw_bar()

    def _draw_bar(self) -> None:
        bar = self.query_one("#job-bar", Line)
        amount = self.board.amount()
        bar.left = bar_text(self.board.fraction(), bar.size.width - _AMOUNT_WIDTH - 4)
        bar.right = f"{amount:>{_AMOUNT_WIDTH}}"
