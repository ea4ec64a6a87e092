"""Full, small and read-only file systems, on real ones."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import LocationError, NoSpaceError
from kino_backup_tui.core.files import free_bytes
from kino_backup_tui.core.jobs.job import run_job
from kino_backup_tui.core.kino.home import KINO_0_3, Kino
from kino_backup_tui.core.kino.index import index_of
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.delete import delete_backup
from kino_backup_tui.core.operations.export import export_backup
from kino_backup_tui.core.operations.import_ import import_backup
from kino_backup_tui.core.operations.listing import list_backups
from kino_backup_tui.core.operations.prune import prune
from kino_backup_tui.core.operations.run_due import DueOutcome, run_due
from kino_backup_tui.core.operations.safety import (
    SafetyTaken,
    assess_safety,
    take_raw_backup,
    take_safety_backup,
)
from kino_backup_tui.core.operations.schedule import read_schedule, save_schedule
from kino_backup_tui.core.operations.session import open_session
from kino_backup_tui.core.operations.verify import verify_backup
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.workspace import workspace_of
from kino_backup_tui.demo.shipped.data_path import write_shipped_kino
from tests.conftest import write_database
from tests.fakes import FakeClock

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a file system")

Mount = Callable[[Path, str], None]

KILLED = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute(sys.argv[2])
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def mount() -> Iterator[Mount]:
    """Mount a tmpfs on a folder; unmounted at the end."""
    with ExitStack() as stack:

        def mount_one(folder: Path, options: str) -> None:
            folder.mkdir(exist_ok=True)
            done = subprocess.run(
                ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, text=True
            )
            if done.returncode:
                pytest.skip(f"cannot mount here: {done.stderr.strip()}")
            stack.callback(lambda: subprocess.run(["umount", "-l", folder], check=True))

        yield mount_one


def fill(folder: Path, leave: int) -> None:
    """Fill a file system but for some bytes."""
    size = free_bytes(folder) - leave
    with (folder / "filler").open("wb") as stream:
        stream.write(bytes(size))


def files(folder: Path) -> list[str]:
    """What is in a folder, the location's marker aside."""
    return sorted(path.name for path in folder.iterdir() if path.name != ".kino-backup-location")


@pytest.fixture
def nas(context: Context, tmp_path: Path, mount: Mount) -> Path:
    """A location on a file system of its own, of one megabyte."""
    folder = tmp_path / "nas"
    mount(folder, "size=1m")
    settings = read_schedule(context)
    save_schedule(context, type(settings)(location=str(folder)), Control())
    return folder


def test_every_fill_level_of_the_location_makes_a_backup_or_nothing(context: Context, nas: Path) -> None:
    """At each free space in steps of a page: a verified archive, or a named error and no file."""
    outcomes = set()
    for leave in range(0, 20 * 4096, 4096):
        fill(nas, leave)
        try:
            created = create_backup(context, Control())
        except NoSpaceError:
            outcomes.add("no space")
        else:
            outcomes.add("made")
            assert verify_backup(context, created.backup, Control()).status is BackupStatus.VERIFIED
            created.backup.path.unlink()
        assert files(nas) == ["filler"]
        (nas / "filler").unlink()

    assert outcomes == {"no space", "made"}


def test_a_full_data_path_removes_the_scratch_copy(tmp_path: Path, context: Context, mount: Mount) -> None:
    """The copy of the database does not fit: an error with the numbers, and the disk as full as before."""
    data_path = tmp_path / "small"
    mount(data_path, "size=2m")
    write_database(data_path / "db.sqlite", films=5000)
    (data_path / "config.toml").write_text("")
    kino = Kino(data_path)
    fill(data_path, 300 * 1024)
    before = free_bytes(data_path)

    for use_reserve in (False, True):
        with pytest.raises(NoSpaceError):
            create_backup(Context(kino, context.clock), Control(), use_reserve=use_reserve)

    assert before - free_bytes(data_path) < 128 * 1024, "only the journal and the lock may remain"
    assert not list((data_path / ".kino-backup" / "scratch").glob("*"))


