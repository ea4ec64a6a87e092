"""The schedule in words."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from kino_backup_tui.core.timetable import Terms
from kino_backup_tui.presentation.schedule_text import clock_text

UTC_TIME = Terms(UTC, {})


@pytest.mark.parametrize(
    ("zone", "now", "text"),
    [
        ("Europe/Berlin", "2026-03-28T20:00+00:00", "UTC = 05:00 +0200"),
        ("Europe/Berlin", "2026-03-28T02:00+00:00", "UTC = 04:00 +0100"),
        ("Europe/Berlin", "2026-10-24T20:00+00:00", "UTC = 04:00 +0100"),
        ("Asia/Kolkata", "2026-03-28T20:00+00:00", "UTC = 08:30 +0530"),
        ("Australia/Lord_Howe", "2026-04-04T02:59+00:00", "UTC = 14:00 +1100"),
        ("Australia/Lord_Howe", "2026-04-04T03:00+00:00", "UTC = 13:30 +1030"),
        ("Etc/UTC", "2026-03-28T20:00+00:00", "UTC"),
    ],
)
def test_a_time_of_another_clock_stands_beside_what_it_is_here_the_next_time(
    zone: str, now: str, text: str
) -> None:
    """On the evening before a clock change that is not what it was today."""
    assert clock_text(time(3, 0), UTC_TIME, ZoneInfo(zone), datetime.fromisoformat(now)) == text
