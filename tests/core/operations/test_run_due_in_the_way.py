"""run-due where something is in the way: what uses up the slot, and what leaves it due."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest

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
from kino_backup_tui.core.models import Backup, BackupKind
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.failing import read_failing
from kino_backup_tui.core.operations.jobs import list_jobs
from kino_backup_tui.core.operations.run_due import DueOutcome, DueRun, run_due
from kino_backup_tui.core.operations.status import read_status
from kino_backup_tui.core.progress import CancelToken, Control
from kino_backup_tui.core.workspace import workspace_of
from tests.core.operations.waking import archives, at, by_kino
from tests.fakes import FakeClock


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
