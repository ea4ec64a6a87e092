"""The story of a job as lines of text: stages done, running and to come, each with its clock."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kino_backup_tui.core.progress import OPERATION_STAGES, JobEvent, Stage
from kino_backup_tui.presentation import text

_NAME_WIDTH = 32


@dataclass(frozen=True, slots=True)
class _Step:
    stage: Stage
    began: datetime | None = None
    took: timedelta | None = None


class StageBoard:
    """Follows the events of one job."""

    def __init__(self, operation: str) -> None:
        self._steps = [_Step(stage) for stage in OPERATION_STAGES.get(operation, ())]
        self._event: JobEvent | None = None

    def apply(self, event: JobEvent) -> None:
        """Take one event in; events come in their order."""
        self._event = event
        if event.event == "end":
            self._close(event.at)
        elif event.stage is not None and not self._running(event.stage):
            self._close(event.at)
            self._open(event.stage, event.at)

    def lines(self, now: datetime) -> list[str]:
        """One line a stage."""
        return [_line(step, now) for step in self._steps]

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
        done = text.size_text(event.done_bytes)
        return f"{done} of {text.size_text(event.total_bytes)}" if event.total_bytes else done

    def _running(self, stage: Stage) -> bool:
        return any(step.stage is stage and step.began and step.took is None for step in self._steps)

    def _open(self, stage: Stage, at: datetime) -> None:
        for index, step in enumerate(self._steps):
            if step.stage is stage:
                self._steps[index] = _Step(stage, began=at)
                return
        # A stage nobody announced, such as waiting for the lock: it belongs before those still to come.
        done = sum(step.began is not None for step in self._steps)
        self._steps.insert(done, _Step(stage, began=at))

    def _close(self, at: datetime) -> None:
        self._steps = [
            replace(step, took=at - step.began) if step.began and step.took is None else step
            for step in self._steps
        ]


def _line(step: _Step, now: datetime) -> str:
    name = f"{text.STAGE_NAMES[step.stage]:<{_NAME_WIDTH}}"
    if step.began is None:
        return f"· {name}".rstrip()
    if step.took is not None:
        return f"✓ {name}{_seconds(step.took):>9}"
    return f"● {name}{_seconds(now - step.began):>9}"


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
