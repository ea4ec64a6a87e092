"""Whether anybody runs the schedule: an alarm only where there is proof."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from kino_backup_tui.core.errors import NoSpaceError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.settings import BackupSettings, Frequency
from kino_backup_tui.core.models import Backup, BackupKind
from kino_backup_tui.core.operations.attendance import Evidence, is_unattended
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.failing import note_failure
from kino_backup_tui.core.operations.status import read_status
from kino_backup_tui.core.timers.base import Runner
from kino_backup_tui.core.timetable import DocumentedTimetable
from kino_backup_tui.core.workspace import workspace_of
from tests.fakes import FakeClock

ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 4, 26, 9, 30, tzinfo=ZONE)
LAST_NIGHT = datetime(2026, 4, 26, 3, 0, tzinfo=ZONE)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
NONE = Runner("none", "", active=False, text="nothing runs the schedule")
TIMER = Runner("systemd", "kino-backup-tui.timer", active=True, text="kino-backup-tui.timer")
STOPPED = TIMER._replace(active=False)
DAY = timedelta(days=1)


HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT count(*) FROM film").fetchone()
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def running_kino(kino: Kino) -> Iterator[None]:
    """Another process that holds the database open."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, kino.database], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        yield
        process.kill()


def unattended(
    *,
    runner: Runner = NONE,
    running: bool | None = True,
    last_slot: datetime | None = None,
    served: tuple[datetime, ...] = (),
    since: datetime | None = LONG_AGO,
    settings: BackupSettings | None = None,
    now: datetime = NOW,
) -> bool:
    """The judgement at half past nine, with a daily slot at three."""
    evidence = Evidence(runner, running, last_slot, served, since)
    return is_unattended(settings or BackupSettings(), DocumentedTimetable(ZONE), now, evidence)


@pytest.mark.parametrize("running", [True, False, None])
def test_an_active_timer_is_enough(running: bool | None) -> None:
    """Whatever Kino does, and before the first night."""
    assert not unattended(runner=TIMER, running=running)


@pytest.mark.parametrize("running", [True, False, None])
def test_a_stopped_timer_is_none(running: bool | None) -> None:
    """It will not wake anybody."""
    assert unattended(runner=STOPPED, running=running)


def test_a_running_kino_whose_archives_arrive_is_enough() -> None:
    """It schedules by itself: no timer is needed."""
    assert not unattended(served=(LAST_NIGHT + timedelta(seconds=40),))


def test_a_running_kino_that_has_missed_a_night_is_not() -> None:
    """Yesterday's is there, last night's is not."""
    assert unattended(served=(LAST_NIGHT - DAY,))


def test_a_night_is_missed_only_after_some_patience() -> None:
    """A backup of a large library, or a disk that wakes up, takes its time."""
    served = (LAST_NIGHT - DAY,)
    assert not unattended(served=served, now=LAST_NIGHT + timedelta(minutes=119))
    assert unattended(served=served, now=LAST_NIGHT + timedelta(hours=2))


def test_a_backup_that_came_late_but_within_the_patience_counts() -> None:
    """At the very moment at which it would have been missed."""
    late = LAST_NIGHT + timedelta(minutes=90)
    assert not unattended(served=(late,), now=LAST_NIGHT + timedelta(hours=2))


def test_a_backup_of_the_future_proves_nothing() -> None:
    """The clock was ahead once."""
    assert unattended(served=(LAST_NIGHT - DAY, NOW + 300 * DAY))


def test_a_kino_that_is_down_runs_nothing() -> None:
    """However good the last nights were."""
    assert unattended(running=False, served=(LAST_NIGHT,))


def test_a_kino_that_is_down_is_no_matter_where_run_due_is_called() -> None:
    """From cron, or by a container that this host knows nothing of: the slot was dealt with."""
    assert not unattended(running=False, last_slot=LAST_NIGHT)
    assert unattended(running=False, last_slot=LAST_NIGHT - DAY)


def test_nobody_knows_whether_kino_runs() -> None:
    """An ordinary user on a host that hides processes: only a missed night is proof."""
    assert not unattended(running=None, served=(LAST_NIGHT,))
    assert unattended(running=None, served=(LAST_NIGHT - DAY,))


def test_a_fresh_kino_has_missed_nothing() -> None:
    """Without any backup, and with a first one that is younger than the slot."""
    assert not unattended(since=None)
    assert not unattended(since=LAST_NIGHT + timedelta(hours=1))
    assert unattended(since=LAST_NIGHT - timedelta(hours=1))


@pytest.mark.parametrize("settings", [BackupSettings(enabled=False), BackupSettings(frequency=Frequency.OFF)])
def test_a_schedule_that_is_off_needs_nobody(settings: BackupSettings) -> None:
    """There is nothing to run."""
    assert not unattended(running=False, settings=settings)


def test_a_weekly_schedule_waits_for_sunday() -> None:
    """26 April 2026 is one: last week's backup serves until then, and no longer."""
    weekly = BackupSettings(frequency=Frequency.WEEKLY)
    last_week = LAST_NIGHT - 7 * DAY
    assert not unattended(settings=weekly, served=(last_week,), now=NOW - DAY)
    assert unattended(settings=weekly, served=(last_week,))


@pytest.mark.usefixtures("running_kino")
def test_a_manual_backup_does_not_serve_a_slot(
    context: Context, kino: Kino, create: Callable[..., Backup], clock: FakeClock
) -> None:
    """A Kino that has been backed up by hand for days, and never by itself, is attended by nobody."""
    create(BackupKind.MANUAL)
    os.utime(kino.config_file, (0, 0))
    clock.advance(days=2)
    create(BackupKind.MANUAL)
    status = read_status(context)
    assert (status.kino.running, status.unattended) == (True, True)

    create(BackupKind.SCHEDULED)
    assert not read_status(context).unattended


@pytest.mark.usefixtures("running_kino")
def test_a_schedule_that_was_changed_just_now_has_missed_nothing(
    context: Context, kino: Kino, create: Callable[..., Backup], clock: FakeClock
) -> None:
    """The slot that has passed may not have been one before."""
    create(BackupKind.MANUAL)
    clock.advance(days=2)
    os.utime(kino.config_file, (clock.now().timestamp(), clock.now().timestamp()))

    assert not read_status(context).unattended


def test_a_series_of_failures_is_told_until_a_good_backup_follows(
    context: Context, create: Callable[..., Backup], clock: FakeClock
) -> None:
    """Of whatever kind: who has made room and pressed b has a backup again."""
    create(BackupKind.SCHEDULED)
    clock.advance(days=1)
    error = NoSpaceError("No space left.", hint="Make room.")
    workspace = workspace_of(context.kino)
    note_failure(workspace, error, now=clock.now(), night="2026-04-27", given_up=None)
    clock.advance(hours=1)

    failing = read_status(context).failing
    assert failing is not None
    assert (failing.nights, failing.message) == (1, "No space left.")

    create(BackupKind.PRE_RESTORE)
    assert read_status(context).failing is not None
    create(BackupKind.MANUAL)
    assert read_status(context).failing is None
