"""run-due: one backup for each slot, whatever happened to the machine meanwhile."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kino_backup_tui.core.archive.names import format_name
from kino_backup_tui.core.clock import SystemClock
from kino_backup_tui.core.errors import (
    BusyError,
    DatabaseDamagedError,
    InvalidSettingsError,
    LocationError,
    NotFoundError,
    OperationCancelledError,
    UnknownLocationError,
)
from kino_backup_tui.core.jobs.job import run_job
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.settings import BackupSettings
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.failing import read_failing
from kino_backup_tui.core.operations.import_ import import_backup
from kino_backup_tui.core.operations.jobs import list_jobs
from kino_backup_tui.core.operations.listing import list_backups
from kino_backup_tui.core.operations.run_due import DueOutcome, DueRun, run_due
from kino_backup_tui.core.operations.schedule import save_schedule
from kino_backup_tui.core.operations.status import read_status
from kino_backup_tui.core.progress import CancelToken, Control
from kino_backup_tui.core.workspace import workspace_of
from tests.conftest import write_database
from tests.core.archive.archives import honest
from tests.fakes import FakeClock


@pytest.fixture
def wake(context: Context) -> Callable[[], DueRun]:
    """Have the timer wake the program now."""
    return lambda: run_due(context, Control(wait_seconds=0))


def archives(kino: Kino) -> list[str]:
    """Names of the archives, oldest first."""
    return sorted(path.name for path in kino.default_location.glob("kino-backup-*"))


def at(clock: FakeClock, text: str) -> None:
    """Set the clock, in Berlin's local time."""
    clock.instant = datetime.fromisoformat(text).replace(tzinfo=clock.zone()).astimezone(UTC)


def by_kino(location: Path, local: str) -> None:
    """A scheduled archive as Kino itself makes them: it does not say of which installation."""
    day, time = local.split("T")
    created = f"{day}T{time.replace('-', ':')}+02:00"
    archive = location / f"kino-backup-scheduled-{local}-v0.4.2.tar.gz"
    archive.write_bytes(honest(kind="scheduled", created_at=created))


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


def test_a_location_that_is_gone_leaves_the_slot_due_and_is_told_once(
    wake: Callable[[], DueRun], context: Context, kino: Kino, clock: FakeClock
) -> None:
    """Nothing is written to where the disk was; once it is back, the backup is made."""
    wake()
    away = kino.data_path / "unplugged"
    kino.default_location.rename(away)
    at(clock, "2026-04-27T03:00")

    runs = []
    for _ in range(4):
        runs.append(wake())
        clock.advance(minutes=15)

    assert [run.outcome for run in runs] == [DueOutcome.LOCATION_MISSING] * 4
    assert [run.repeated for run in runs] == [False, True, True, True]
    assert isinstance(runs[0].problem, UnknownLocationError)
    assert [job.outcome for job in list_jobs(context)] == ["location_unknown", "ok"]
    assert not kino.default_location.exists()
    failing = read_failing(workspace_of(kino))
    assert failing is not None
    assert (failing.nights, failing.code) == (1, "location_unknown")

    away.rename(kino.default_location)
    run = wake()
    assert run.outcome is DueOutcome.MADE
    assert run.slot is not None
    assert run.slot.isoformat() == "2026-04-27T03:00:00+02:00"
    assert read_failing(workspace_of(kino)) is None


def test_each_night_without_the_location_counts_once(
    wake: Callable[[], DueRun], kino: Kino, clock: FakeClock
) -> None:
    """And is in the journal once."""
    wake()
    kino.default_location.rename(kino.data_path / "unplugged")
    for night in (27, 28, 29):
        for minute in ("00", "15"):
            at(clock, f"2026-04-{night}T03:{minute}")
            wake()

    failing = read_failing(workspace_of(kino))
    assert failing is not None
    assert failing.nights == 3
    assert failing.since.isoformat() == "2026-04-27T01:00:00+00:00"
    assert len(list_jobs(Context(kino, clock))) == 4


