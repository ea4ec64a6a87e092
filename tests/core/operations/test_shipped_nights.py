"""run-due beside a Kino 0.3 that runs its schedule by itself: what Kino has missed, and nothing else."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kino_backup_tui.core.catalog.retention import FateReason
from kino_backup_tui.core.errors import BusyError, InvalidSettingsError, NotFoundError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.listing import list_backups
from kino_backup_tui.core.operations.prune import prune
from kino_backup_tui.core.operations.run_due import DueOutcome, DueRun, run_due
from kino_backup_tui.core.operations.schedule import read_schedule
from kino_backup_tui.core.operations.session import open_session
from kino_backup_tui.core.operations.status import read_status
from kino_backup_tui.core.progress import Control
from tests.fakes import FakeClock

RESTORING = """
import sys
from pathlib import Path
from kino_backup_tui.core.clock import SystemClock
from kino_backup_tui.core.jobs.job import run_job
from kino_backup_tui.core.kino.home import KINO_0_3, Kino
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.workspace import workspace_of
with run_job(workspace_of(Kino(Path(sys.argv[1]), KINO_0_3)), sys.argv[2], SystemClock(), Control()):
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def wake(shipped_context: Context) -> Callable[[str], DueRun]:
    """Have the timer wake the program at an instant of UTC."""

    def wake_at(text: str) -> DueRun:
        at(shipped_context.clock, text)
        return run_due(shipped_context, Control(wait_seconds=0))

    return wake_at


def at(clock: object, text: str) -> None:
    """Set the clock, in UTC."""
    assert isinstance(clock, FakeClock)
    clock.instant = datetime.fromisoformat(text).replace(tzinfo=UTC)


def change(kino: Kino, sql: str) -> None:
    """Change the database by hand."""
    with closing(sqlite3.connect(kino.database)) as connection, connection:
        connection.execute(sql)


def archives(kino: Kino) -> list[str]:
    """Names of the archives."""
    return sorted(path.name for path in kino.default_location.glob("kino-backup-*"))


def tree(folder: Path) -> dict[Path, tuple[int, int]]:
    """Every file with its time of change and size; SQLite's own two come and go with those who look."""
    files = [path for path in folder.rglob("*") if path.name not in ("kino.db-wal", "kino.db-shm")]
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in files}


def test_what_kino_makes_in_its_window_is_not_made_again_and_nothing_is_written(
    wake: Callable[[str], DueRun],
    shipped: Kino,
    clock: FakeClock,
    back_up_as_kino: Callable[..., Path],
) -> None:
    """Ninety-six wakings a day leave no trace, and do not look at the location."""
    at(clock, "2026-04-27T03:00:12")
    back_up_as_kino(BackupKind.SCHEDULED)
    before = tree(shipped.data_path)
    shipped.default_location.rename(shipped.data_path / "asleep")

    for time in ("03:15", "04:45", "23:45"):
        run = wake(f"2026-04-27T{time}")
        assert run.outcome is DueOutcome.NOT_DUE
        assert run.next_run is not None
        assert run.next_run.isoformat() == "2026-04-28T05:00:00+02:00"

    (shipped.data_path / "asleep").rename(shipped.default_location)
    assert tree(shipped.data_path) == before


def test_the_window_is_left_to_kino_and_made_up_for_after_it(
    wake: Callable[[str], DueRun], shipped: Kino, clock: FakeClock, back_up_as_kino: Callable[..., Path]
) -> None:
    """With half an hour for one that Kino began at its end; and Kino counts what was made up."""
    at(clock, "2026-04-26T03:00:12")
    back_up_as_kino(BackupKind.SCHEDULED)

    assert wake("2026-04-27T03:30").outcome is DueOutcome.NOT_DUE
    assert wake("2026-04-27T04:15").outcome is DueOutcome.NOT_DUE
    run = wake("2026-04-27T04:30")
    assert run.outcome is DueOutcome.MADE
    assert run.slot is not None
    assert run.slot.astimezone(UTC) == datetime(2026, 4, 27, 3, tzinfo=UTC)
    assert run.next_run is not None
    assert run.next_run.astimezone(UTC) == datetime(2026, 4, 28, 3, 30, tzinfo=UTC)
    assert wake("2026-04-27T04:45").outcome is DueOutcome.NOT_DUE

    with closing(sqlite3.connect(shipped.database)) as connection:
        rows = connection.execute("SELECT kind, filename FROM backup ORDER BY created_at").fetchall()
    assert rows == [("scheduled", name) for name in archives(shipped)]


def test_an_archive_that_kino_does_not_list_is_read_once_and_counts(
    wake: Callable[[str], DueRun], shipped: Kino, clock: FakeClock, back_up_as_kino: Callable[..., Path]
) -> None:
    """Its name does not say that it was scheduled, and after a restore its row is gone."""
    at(clock, "2026-04-27T03:00:12")
    back_up_as_kino(BackupKind.SCHEDULED)
    change(shipped, "DELETE FROM backup")
    assert wake("2026-04-27T04:30").outcome is DueOutcome.NOT_DUE
    assert len(archives(shipped)) == 1

    at(clock, "2026-04-28T03:00:12")
    back_up_as_kino(BackupKind.MANUAL)
    change(shipped, "DELETE FROM backup")
    assert wake("2026-04-28T04:30").outcome is DueOutcome.MADE