@pytest.mark.parametrize("take", [take_raw_backup, partial(take_safety_backup, allow_raw_now=True)])
def test_a_safety_backup_without_room_is_for_the_admin_to_decide(
    context: Context, nas: Path, take: Callable[..., SafetyTaken]
) -> None:
    """It is reported with the option that goes on without, is not tried raw, and leaves nothing."""
    fill(nas, 0)

    with run_job(workspace_of(context.kino), "restore", context.clock, Control()) as job:
        taken = take(context, open_session(context), job, version="1")

    assert isinstance(taken.problem, NoSpaceError)
    assert "--no-safety-backup" in taken.problem.hint
    assert (taken.backup, taken.needs_raw) == (None, False)
    assert files(nas) == ["filler"]
    assert not list((context.kino.data_path / ".kino-backup" / "scratch").glob("*"))


def test_the_room_for_a_safety_backup_is_told_for_each_file_system(context: Context, nas: Path) -> None:
    """The copies beside Kino, the archive at the location, which is too full for it."""
    fill(nas, 4096)

    outlook = assess_safety(context, open_session(context))

    assert [need.folder for need in outlook.space] == [context.kino.data_path / ".kino-backup", nas]
    assert outlook.space[1].free_bytes == 4096
    assert outlook.no_room is not None
    assert str(nas) in outlook.no_room.message


def test_delete_and_prune_work_with_no_byte_free(tmp_path: Path, context: Context, mount: Mount) -> None:
    """A full disk is freed by deleting, so deleting may not need any space."""
    data_path = tmp_path / "small"
    mount(data_path, "size=4m")
    write_database(data_path / "db.sqlite")
    (data_path / "config.toml").write_text("[backup]\nkeep = 1\n")
    here = Context(Kino(data_path), context.clock)
    kinds = [BackupKind.SCHEDULED, BackupKind.SCHEDULED, BackupKind.MANUAL]
    made = [create_backup(here, Control(), kind=kind, use_reserve=True).backup for kind in kinds]
    fill(data_path, 0)
    assert free_bytes(data_path) == 0

    delete_backup(here, made[2], Control())
    (data_path / "filler2").write_bytes(bytes(free_bytes(data_path)))
    pruned = prune(here, Control())

    assert len(pruned.removed) == 1
    assert len(list_backups(here).backups) == 1


@pytest.mark.parametrize("log", ["none", "left by a kill"])
def test_the_settings_in_a_database_can_be_read_with_no_byte_free(
    tmp_path: Path, clock: FakeClock, mount: Mount, log: str
) -> None:
    """With Kino down, SQLite wants room for the index of the log; retention does not wait for that."""
    data_path = tmp_path / "small"
    mount(data_path, "size=16m")
    write_shipped_kino(data_path, clock.now(), films=0, downloads=())
    here = Context(Kino(data_path, KINO_0_3), clock)
    with closing(sqlite3.connect(here.kino.database)) as connection, connection:
        connection.execute("INSERT INTO webhook_target (url, headers) VALUES ('', randomblob(400000))")
    for _ in range(2):
        create_backup(here, Control(), kind=BackupKind.SCHEDULED, version="0.3.2", use_reserve=True)
        clock.advance(days=1)
    set_keep = "UPDATE config SET backup_retention_count = 1"
    if log == "none":
        with closing(sqlite3.connect(here.kino.database)) as connection, connection:
            connection.execute(set_keep)
    else:
        subprocess.run([sys.executable, "-c", KILLED, here.kino.database, set_keep], check=False)
        assert here.kino.database.with_name("kino.db-wal").stat().st_size > 0
    here.kino.database.with_name("kino.db-shm").unlink(missing_ok=True)
    fill(data_path, 0)
    assert free_bytes(data_path) == 0

    assert open_session(here).settings_problem is None
    pruned = prune(here, Control())

    assert len(pruned.removed) == 1
    assert pruned.note == ""
    (left,) = list_backups(here).backups
    assert [row.filename for row in index_of(here.kino).rows()] == [left.filename]