def test_a_damaged_database_uses_up_its_slot(
    wake: Callable[[], DueRun], kino: Kino, clock: FakeClock, context: Context
) -> None:
    """It will not be sound a quarter of an hour later; the next night looks again."""
    wake()
    at(clock, "2026-04-27T03:00")
    whole = kino.database.read_bytes()
    kino.database.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))

    run = wake()
    assert run.outcome is DueOutcome.FAILED
    assert isinstance(run.problem, DatabaseDamagedError)
    assert run.slot_used_up
    clock.advance(minutes=15)
    assert wake().outcome is DueOutcome.NOT_DUE
    assert len(list_jobs(context)) == 2
    assert isinstance(read_status(context).database_problem, DatabaseDamagedError)

    kino.database.write_bytes(whole)
    clock.advance(days=1)
    assert wake().outcome is DueOutcome.MADE


def test_nothing_is_removed_when_the_new_backup_has_failed(
    wake: Callable[[], DueRun], kino: Kino, clock: FakeClock, create: Callable[..., Backup]
) -> None:
    """Pruning before creating has left users with no backup at all."""
    for _ in range(5):
        create(BackupKind.SCHEDULED)
    before = archives(kino)
    at(clock, "2026-04-27T03:00")
    whole = kino.database.read_bytes()
    kino.database.write_bytes(b"\xff" * len(whole))

    assert wake().outcome is DueOutcome.FAILED
    assert archives(kino) == before

    kino.database.write_bytes(whole)
    at(clock, "2026-04-28T03:00")
    run = wake()
    assert [backup.filename for backup in run.removed] == before[:3]
    assert len(archives(kino)) == 3


def test_a_database_that_is_not_there_leaves_the_slot_due(
    wake: Callable[[], DueRun], kino: Kino, clock: FakeClock
) -> None:
    """Its disk comes later than the timer, or it is being replaced."""
    kino.database.rename(kino.data_path / "away")
    run = wake()
    assert isinstance(run.problem, NotFoundError)
    assert not run.slot_used_up
    clock.advance(minutes=15)
    assert wake().repeated

    (kino.data_path / "away").rename(kino.database)
    assert wake().outcome is DueOutcome.MADE


def test_broken_settings_fail_the_run_and_nothing_is_guessed(
    wake: Callable[[], DueRun], kino: Kino, clock: FakeClock, context: Context
) -> None:
    """Neither when to run nor how many to keep; told once a day."""
    kino.config_file.write_text("[backup]\nkeep = 0\n")

    runs = [wake(), wake()]
    clock.advance(days=1)
    runs.append(wake())

    assert all(isinstance(run.problem, InvalidSettingsError) for run in runs)
    assert [run.repeated for run in runs] == [False, True, False]
    assert [run.next_run for run in runs] == [None] * 3
    assert len(list_jobs(context)) == 2
    assert archives(kino) == []

    kino.config_file.write_text("")
    assert wake().outcome is DueOutcome.MADE


def test_another_operation_makes_it_late_and_the_slot_stays_due(
    wake: Callable[[], DueRun], context: Context, kino: Kino, clock: FakeClock
) -> None:
    """It has failed only if that goes on for longer than an hour."""
    wake()
    at(clock, "2026-04-27T03:00")
    with run_job(workspace_of(kino), "restore", clock, Control()):
        run = wake()
        assert isinstance(run.problem, BusyError)
        assert not run.slot_used_up
        assert read_failing(workspace_of(kino)) is None
        clock.advance(hours=1)
        wake()
        assert read_failing(workspace_of(kino)) is not None

    assert wake().outcome is DueOutcome.MADE
    assert read_failing(workspace_of(kino)) is None


