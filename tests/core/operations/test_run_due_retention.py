"""run-due and retention: what other programs have got wrong about which backups stay."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kino_backup_tui.core.archive.names import format_name
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.settings import BackupSettings
from kino_backup_tui.core.models import Backup, BackupKind
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.failing import read_failing
from kino_backup_tui.core.operations.listing import list_backups
from kino_backup_tui.core.operations.run_due import DueOutcome, DueRun, run_due
from kino_backup_tui.core.operations.schedule import save_schedule
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.workspace import workspace_of
from tests.core.operations.waking import archives, at, nights
from tests.fakes import FakeClock


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


def test_lowering_keep_removes_the_oldest_at_the_next_run(
    wake: Callable[[], DueRun], kino: Kino, clock: FakeClock, context: Context
) -> None:
    """As the form has shown it before."""
    nights(wake, clock, 3)
    save_schedule(context, replace(BackupSettings(), keep=2), Control())

    run = wake()

    assert len(run.removed) == 2
    assert len(list_backups(context).backups) == 2
