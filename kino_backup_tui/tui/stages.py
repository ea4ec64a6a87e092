"""The story of a job as lines of text: stages done, running and to come, each with its clock and its note."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kino_backup_tui.core.progress import OPERATION_STAGES, RESTORING, JobEvent, Stage
from kino_backup_tui.core.sizes import size_text
from kino_backup_tui.presentation import text

_NAME_WIDTH = 32
_NAME_WIDTH_BEFORE_NOTES = 24
_WITH_NOTES = RESTORING | {"move"}
"""Operations that tell what they found: the note wants the room."""
_UNDOING = frozenset({Stage.ROLLING_BACK, Stage.RESTARTING})
_FINAL = frozenset({Stage.STOPPING, Stage.SWAPPING, Stage.STARTING, Stage.CHECKING_HEALTH, *_UNDOING})
"""Once one of these has begun, a restore goes on to its end."""
_BY_HAND = {Stage.STARTING, Stage.CHECKING_HEALTH}


@dataclass(frozen=True, slots=True)
class _Step:
    stage: Stage
    began: datetime | None = None
    took: timedelta | None = None
    note: str = ""
    failed: bool = False

    @property
    def running(self) -> bool:
        return self.began is not None and self.took is None


class StageBoard:
    """Follows the events of one job."""

    def __init__(self, operation: str) -> None:
        stages = OPERATION_STAGES.get(operation, ())
        self._steps = [_Step(stage) for stage in stages]
        self._width = _NAME_WIDTH_BEFORE_NOTES if operation in _WITH_NOTES else _NAME_WIDTH
        self._event: JobEvent | None = None

    def apply(self, event: JobEvent) -> None:
        """Take one event in; events come in their order."""
        self._event = event
        if event.event == "end":
            # One that rolled back has failed earlier; what it did last, it did well.
            self._close(event.at, failed=event.outcome not in ("ok", "rolled_back"))
        elif event.stage is not None and self.running is not event.stage:
            self._close(event.at, failed=event.stage is Stage.ROLLING_BACK)
            self._open(event.stage, event.at)
        if event.event == "note":
            self._steps = [replace(step, note=event.note) if step.running else step for step in self._steps]

    @property
    def running(self) -> Stage | None:
        """The stage that runs now."""
        return next((step.stage for step in self._steps if step.running), None)

    @property
    def note(self) -> str:
        """What the running stage has found, or is waiting for; outside text."""
        return next((step.note for step in self._steps if step.running), "")

    @property
    def final(self) -> bool:
        """Whether the job has come so far that it goes on to its end."""
        return any(step.began is not None and step.stage in _FINAL for step in self._steps)

    def lines(self, now: datetime) -> list[str]:
        """One line a stage."""
        last = max((index for index, step in enumerate(self._steps) if step.began), default=-1)
        return [self._line(step, now, passed=index < last) for index, step in enumerate(self._steps)]

    def fraction(self) -> float | None:
        """How much of the running stage is done, 0 to 1; None if nobody knows."""
        event = self._event
        if event is None or not event.total_bytes:
            return None
        return min(1.0, event.done_bytes / event.total_bytes)

    def amount(self) -> str:
        """How far the running stage is, in words; empty if nobody knows."""
        event = self._event
        if event is None or not event.done_bytes:
            return ""
        done = size_text(event.done_bytes)
        return f"{done} of {size_text(event.total_bytes)}" if event.total_bytes else done

    def _open(self, stage: Stage, at: datetime) -> None:
        # What does not come any more gets no line, which would promise it: a failed restore goes no further,
        # and a Kino that a person has to stop is started and judged by a person, too.
        left_out = set(Stage) if stage in _UNDOING else _BY_HAND if stage is Stage.WAITING_FOR_KINO else set()
        self._steps = [step for step in self._steps if step.began or step.stage not in left_out]
        for index, step in enumerate(self._steps):
            if step.stage is stage and not step.failed:
                self._steps[index] = _Step(stage, began=at)
                return
        # A stage nobody announced, such as waiting for the lock: it belongs before those still to come.
        last = max((index for index, step in enumerate(self._steps) if step.began), default=-1)
        self._steps.insert(last + 1, _Step(stage, began=at))

    def _close(self, at: datetime, *, failed: bool) -> None:
        self._steps = [
            replace(step, took=at - step.began, failed=failed) if step.began and step.took is None else step
            for step in self._steps
        ]

    def _line(self, step: _Step, now: datetime, *, passed: bool) -> str:
        name = f"{text.STAGE_NAMES[step.stage]:<{self._width}}"
        note = f"   {text.printable(step.note)}" if step.note else ""
        if step.began is None:
            return f"{'–' if passed else '·'} {name}".rstrip()
        if step.took is None:
            return f"● {name}{_seconds(now - step.began):>9}{note}"
        return f"{'✗' if step.failed else '✓'} {name}{_seconds(step.took):>9}{note}"


def _seconds(span: timedelta) -> str:
    seconds = max(0.0, span.total_seconds())
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60:02} s"


def bar_text(fraction: float | None, width: int) -> str:
    """A bar of that many cells with the percentage behind it; an empty one if nobody knows."""
    cells = max(1, width - 6)
    if fraction is None:
        return "─" * cells
    full = round(fraction * cells)
    return "━" * full + "─" * (cells - full) + f"{fraction * 100:4.0f} %"