def test_a_database_that_somebody_has_locked_is_tried_again(
    wake: Callable[[], DueRun], kino: Kino, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A migration takes minutes; giving up the slot of a month for it would be too much."""
    monkeypatch.setattr("kino_backup_tui.core.archive.snapshot.BUSY_SECONDS", 0.2)
    holder = sqlite3.connect(kino.database, isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    holder.execute("DELETE FROM film")

    run = wake()
    assert isinstance(run.problem, BusyError)
    assert not run.slot_used_up

    holder.close()
    assert wake().outcome is DueOutcome.MADE


def test_a_run_that_was_stopped_leaves_nothing_and_the_slot_due(
    wake: Callable[[], DueRun], context: Context, kino: Kino
) -> None:
    """The machine is shut down at night; after the start the backup is made."""
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(OperationCancelledError):
        run_due(context, Control(cancel=cancel))

    assert archives(kino) == []
    assert read_failing(workspace_of(kino)) is None
    assert wake().outcome is DueOutcome.MADE


def test_the_series_of_failures_ends_when_kino_has_made_one(
    wake: Callable[[], DueRun], kino: Kino, clock: FakeClock
) -> None:
    """Whoever has made the good backup."""
    wake()
    at(clock, "2026-04-27T03:00")
    kino.database.rename(kino.data_path / "away")
    wake()
    assert read_failing(workspace_of(kino)) is not None

    (kino.data_path / "away").rename(kino.database)
    by_kino(kino.default_location, "2026-04-27T03-09-02")
    at(clock, "2026-04-27T03:15")
    assert wake().outcome is DueOutcome.NOT_DUE
    assert read_failing(workspace_of(kino)) is None


def test_switching_the_schedule_off_ends_the_series(wake: Callable[[], DueRun], kino: Kino) -> None:
    """What is not wanted any more does not fail."""
    kino.database.unlink()
    wake()
    kino.config_file.write_text("[backup]\nenabled = false\n")
    wake()

    assert read_failing(workspace_of(kino)) is None


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


# What retention has done wrong elsewhere.


def nights(wake: Callable[[], DueRun], clock: FakeClock, count: int) -> list[DueRun]:
    """So many nights, one after the other."""
    runs = []
    for _ in range(count):
        runs.append(wake())
        clock.advance(days=1)
    return runs


def test_keep_counts_backups_and_not_days(wake: Callable[[], DueRun], kino: Kino, clock: FakeClock) -> None:
    """Weeks without a run leave what there is (linuxmint/timeshift#272)."""
    nights(wake, clock, 3)
    before = archives(kino)
    clock.advance(days=90)

    wake()

    assert archives(kino)[:2] == before[1:]


def test_keeping_several_never_keeps_only_the_last(
    wake: Callable[[], DueRun], kino: Kino, clock: FakeClock
) -> None:
    """Any number that is kept is kept in full (home-assistant/core#138702)."""
    kino.config_file.write_text("[backup]\nkeep = 365\n")
    nights(wake, clock, 6)

    assert len(archives(kino)) == 6


def test_the_only_good_one_is_never_removed_for_a_bad_one(
    wake: Callable[[], DueRun], kino: Kino, clock: FakeClock
) -> None:
    """Only a new backup that was read back makes an old one one too many (home-assistant/core#136028)."""
    kino.config_file.write_text("[backup]\nkeep = 1\n")
    nights(wake, clock, 1)
    good = archives(kino)
    whole = kino.database.read_bytes()
    kino.database.write_bytes(b"\xff" * len(whole))
    runs = nights(wake, clock, 3)

    assert [run.outcome for run in runs] == [DueOutcome.FAILED] * 3
    assert archives(kino) == good


def test_partial_and_damaged_archives_take_no_slots(
    wake: Callable[[], DueRun], kino: Kino, clock: FakeClock
) -> None:
    """What is half or bad does not push out what is good (wp-media/backwpup#118)."""
    nights(wake, clock, 3)
    good = archives(kino)
    for number in range(3):
        name = f"kino-backup-scheduled-2026-04-28T12-0{number}-00-v0.4.2.tar.gz"
        (kino.default_location / name).write_bytes(b"half an archive")
        (kino.default_location / f".{name}.partial").write_bytes(b"half an archive")

    run = wake()

    assert [backup.filename for backup in run.removed] == good[:1]
    assert set(good[1:]) < set(archives(kino))
    assert not list(kino.default_location.glob(".*.partial")), "nobody writes them any more"


def test_manual_backups_are_not_rotated_out(
    wake: Callable[[], DueRun], kino: Kino, clock: FakeClock, create: Callable[..., Backup]
) -> None:
    """Nor do they take a place (Shakes63/palisade#34)."""
    mine = [create(kind) for kind in (BackupKind.MANUAL, BackupKind.PRE_RESTORE) for _ in range(3)]
    runs = nights(wake, clock, 5)

    assert [len(run.removed) for run in runs] == [0, 0, 0, 1, 1]
    assert {backup.filename for backup in mine} < set(archives(kino))


def test_retention_runs_although_the_machine_restarts_every_day(
    context: Context, kino: Kino, clock: FakeClock
) -> None:
    """Each waking is a process of its own with no memory in it (home-assistant/core#181514)."""
    for _ in range(6):
        at(clock, str(clock.instant.date()) + "T20:00")
        run_due(Context(Kino(kino.data_path), clock, host="nas01"), Control())
        clock.advance(days=1)

    assert len(archives(kino)) == 3


def test_files_that_somebody_removed_are_no_ghosts(
    wake: Callable[[], DueRun], kino: Kino, clock: FakeClock
) -> None:
    """The files are the list: what is gone counts for nothing (home-assistant/core#134158)."""
    runs = nights(wake, clock, 3)
    for run in runs[:2]:
        assert run.backup is not None
        run.backup.path.unlink()

    later = nights(wake, clock, 2)

    assert [run.removed for run in later] == [(), ()]
    assert len(archives(kino)) == 3


def test_order_is_by_date_and_not_by_name(wake: Callable[[], DueRun], kino: Kino, clock: FakeClock) -> None:
    """A newer Kino's archives do not sort before an older one's (Shakes63/palisade#34)."""
    run = wake()
    assert run.backup is not None
    aside = run.backup.path.with_name(format_name(BackupKind.SCHEDULED, clock.now(), "9.0.0", clock.zone()))
    assert aside != run.backup.path
    shutil.move(run.backup.path, aside)
    clock.advance(days=1)

    removed = [backup.filename for run in nights(wake, clock, 4) for backup in run.removed]

    assert aside.exists(), "renamed, it is unverified until it is read again, and stays"
    assert removed == sorted(removed)


def test_a_retention_that_fails_is_a_remark_on_a_backup_that_is_made(
    wake: Callable[[], DueRun], kino: Kino, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The archive of a night is not thrown away because an older one cannot be."""
    runs = nights(wake, clock, 3)
    oldest = runs[0].backup
    assert oldest is not None
    unlink = Path.unlink

    def stubborn(path: Path, missing_ok: bool = False) -> None:
        if path == oldest.path:
            raise PermissionError(1, "Operation not permitted")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", stubborn)
    run = wake()

    assert run.outcome is DueOutcome.MADE
    assert run.problem is None
    assert run.warnings[0].startswith("Retention was left out: Could not delete")
    assert read_failing(workspace_of(kino)) is None


def test_a_location_of_another_disk_is_not_written_to(
    wake: Callable[[], DueRun], kino: Kino, clock: FakeClock
) -> None:
    """Its marker is another one: both are named, and the slot stays due."""
    wake()
    marker = kino.default_location / ".kino-backup-location"
    known = marker.read_text().strip()
    marker.write_text("00000000-0000-0000-0000-000000000000\n")
    clock.advance(days=1)

    run = wake()

    assert run.outcome is DueOutcome.LOCATION_MISSING
    assert isinstance(run.problem, LocationError)
    assert known in run.problem.message
    assert "00000000-" in run.problem.message
    assert len(archives(kino)) == 1
    marker.write_text(known)
    assert wake().outcome is DueOutcome.MADE


def test_lowering_keep_removes_the_oldest_at_the_next_run(
    wake: Callable[[], DueRun], kino: Kino, clock: FakeClock, context: Context
) -> None:
    """As the form has shown it before."""
    nights(wake, clock, 3)
    save_schedule(context, replace(BackupSettings(), keep=2), Control())

    run = wake()

    assert len(run.removed) == 2
    assert len(list_backups(context).backups) == 2
