"""The story of a job as text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from kino_backup_tui.core.progress import JobEvent, Stage
from kino_backup_tui.tui.stages import StageBoard, bar_text

START = datetime(2026, 4, 26, 9, 0, tzinfo=UTC)


def event(kind: str, seconds: float, stage: Stage | None = None, done: int = 0) -> JobEvent:
    """An event that many seconds after the start."""
    total = 1024 if done else None
    return JobEvent(kind, "j", "export", START + timedelta(seconds=seconds), stage, done, total)


def test_stages_are_done_running_and_to_come() -> None:
    """Each stage has its sign, and a clock once it has begun."""
    board = StageBoard("export")

    board.apply(event("stage", 0, Stage.COPYING))
    board.apply(event("stage", 1.5, Stage.READING_BACK))

    done, running = board.lines(START + timedelta(seconds=2))
    assert done.split() == ["✓", "Copying", "1.5", "s"]
    assert running.split() == ["●", "Reading", "back", "0.5", "s"]


def test_a_stage_nobody_announced_comes_before_those_that_follow() -> None:
    """Waiting for the lock is shown where it happens."""
    board = StageBoard("export")

    board.apply(event("stage", 0, Stage.WAITING))

    assert [line.split()[0] for line in board.lines(START)] == ["●", "·", "·"]


def test_a_reading_moves_the_bar() -> None:
    """Bytes done and to do make a fraction, and words."""
    board = StageBoard("export")

    board.apply(event("progress", 1, Stage.COPYING, 512))

    assert board.fraction() == 0.5
    assert board.amount() == "512 B of 1.0 KB"
    assert bar_text(board.fraction(), 16) == "━━━━━─────  50 %"


def test_without_a_total_the_bar_is_empty() -> None:
    """Nobody knows how much is to do: no percentage is made up."""
    assert bar_text(None, 16) == "─" * 10
