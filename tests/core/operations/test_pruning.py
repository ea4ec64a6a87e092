"""What prune reads before it removes anything, what it says, and what stays whatever its date."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from kino_backup_tui.core.catalog.dates import DISBELIEVED
from kino_backup_tui.core.errors import ArchiveDamagedError
from kino_backup_tui.core.jobs.job import run_job
from kino_backup_tui.core.kino import index_table as index_module
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.indexing import strike
from kino_backup_tui.core.operations.jobs import list_jobs
from kino_backup_tui.core.operations.listing import find_backup
from kino_backup_tui.core.operations.prune import Pruned, apply_retention, prune
from kino_backup_tui.core.operations.session import open_session
from kino_backup_tui.core.progress import Control, JobEvent, Stage
from tests.fakes import FakeClock


@pytest.fixture
def nights(create: Callable[..., Backup]) -> list[Backup]:
    """Five scheduled backups, oldest first; the settings keep three."""
    return [create(BackupKind.SCHEDULED) for _ in range(5)]


@pytest.fixture
def events() -> list[JobEvent]:
    """What the control below was told."""
    return []


@pytest.fixture
def control(events: list[JobEvent]) -> Control:
    """A control that keeps the news."""
    return Control(report=events.append)


def stages(events: list[JobEvent]) -> list[tuple[Stage | None, int | None]]:
    """The steps in their order, each with how much there is to do."""
    return [(event.stage, event.total_bytes) for event in events if event.event == "stage"]


def test_it_says_what_went_and_what_was_counted(
    context: Context, nights: list[Backup], control: Control, events: list[JobEvent]
) -> None:
    """The newest is read before two are removed; with backups of ours alone there is nothing to remark."""
    assert prune(context, control) == Pruned((nights[0], nights[1]), counted=5, keep=3)

    assert stages(events) == [(Stage.READING_BACK, nights[-1].size_bytes), (Stage.DELETING, None)]
    assert list_jobs(context)[0].message == "2 removed"


def test_where_nothing_goes_nothing_is_read(
    context: Context, create: Callable[..., Backup], control: Control, events: list[JobEvent]
) -> None:
    """Three of three stay: a disk full of archives is not read for that."""
    for _ in range(3):
        create(BackupKind.SCHEDULED)

    assert prune(context, control) == Pruned((), counted=3, keep=3)

    assert stages(events) == [(Stage.DELETING, None)]


def after_making(context: Context, control: Control, made: Backup) -> Pruned:
    """Apply retention as the run that has just made a backup does."""
    session = open_session(context)
    with run_job(session.workspace, "run-due", context.clock, control) as job:
        return apply_retention(session, job, context.clock.now(), proven=made)


def test_what_was_just_made_is_not_read_once_more(
    context: Context, nights: list[Backup], control: Control, events: list[JobEvent]
) -> None:
    """It was read back when it was made."""
    assert after_making(context, control, nights[-1]).removed == (nights[0], nights[1])

    assert stages(events) == [(Stage.DELETING, None)]


def test_what_was_just_made_stays_although_its_name_is_not_believed(
    context: Context, nights: list[Backup], control: Control, events: list[JobEvent]
) -> None:
    """A wrong clock may have made one of the same name; the newest of the others is read, and one goes."""
    open_session(context).workspace.update_state(**{DISBELIEVED: [nights[-1].filename]})

    assert after_making(context, control, nights[-1]).removed == (nights[0],)

    assert stages(events) == [(Stage.READING_BACK, nights[-2].size_bytes), (Stage.DELETING, None)]
    assert [backup.path.exists() for backup in nights] == [False, True, True, True, True]


def test_that_the_newest_has_gone_bad_is_told_and_remembered(context: Context, nights: list[Backup]) -> None:
    """By its name, and in the list from then on, with what it was."""
    newest = nights[-1]
    with newest.path.open("r+b") as stream:
        stream.seek(newest.size_bytes // 2)
        stream.write(b"\0" * 32)
    # The file looks untouched, as after bit rot: only its bytes tell.
    open_session(context).remember(
        newest.path, newest.path.lstat(), BackupStatus.VERIFIED, manifest=newest.manifest
    )

    with pytest.raises(ArchiveDamagedError, match=newest.filename):
        prune(context, Control())

    found = find_backup(context, newest.filename)
    assert (found.status, found.manifest) == (BackupStatus.DAMAGED, newest.manifest)
    assert found.problem


def test_what_kinos_list_could_not_be_told_is_remarked(
    shipped: Kino, shipped_context: Context, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is gone, and Kino's own page goes on showing it until the list is mended."""
    monkeypatch.setattr(index_module, "BUSY_SECONDS", 0.05)
    for _ in range(2):
        create_backup(shipped_context, Control(), kind=BackupKind.SCHEDULED, version="0.3.2")
        clock.advance(minutes=1)
    with closing(sqlite3.connect(shipped.database, isolation_level=None)) as writer:
        writer.execute("UPDATE config SET backup_retention_count = 1")
        writer.execute("BEGIN IMMEDIATE")
        pruned = prune(shipped_context, Control())
        warnings = strike(open_session(shipped_context), pruned.removed)

    assert [backup.path.exists() for backup in pruned.removed] == [False]
    assert (pruned.note,) == warnings
