"""run-due: one backup for each slot, whatever happened to the machine meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kino_backup_tui.core.clock import SystemClock
from kino_backup_tui.core.jobs.job import run_job
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.settings import BackupSettings
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.import_ import import_backup
from kino_backup_tui.core.operations.jobs import list_jobs
from kino_backup_tui.core.operations.run_due import DueOutcome, DueRun, run_due
from kino_backup_tui.core.operations.schedule import save_schedule
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.workspace import workspace_of
from tests.conftest import write_database
from tests.core.archive.archives import honest
from tests.core.operations.waking import archives, at, by_kino, nights
from tests.fakes import FakeClock


def tree(folder: Path) -> dict[Path, tuple[int, int]]:
    """Every file below a folder with its time of change and size."""
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")}


def test_a_new_installation_gets_its_first_backup_at_once(wake: Callable[[], DueRun], kino: Kino) -> None:
    """The slot of last night was missed, and is made up for."""
    run = wake()

    assert run.outcome is DueOutcome.MADE
    assert run.slot is not None
    assert run.slot.isoformat() == "2026-04-26T03:00:00+02:00"
    assert run.backup is not None
    assert run.backup.kind is BackupKind.SCHEDULED
    assert run.backup.status is BackupStatus.VERIFIED
    assert run.next_run is not None
    assert run.next_run.isoformat() == "2026-04-27T03:00:00+02:00"


def test_where_nothing_is_due_nothing_is_written(
    wake: Callable[[], DueRun], kino: Kino, clock: FakeClock
) -> None:
    """Ninety-six wakings a day leave no trace: no lock taken, no journal, no byte."""
    wake()
    before = tree(kino.data_path)

    for _ in range(3):
        clock.advance(minutes=15)
        assert wake().outcome is DueOutcome.NOT_DUE

    assert tree(kino.data_path) == before


def test_where_nothing_is_due_nobody_is_waited_for(wake: Callable[[], DueRun], context: Context) -> None:
    """Another operation may run as long as it likes."""
    wake()
    with run_job(workspace_of(context.kino), "restore", context.clock, Control()):
        assert wake().outcome is DueOutcome.NOT_DUE


@pytest.mark.parametrize("setting", ["enabled = false", 'frequency = "off"'])
def test_off_is_off(wake: Callable[[], DueRun], kino: Kino, setting: str) -> None:
    """By the switch or by the frequency."""
    kino.config_file.write_text(f"[backup]\n{setting}\n")

    run = wake()

    assert (run.outcome, run.next_run) == (DueOutcome.OFF, None)
    assert archives(kino) == []


def test_restarts_every_day_do_not_keep_a_backup_from_being_made(
    wake: Callable[[], DueRun], kino: Kino, clock: FakeClock
) -> None:
    """Nothing counts from the start of a machine that is on for two hours a day only."""
    for day in range(20, 25):
        for hour in (18, 19):
            at(clock, f"2026-05-{day}T{hour}:30")
            wake()

    assert [name[22:32] for name in archives(kino)] == ["2026-05-22", "2026-05-23", "2026-05-24"]
    assert len(list_jobs(Context(kino, clock))) == 5


def test_forty_days_asleep_are_made_up_for_once(
    wake: Callable[[], DueRun], kino: Kino, clock: FakeClock
) -> None:
    """One run, and then the next slot."""
    wake()
    clock.advance(days=40)

    outcomes = []
    for _ in range(4):
        outcomes.append(wake().outcome)
        clock.advance(minutes=15)

    assert outcomes == [DueOutcome.MADE, *[DueOutcome.NOT_DUE] * 3]
    assert len(archives(kino)) == 2


def test_a_slot_that_kino_has_served_is_served(
    wake: Callable[[], DueRun], kino: Kino, clock: FakeClock
) -> None:
    """Kino's own archive of that night has no mark of ours, and is enough."""
    kino.default_location.mkdir()
    by_kino(kino.default_location, "2026-04-26T03-00-02")

    assert wake().outcome is DueOutcome.NOT_DUE
    clock.advance(days=1)
    assert wake().outcome is DueOutcome.MADE


