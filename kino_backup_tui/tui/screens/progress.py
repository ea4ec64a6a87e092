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
from kino_backup_tui.tui.jobs import Job, run_job
from kino_backup_tui.tui.messages import JobFailed, JobFinished, JobProgressed
from kino_backup_tui.tui.screens.base import KinoScreen
from kino_backup_tui.tui.stages import StageBoard, bar_text
from kino_backup_tui.tui.widgets.key_bar import KeyBar
from kino_backup_tui.tui.widgets.lines import Line

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
        self._job = job
        self._now = now
        self._board = StageBoard(job.operation)
        self._control = Control(report=self._report)

    def compose(self) -> ComposeResult:
        """Title, stages, bar, keys."""
        yield Line(id="job-title")
        yield Static(id="job-stages")
        yield Line(id="job-bar")
        yield Static(id="job-note")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Start the job."""
        self.query_one("#job-title", Line).left = self._job.title
        note = "It runs in another process and goes on when you leave." if self._job.watched else ""
        self.query_one("#job-note", Static).update(Content(note))
        key = (
            ("Esc or q", "Stop watching", "screen.leave")
            if self._job.watched
            else ("x", "Cancel", "screen.stop")
        )
        self.query_one(KeyBar).show([key])
        self._draw()
        self.set_interval(1.0, self._draw)
        self._run()

    def on_unmount(self) -> None:
        """However the screen goes, nothing is left running behind it."""
        self._control.cancel.cancel()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A job of another process can be left, one of our own can be stopped."""
        return {"stop": not self._job.watched, "leave": self._job.watched}.get(action, True)

    def stop_job(self) -> bool:
        """Ask the job to stop; the screen closes when it has cleaned up."""
        self._control.cancel.cancel()
        if not self._job.watched:
            self.query_one("#job-note", Static).update(Content("Cancelling: removing what was written…"))
        return True

    def action_stop(self) -> None:
        """Stop the job."""
        self.stop_job()

    def action_leave(self) -> None:
        """Stop watching a job that goes on elsewhere."""
        self.stop_job()

    @work(thread=True, exclusive=True, group="job", exit_on_error=False)
    def _run(self) -> None:
        run_job(self._job, self._control, self.post_message)

    def _report(self, event: JobEvent) -> None:
        self.post_message(JobProgressed(event))

    @on(JobProgressed)
    def _follow(self, message: JobProgressed) -> None:
        self._board.apply(message.event)
        if message.event.event == "progress":
            self._draw_bar()
        else:
            self._draw()

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

    def _draw(self) -> None:
        self.query_one("#job-stages", Static).update(Content("\n".join(self._board.lines(self._now()))))
        self._draw_bar()

    def _draw_bar(self) -> None:
        bar = self.query_one("#job-bar", Line)
        amount = self._board.amount()
        bar.left = bar_text(self._board.fraction(), bar.size.width - _AMOUNT_WIDTH - 4)
        bar.right = f"{amount:>{_AMOUNT_WIDTH}}"