def test_export_and_import_onto_a_full_disk_leave_nothing(
    context: Context, create: Callable[[], Backup], nas: Path, tmp_path: Path
) -> None:
    """The half copy is removed, and the error names the place."""
    settings = read_schedule(context)
    save_schedule(context, type(settings)(), Control())
    backup = create()
    fill(nas, 0)

    with pytest.raises(NoSpaceError, match=str(nas)):
        export_backup(context, backup, nas, Control())
    save_schedule(context, type(settings)(location=str(nas)), Control())
    with pytest.raises(NoSpaceError, match=str(nas)):
        import_backup(context, backup.path, Control())

    assert files(nas) == ["filler"]


def test_a_read_only_location_is_named_as_such(context: Context, nas: Path) -> None:
    """Not "permission denied": the file system is read-only."""
    subprocess.run(["mount", "-o", "remount,ro", nas], check=True)

    with pytest.raises(LocationError, match="read-only file system"):
        create_backup(context, Control())


def test_an_unmounted_location_gets_no_backup(context: Context, nas: Path) -> None:
    """The empty folder below the mount point has no marker: refused, and nothing is written there."""
    create_backup(context, Control())
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", nas], check=True)

    with pytest.raises(LocationError, match="not the one used so far"):
        create_backup(context, Control())

    assert list(nas.iterdir()) == []
    subprocess.run(["umount", nas], check=True)
    assert len(list_backups(context).backups) == 1


def test_a_data_path_that_went_read_only_still_lists_and_exports(
    tmp_path: Path, context: Context, mount: Mount
) -> None:
    """A failing disk is remounted read-only: what is on it can be seen, proven and copied away."""
    data_path = tmp_path / "failing"
    mount(data_path, "size=4m")
    write_database(data_path / "db.sqlite")
    here = Context(Kino(data_path), context.clock)
    backup = create_backup(here, Control(), use_reserve=True).backup
    subprocess.run(["mount", "-o", "remount,ro", data_path], check=True)

    assert list_backups(here).backups == (backup,)
    assert verify_backup(here, backup, Control()).status is BackupStatus.VERIFIED
    assert export_backup(here, backup, tmp_path, Control()).read_bytes() == backup.path.read_bytes()