def test_a_manual_backup_serves_no_slot(wake: Callable[[], DueRun], create: Callable[[], Backup]) -> None:
    """The schedule has its own; retention of the others is the admin's."""
    create()

    assert wake().outcome is DueOutcome.MADE


def test_an_imported_backup_serves_no_slot(
    wake: Callable[[], DueRun], context: Context, clock: FakeClock, tmp_path: Path
) -> None:
    """A scheduled backup of another machine, brought in, is no backup of this one."""
    data_path = tmp_path / "other"
    data_path.mkdir()
    write_database(data_path / "db.sqlite")
    other = run_due(Context(Kino(data_path), clock, host="nas02"), Control())
    assert other.backup is not None
    import_backup(context, other.backup.path, Control())
    # Nor is one that the Kino of that machine has made by itself.
    imported = context.kino.default_location / "kino-backup-manual-2026-04-26T03-00-02-v0.4.2.tar.gz"
    imported.write_bytes(honest(kind="scheduled", created_at="2026-04-26T03:00:02+02:00"))

    assert wake().outcome is DueOutcome.MADE


def test_in_a_shared_location_each_kino_is_backed_up(
    context: Context, clock: FakeClock, tmp_path: Path
) -> None:
    """The archives of another Kino serve none of our slots."""
    shared = tmp_path / "nas"
    shared.mkdir()
    (tmp_path / "other").mkdir()
    write_database(tmp_path / "other" / "db.sqlite")
    for here in (context, Context(Kino(tmp_path / "other"), clock, host="nas02")):
        save_schedule(here, BackupSettings(location=str(shared)), Control())

        assert run_due(here, Control()).outcome is DueOutcome.MADE

    # What Kino itself has made does not say for which of the two.
    clock.advance(days=1)
    by_kino(shared, "2026-04-27T03-00-02")
    assert run_due(context, Control()).outcome is DueOutcome.MADE


@pytest.mark.parametrize("state", ["{}", "not JSON", '{"last_slot": 5}', '{"last_slot": "2026-04-26T03:00"}'])
def test_a_lost_memory_is_found_out_from_the_backups(
    wake: Callable[[], DueRun], kino: Kino, clock: FakeClock, state: str
) -> None:
    """The newest scheduled backup of ours tells which slot was the last."""
    wake()
    (kino.data_path / ".kino-backup" / "state.json").write_text(state)

    clock.advance(hours=15)
    assert wake().outcome is DueOutcome.NOT_DUE
    clock.advance(hours=2)
    # Its location, too, has been forgotten; a default one that is there is taken.
    assert wake().outcome is DueOutcome.MADE


def test_a_clock_that_was_ahead_does_not_silence_the_schedule(
    wake: Callable[[], DueRun], kino: Kino, clock: FakeClock
) -> None:
    """A run in a year that has not come yet neither serves tonight nor is retention's newest for a year."""
    kino.config_file.write_text("[backup]\nkeep = 1\n")
    wake()
    clock.advance(days=365)
    wake()
    clock.advance(days=-364)

    run = wake()
    assert run.outcome is DueOutcome.MADE
    assert "was ahead then" in run.warnings[0]
    assert run.backup is not None
    assert run.backup.path.exists()

    clock.advance(minutes=15)
    assert wake().outcome is DueOutcome.NOT_DUE
    clock.advance(days=1)
    assert wake().outcome is DueOutcome.MADE


