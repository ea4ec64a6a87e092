"""Core values as text."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kino_backup_tui.core.catalog.retention import Fate, FateReason
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus, EntryRole
from kino_backup_tui.core.progress import Stage
from kino_backup_tui.presentation.text import (
    NOT_KNOWN,
    STAGE_NAMES,
    age_text,
    ago_text,
    date_text,
    day_text,
    delete_question,
    duration_text,
    fate_text,
    library_text,
    printable,
    run_text,
)

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 4, 26, 9, 0, tzinfo=UTC)
BACKUP = Backup(
    path=Path("/b/kino-backup-manual-2026-04-26T03-00-00-v0.4.2.tar.gz"),
    id=1,
    role=EntryRole.BACKUP,
    status=BackupStatus.VERIFIED,
    size_bytes=1,
    kind=BackupKind.MANUAL,
    created_at=NOW,
)


@pytest.mark.parametrize(
    ("seconds", "age", "ago"),
    [
        (0, "now", "just now"),
        (59, "now", "just now"),
        (60, "1 min", "1 min ago"),
        (3600 * 6 + 5, "6 h", "6 h ago"),
        (86400 * 2, "2 d", "2 d ago"),
        (-30, "now", "just now"),
        (-3600, "in future", "in the future"),
    ],
)
def test_ages_are_in_one_unit(seconds: int, age: str, ago: str) -> None:
    """Short for the table, a phrase for sentences; a clock that was ahead is not hidden."""
    then = NOW - timedelta(seconds=seconds)

    assert (age_text(then, NOW), ago_text(then, NOW)) == (age, ago)


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(hours=5, minutes=12), "5 h 12 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(days=1, hours=3), "1 d 3 h"),
        (timedelta(days=9, hours=3), "9 d"),
        (timedelta(seconds=40), "40 s"),
        (timedelta(seconds=-5), "0 s"),
    ],
)
def test_spans_have_two_units_at_most(span: timedelta, text: str) -> None:
    """The next run is in so many hours and minutes; days need no minutes."""
    assert duration_text(span) == text


def test_a_run_shows_the_offset_of_its_day() -> None:
    """The day the clock changes is visible by its offset."""
    runs = [datetime(2026, 10, day, 2, 0, tzinfo=UTC) for day in (24, 25)]

    assert [run_text(run, BERLIN) for run in runs] == ["Sat 24 Oct 04:00 +0200", "Sun 25 Oct 03:00 +0100"]


@pytest.mark.parametrize(
    ("then", "zone"),
    [
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=14))), BERLIN),
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))), BERLIN),
        (datetime.min.replace(tzinfo=UTC), timezone(timedelta(hours=-5))),
    ],
)
def test_the_ends_of_the_calendar_are_not_known(then: datetime, zone: tzinfo) -> None:
    """A manifest may claim a date that has no day in the host's zone; its age can still be told."""
    assert date_text(then, zone) == run_text(then, zone) == day_text(then, zone) == NOT_KNOWN
    assert age_text(then, NOW) == ("in future" if then > NOW else f"{(NOW - then).days} d")


def test_one_film_is_not_one_films() -> None:
    """Counts agree with their nouns, and thousands are grouped."""
    assert (
        library_text({"film": 1, "series": 2, "watch_event": 1204})
        == "1 film · 2 series · 1,204 watch events"
    )
    assert library_text({}) == ""


@pytest.mark.parametrize("reason", [reason for reason in FateReason if reason is not FateReason.COUNTED])
def test_every_fate_has_a_sentence(reason: FateReason) -> None:
    """Why it is kept, or when it goes, is a whole sentence for each reason."""
    text = fate_text(Fate(reason, keep=7), BERLIN)

    assert text[0].isupper()
    assert text.endswith(".")


def test_a_counted_backup_says_its_place_and_its_day() -> None:
    """The newest has no number, the others do."""
    fate = Fate(FateReason.COUNTED, 1, 7, datetime(2026, 5, 3, 1, 0, tzinfo=UTC))

    assert fate_text(fate, BERLIN) == "Kept: newest of 7 · goes on 3 May."
    assert fate_text(fate._replace(rank=4, goes_at=None), BERLIN) == "Kept: number 4 of 7."


def test_every_stage_has_a_name() -> None:
    """A stage without words would be shown as a bare key."""
    assert set(STAGE_NAMES) == {stage.value for stage in Stage}


def test_a_recovery_point_is_asked_for_in_other_words() -> None:
    """Deleting the way back is not the same as deleting a copy."""
    assert delete_question(BACKUP, BERLIN) == "Delete the manual backup of 2026-04-26 11:00?"
    assert "recovery point" in delete_question(replace(BACKUP, kind=BackupKind.PRE_RESTORE), BERLIN)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a b [x] ü 日本.tar.gz", "a b [x] ü 日本.tar.gz"),
        ("\x1b[2J\n", "\\x1b[2J\\n"),
        ("\u202egz.exe", "\\u202egz.exe"),
        ("\udcff", "\\udcff"),
    ],
)
def test_control_characters_are_shown_not_sent(name: str, shown: str) -> None:
    """A file name can neither clear the screen nor turn the reading direction."""
    assert printable(name) == shown
