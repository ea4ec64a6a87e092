"""The story of a job as text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from kino_backup_tui.core.progress import JobEvent, Stage
from kino_backup_tui.tui.stages import StageBoard, bar_text

START = datetime(2026, 4, 26, 9, 0, tzinfo=UTC)


def event(
    kind: str, seconds: float, stage: Stage | None = None, done: int = 0, *, note: str = "", outcome: str = ""
) -> JobEvent:
    """An event that many seconds after the start."""
    total = 1024 if done else None
    at = START + timedelta(seconds=seconds)
    return JobEvent(kind, "j", "export", at, stage, done, total, outcome or None, note=note)


def signs(board: StageBoard) -> str:
    """The sign of each stage, in order."""
    return "".join(line[0] for line in board.lines(START))


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


def test_a_note_stays_with_its_stage_and_a_later_one_replaces_it() -> None:
    """What a stage has found can be read after it."""
    board = StageBoard("restore")

    board.apply(event("stage", 0, Stage.CHECKING_ARCHIVE))
    board.apply(event("note", 1, Stage.CHECKING_ARCHIVE, note="reading"))
    board.apply(event("note", 1, Stage.CHECKING_ARCHIVE, note="4 files\x1b"))
    board.apply(event("stage", 2, Stage.STAGING))

    first, second, *_ = board.lines(START)
    assert first.endswith("2.0 s   4 files\\x1b")
    assert second.startswith("● Staging")
    assert "4 files" not in second


def test_a_stage_that_was_left_out_is_neither_done_nor_to_come() -> None:
    """Such as the safety backup of somebody who does without."""
    board = StageBoard("rollback")

    board.apply(event("stage", 0, Stage.STOPPING))

    assert signs(board) == "–●···"


def test_the_stage_that_led_to_rolling_back_is_the_one_that_failed() -> None:
    """What follows it was done, and what would have followed is no longer promised."""
    board = StageBoard("rollback")

    for second, stage in enumerate((Stage.SAFETY_BACKUP, Stage.STOPPING, Stage.SWAPPING)):
        board.apply(event("stage", second, stage))
    board.apply(event("stage", 3, Stage.ROLLING_BACK))
    board.apply(event("stage", 4, Stage.RESTARTING))
    board.apply(event("end", 5, Stage.RESTARTING, outcome="rolled_back"))

    assert signs(board) == "✓✓✗✓✓"


def test_an_end_that_is_an_error_marks_the_running_stage() -> None:
    """It is the one that failed."""
    board = StageBoard("export")

    board.apply(event("stage", 0, Stage.COPYING))
    board.apply(event("end", 1, Stage.COPYING, outcome="no_space"))

    assert signs(board) == "✗·"


def test_a_kino_that_a_person_stops_is_not_promised_a_start() -> None:
    """Nobody but that person starts it."""
    board = StageBoard("rollback")

    board.apply(event("stage", 0, Stage.WAITING_FOR_KINO))

    assert [line.split()[1] for line in board.lines(START)] == ["Waiting", "Safety", "Stopping", "Swapping"]
    assert not board.final


def test_a_second_safety_backup_is_the_same_stage_again() -> None:
    """It runs anew where it stands, and nothing that came since is undone on the screen."""
    board = StageBoard("rollback")

    board.apply(event("stage", 0, Stage.SAFETY_BACKUP))
    board.apply(event("stage", 1, Stage.STOPPING))
    board.apply(event("stage", 2, Stage.SAFETY_BACKUP))

    assert signs(board) == "●✓···"
    assert board.final