def test_weekly_is_made_up_for_six_days_after_the_last(
    wake: Callable[[str], DueRun], shipped: Kino, clock: FakeClock, back_up_as_kino: Callable[..., Path]
) -> None:
    """Whatever the day of the week."""
    change(shipped, "UPDATE config SET backup_schedule = 'weekly'")
    at(clock, "2026-04-27T03:00:12")
    back_up_as_kino(BackupKind.SCHEDULED)
    for day in (28, 29, 30):
        assert wake(f"2026-04-{day}T12:00").outcome is DueOutcome.NOT_DUE
    assert wake("2026-05-02T12:00").outcome is DueOutcome.NOT_DUE
    assert wake("2026-05-03T12:00").outcome is DueOutcome.MADE


@pytest.mark.parametrize("schedule", ["off", "cron:0 3 * * *", ""])
def test_what_kino_takes_for_off_is_off(wake: Callable[[str], DueRun], shipped: Kino, schedule: str) -> None:
    """Whatever the box says."""
    change(shipped, f"UPDATE config SET backup_schedule = '{schedule}', backup_enabled = 1")
    run = wake("2026-04-27T12:00")
    assert (run.outcome, run.next_run) == (DueOutcome.OFF, None)


def test_a_time_that_kino_cannot_read_is_told_and_makes_nothing(
    wake: Callable[[str], DueRun], shipped: Kino
) -> None:
    """Kino itself stays silent about it, for good."""
    change(shipped, "UPDATE config SET backup_time = '3 pm'")
    run = wake("2026-04-27T12:00")
    assert isinstance(run.problem, InvalidSettingsError)
    assert "without which Kino makes no scheduled backup" in run.problem.message
    assert not archives(shipped)


def test_without_a_database_the_run_fails_and_the_list_goes_on(
    wake: Callable[[str], DueRun],
    shipped: Kino,
    shipped_context: Context,
    back_up_as_kino: Callable[..., Path],
) -> None:
    """Settings that cannot be read are a problem of the schedule, and of nothing else."""
    back_up_as_kino(BackupKind.MANUAL)
    shipped.database.unlink()
    assert isinstance(wake("2026-04-27T12:00").problem, NotFoundError)
    assert len(list_backups(shipped_context).backups) == 1


def test_retention_leaves_all_where_kino_keeps_all(
    wake: Callable[[str], DueRun], shipped: Kino, shipped_context: Context
) -> None:
    """A count of nothing is no order to remove everything."""
    change(shipped, "UPDATE config SET backup_retention_count = 0")
    for day in (27, 28, 29):
        assert wake(f"2026-04-{day}T12:00").outcome is DueOutcome.MADE
    assert len(archives(shipped)) == 3
    fates = list_backups(shipped_context).fates.values()
    assert {fate.reason for fate in fates} == {FateReason.COUNTED}


def test_what_kino_made_by_itself_is_left_to_kino(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """It removes its own, and tells by its list which; no prune of ours does."""
    back_up_as_kino(BackupKind.SCHEDULED)
    back_up_as_kino(BackupKind.SCHEDULED)
    change(shipped, "UPDATE config SET backup_retention_count = 1")
    fates = list_backups(shipped_context).fates.values()
    assert [fate.reason for fate in fates] == [FateReason.COUNTED, FateReason.NEXT_TO_GO_BY_KINO]
    assert prune(shipped_context, Control()).removed == ()
    assert len(archives(shipped)) == 2


@pytest.mark.parametrize("operation", ["restore", "rollback", "apply"])
def test_a_database_that_is_being_replaced_is_not_opened_for_its_settings(
    shipped: Kino, shipped_context: Context, operation: str
) -> None:
    """The swap waits for everybody who has it open, and a reader could leave files beside it."""
    command = [sys.executable, "-c", RESTORING, str(shipped.data_path), operation]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
        before = sorted(path.name for path in shipped.data_path.iterdir())
        session = open_session(shipped_context)
        assert isinstance(session.settings_problem, BusyError)
        assert isinstance(read_status(shipped_context).settings_problem, BusyError)
        assert sorted(path.name for path in shipped.data_path.iterdir()) == before
        worker.communicate("")
    assert open_session(shipped_context).settings_problem is None


def test_nobody_is_alarmed_by_a_schedule_that_may_have_been_changed_just_now(
    shipped: Kino, shipped_context: Context, clock: FakeClock, back_up_as_kino: Callable[..., Path]
) -> None:
    """The row does not tell since when it says what it says; a Kino that is down is another matter."""
    at(clock, "2026-04-20T03:00:12")
    back_up_as_kino(BackupKind.SCHEDULED)
    at(clock, "2026-04-27T12:00")
    holder = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT 1 FROM config')"
    command = [sys.executable, "-c", f"{holder}; print('ready', flush=True); sys.stdin.read()"]
    with subprocess.Popen(
        [*command, str(shipped.database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as kino:
        assert kino.stdout is not None
        assert kino.stdout.readline() == "ready\n"
        status = read_status(shipped_context)
        assert status.kino.running
        assert not status.unattended
        kino.communicate("")
    assert read_schedule(shipped_context).runs
