"""How old the newest good backup is, from the files alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import ArchiveError, LocationError, UsageError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup, BackupKind
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.freshness import parse_max_age, span_text
from kino_backup_tui.core.operations.schedule import read_schedule, save_schedule
from kino_backup_tui.core.operations.status import read_status
from kino_backup_tui.core.operations.verify import verify_backup
from kino_backup_tui.core.progress import Control
from tests.fakes import FakeClock

Create = Callable[..., Backup]
DAY = timedelta(hours=26)


def reason(context: Context, max_age: timedelta = DAY) -> str:
    """Why the backups are stale; empty if they are not."""
    error = read_status(context).stale(max_age)
    return error.message if error else ""


@pytest.mark.parametrize(
    ("text", "span"),
    [("90m", timedelta(minutes=90)), ("26h", timedelta(hours=26)), ("2d", timedelta(days=2))],
)
def test_an_age_is_a_number_with_a_unit(text: str, span: timedelta) -> None:
    """Minutes, hours, days."""
    assert parse_max_age(text) == span


@pytest.mark.parametrize(
    "text", ["", "26", "h", "0h", "-1h", "1.5h", "26H", "1w", "26h 5m", "9999999d", "٢h"]
)
def test_any_other_age_is_refused_with_what_is_allowed(text: str) -> None:
    """A monitor that asks for nonsense must not be told that all is well."""
    with pytest.raises(UsageError) as caught:
        parse_max_age(text)
    assert "26h" in caught.value.hint


def test_a_backup_is_fresh_up_to_the_very_age(context: Context, create: Create, clock: FakeClock) -> None:
    """And stale a second later, in a sentence with both ages."""
    backup = create()
    clock.advance(hours=26, minutes=-1)
    assert reason(context) == ""

    clock.advance(seconds=1)
    assert reason(context) == (
        f"The newest verified backup is 1 d 2 h 1 min old, more than 1 d 2 h: {backup.filename}."
    )


def test_without_a_backup_nothing_is_fresh(context: Context) -> None:
    """A schedule that has never run is not excused."""
    assert reason(context) == "There is no verified backup of this Kino in its backup location."


def test_a_file_that_is_gone_makes_nothing_fresh(context: Context, create: Create) -> None:
    """Whatever the journal says of the run that made it."""
    create().path.unlink()

    assert "no verified backup" in reason(context)


def test_a_file_that_was_altered_since_is_not_verified(context: Context, create: Create) -> None:
    """What was proven held for other bytes."""
    backup = create()
    with backup.path.open("r+b") as stream:
        stream.seek(-9, 2)
        stream.write(b"x")

    assert "no verified backup" in reason(context)
    with pytest.raises(ArchiveError):
        verify_backup(context, backup, Control())
    assert "no verified backup" in reason(context)


def test_the_state_from_before_a_restore_is_not_fresh(context: Context, create: Create) -> None:
    """It is what somebody wanted to be rid of."""
    create(BackupKind.PRE_RESTORE)

    assert "no verified backup" in reason(context)


def test_a_backup_in_a_former_location_is_not_fresh(context: Context, create: Create, tmp_path: Path) -> None:
    """The new disk has none yet."""
    create()
    (tmp_path / "nas").mkdir()
    save_schedule(context, replace(read_schedule(context), location=str(tmp_path / "nas")), Control())

    assert "no verified backup" in reason(context)


def test_a_backup_of_the_future_is_not_fresh_and_hides_none(
    context: Context, create: Create, clock: FakeClock
) -> None:
    """A clock that was a year ahead for one night would otherwise silence the alarm for a year."""
    clock.advance(days=365)
    ahead = create()
    clock.advance(days=-365)
    error = read_status(context).stale(DAY)
    assert error is not None
    assert f"{ahead.filename} is from the future" in error.hint

    good = create()
    status = read_status(context)
    assert (status.newest_verified, status.stale(DAY)) == (good, None)


def test_another_installation_on_the_same_disk_makes_nothing_fresh(
    context: Context, kino: Kino, create: Create
) -> None:
    """Two Kinos may share a location; the one that fails must not hide behind the other."""
    create()
    (kino.data_path / ".kino-backup" / "instance").write_text("another\n")

    assert "no verified backup" in reason(context)


def test_a_lost_location_is_the_reason(context: Context, kino: Kino, create: Create) -> None:
    """The disk is what to look after."""
    create()
    kino.default_location.rename(kino.data_path / "gone")

    error = read_status(context).stale(DAY)

    assert error is not None
    assert error.message.startswith("No verified backup can be seen. Could not read the backup location ")
    assert isinstance(read_status(context).location_problem, LocationError)


def test_the_hint_names_a_newer_backup_that_is_only_unverified(
    context: Context, kino: Kino, create: Create
) -> None:
    """As Kino's own are, and all of them once the cache is gone."""
    backup = create()
    (kino.data_path / ".kino-backup" / "catalog.json").unlink()

    error = read_status(context).stale(DAY)

    assert error is not None
    assert error.hint.startswith(f"{backup.filename} is not verified")


def test_spans_are_rounded_up() -> None:
    """26 hours and a second are more than 26 hours."""
    assert span_text(timedelta(hours=26, seconds=1)) == "1 d 2 h 1 min"
    assert span_text(timedelta()) == "0 min"