def test_a_data_path_that_went_read_only_is_still_backed_up_elsewhere(
    context: Context, kino: Kino, nas: Path
) -> None:
    """The last rows, still in the log of a Kino that was killed, are in the backup on the other disk."""
    writer = sqlite3.connect(kino.database, isolation_level=None)
    writer.execute("INSERT INTO film (title) VALUES ('in the log')")
    subprocess.run(["mount", "--bind", kino.data_path, kino.data_path], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", kino.data_path], check=True)
    try:
        backup = create_backup(context, Control()).backup
    finally:
        subprocess.run(["umount", kino.data_path], check=True)
        writer.close()

    assert backup.path.parent == nas
    assert backup.manifest is not None
    assert backup.manifest.tables["film"] == 21


def test_a_transaction_that_a_crash_cut_off_is_not_in_the_backup(
    context: Context, kino: Kino, nas: Path
) -> None:
    """A hot rollback journal on a read-only disk is played back in the copy, as SQLite would in place."""
    connection = sqlite3.connect(kino.database, isolation_level=None)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO film (title, note) VALUES (?, ?)", [("new", "x" * 2000)] * 400)
    crashed = {name: (kino.data_path / name).read_bytes() for name in ("db.sqlite", "db.sqlite-journal")}
    connection.execute("ROLLBACK")
    connection.close()
    for name, data in crashed.items():
        (kino.data_path / name).write_bytes(data)
    subprocess.run(["mount", "--bind", kino.data_path, kino.data_path], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", kino.data_path], check=True)
    try:
        manifest = create_backup(context, Control()).backup.manifest
    finally:
        subprocess.run(["umount", kino.data_path], check=True)

    assert manifest is not None
    assert manifest.tables["film"] == 20


def test_a_night_without_space_is_skipped_and_the_next_one_tries_again(
    context: Context, nas: Path, clock: FakeClock
) -> None:
    """Cleaned up, told with both ways out, and not tried again in between; nothing older is removed."""
    first = run_due(context, Control())
    assert first.backup is not None
    clock.advance(days=1)
    fill(nas, 0)

    run = run_due(context, Control())
    assert (run.outcome, run.slot_used_up) == (DueOutcome.SKIPPED, True)
    assert isinstance(run.problem, NoSpaceError)
    assert "Free space there, or move the backup location" in run.problem.hint
    assert files(nas) == ["filler", first.backup.filename]
    clock.advance(minutes=15)
    assert run_due(context, Control()).outcome is DueOutcome.NOT_DUE

    (nas / "filler").unlink()
    clock.advance(hours=12)
    assert run_due(context, Control()).outcome is DueOutcome.NOT_DUE
    clock.advance(hours=12)
    assert run_due(context, Control()).outcome is DueOutcome.MADE


def test_every_fill_level_of_a_night_makes_a_backup_or_uses_up_the_slot(
    context: Context, nas: Path, clock: FakeClock
) -> None:
    """At each free space, whichever step fails first."""
    run_due(context, Control())
    outcomes = set()
    for leave in range(0, 20 * 4096, 4096):
        clock.advance(days=1)
        fill(nas, leave)
        runs = [run_due(context, Control()) for _ in range(2)]
        outcomes.add(runs[0].outcome)
        assert runs[1].outcome is DueOutcome.NOT_DUE
        (nas / "filler").unlink()

    assert outcomes == {DueOutcome.SKIPPED, DueOutcome.MADE}


@pytest.mark.parametrize("earlier", [True, False])
def test_a_data_path_without_a_free_byte_does_not_try_all_night(
    tmp_path: Path, context: Context, clock: FakeClock, mount: Mount, earlier: bool
) -> None:
    """That the slot was given up is remembered although nothing new can be written.

    Without an earlier run there is nothing to write over, and it is tried again: a refusal costs nothing.
    """
    data_path = tmp_path / "small"
    mount(data_path, "size=300m")
    write_database(data_path / "db.sqlite")
    (data_path / "config.toml").write_text("")
    here = Context(Kino(data_path), clock)
    if earlier:
        assert run_due(here, Control()).outcome is DueOutcome.MADE
        clock.advance(days=1)
    fill(data_path, 0)

    runs = [run_due(here, Control()) for _ in range(3)]

    assert runs[0].outcome is DueOutcome.SKIPPED
    expected = DueOutcome.NOT_DUE if earlier else DueOutcome.SKIPPED
    assert [run.outcome for run in runs[1:]] == [expected] * 2
    (data_path / "filler").unlink()
    clock.advance(days=1)
    assert run_due(here, Control()).outcome is DueOutcome.MADE


def test_a_location_that_is_unmounted_for_a_night_gets_its_backup_when_it_is_back(
    context: Context, nas: Path, clock: FakeClock
) -> None:
    """The folder below the mount point stays empty, and the slot due."""
    run_due(context, Control())
    clock.advance(days=1)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", nas], check=True)

    run = run_due(context, Control())
    assert (run.outcome, run.slot_used_up) == (DueOutcome.LOCATION_MISSING, False)
    assert list(nas.iterdir()) == []

    subprocess.run(["umount", nas], check=True)
    clock.advance(hours=10)
    run = run_due(context, Control())
    assert run.outcome is DueOutcome.MADE
    assert run.backup is not None
    assert run.backup.path.parent == nas
    assert len(list_backups(context).backups) == 2