def test_days_that_a_wrong_clock_lives_through_twice_are_backed_up_twice(
    wake: Callable[[], DueRun], kino: Kino, clock: FakeClock, context: Context
) -> None:
    """Five days behind: what was made under those dates before says nothing of the days that are to come."""
    kino.config_file.write_text("[backup]\nkeep = 30\n")
    nights(wake, clock, 6)
    clock.advance(days=-5)
    with run_job(workspace_of(kino), "restore", clock, Control()):
        assert wake().outcome is DueOutcome.NOT_DUE
    assert wake().outcome is DueOutcome.NOT_DUE
    assert any("it is behind now" in job.message for job in list_jobs(context))
    clock.advance(hours=1)

    runs = nights(wake, clock, 6)

    assert [run.outcome for run in runs] == [DueOutcome.NOT_DUE, *[DueOutcome.MADE] * 5]


def test_a_clock_that_is_set_back_by_minutes_makes_no_second_backup(
    wake: Callable[[], DueRun], kino: Kino, clock: FakeClock
) -> None:
    """Across the slot and back, and across it again."""
    wake()
    at(clock, "2026-04-27T03:00:05")
    wake()
    at(clock, "2026-04-27T02:58")
    assert wake().outcome is DueOutcome.NOT_DUE
    at(clock, "2026-04-27T03:00")
    assert wake().outcome is DueOutcome.NOT_DUE

    assert len(archives(kino)) == 2


class _UnsetClock(SystemClock):
    """The clock of a board without a battery that has just booted."""

    def __init__(self, settled: bool) -> None:
        self._settled = settled

    def now(self) -> datetime:
        return datetime(1970, 1, 1, 0, 5, tzinfo=UTC)

    def settled(self) -> bool:
        return self._settled


def test_a_host_that_does_not_know_the_time_yet_waits(
    wake: Callable[[], DueRun], context: Context, kino: Kino
) -> None:
    """No backup of 1970 that retention would take for the oldest; in the end it has to do with that clock."""
    wake()

    run = run_due(context._replace(clock=_UnsetClock(settled=False)), Control())
    assert run.outcome is DueOutcome.NOT_DUE
    assert "until this host has been told the time" in run.warnings[0] + run.warnings[1]
    assert len(archives(kino)) == 1

    assert run_due(context._replace(clock=_UnsetClock(settled=True)), Control()).outcome is DueOutcome.MADE


def test_the_clock_of_this_machine_can_be_asked() -> None:
    """Whatever the kernel says, it says it."""
    assert SystemClock().settled() in (True, False)


def test_a_change_of_the_time_of_day_does_not_run_twice_for_a_night(
    wake: Callable[[], DueRun], kino: Kino, clock: FakeClock
) -> None:
    """From 03:00 to 04:00 after the run of 03:00."""
    at(clock, "2026-04-27T03:10")
    wake()
    kino.config_file.write_text('[backup]\ntime = "04:00"\n')
    at(clock, "2026-04-27T04:05")
    assert wake().outcome is DueOutcome.NOT_DUE
    at(clock, "2026-04-28T04:05")
    assert wake().outcome is DueOutcome.MADE


def test_two_runs_at_once_make_one_backup(kino: Kino, tmp_path: Path) -> None:
    """Two processes, woken by a timer and by cron: the second waits, looks again, and finds it made."""
    command = [sys.executable, "-m", "kino_backup_tui", "--data-path", str(kino.data_path)]
    processes = [
        subprocess.Popen(
            [*command, "run-due", "--json", "--now", "2026-04-26T03:00:01+02:00"], stdout=subprocess.PIPE
        )
        for _ in range(3)
    ]
    outs = [process.communicate(timeout=60)[0] for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0]
    assert sorted(json.loads(out)["outcome"] for out in outs) == ["made", "not_due", "not_due"]
    assert len(archives(kino)) == 1


def test_now_replaces_the_clock(context: Context, kino: Kino) -> None:
    """Also for what is due, and for the date of the backup."""
    later = datetime(2026, 6, 1, 12, tzinfo=UTC)

    run = run_due(context, Control(), now=later)

    assert run.backup is not None
    assert run.backup.created_at == later
    assert run_due(context, Control(), now=later + timedelta(hours=10)).outcome is DueOutcome.NOT_DUE
