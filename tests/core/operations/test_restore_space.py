"""Room for a restore: told in numbers, asked for before anything is touched, given back after a failure."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import IncompatibleError, KinoBackupError, LocationError, NoSpaceError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.plan import RestoreOptions, plan_restore
from kino_backup_tui.core.operations.settle import settle
from kino_backup_tui.core.operations.space import RESERVE_BYTES
from kino_backup_tui.core.progress import Control, JobEvent
from kino_backup_tui.core.restore.journal import Phase
from kino_backup_tui.core.restore.plan import RestorePlan, Safety
from kino_backup_tui.core.workspace import workspace_of
from tests.conftest import write_database
from tests.core.operations.restoring import (
    do,
    execute,
    films,
    leftovers,
    mounted,
    restore,
    small_disk,
    tree,
)
from tests.core.restore.interrupting import die_in
from tests.core.restore.killing import OLD, prepare, state_of
from tests.core.restore.killing import restore as killing_restore

MIB = 1 << 20
NEWER = "INSERT INTO _sqlx_migrations VALUES (3, 'third', '2026-03-01', 1, x'cc03', 5)"
WITHOUT = RestoreOptions(safety_backup=False)


def plan(context: Context, source: Backup | Path, options: RestoreOptions | None = None) -> RestorePlan:
    """The plan, with nobody to watch."""
    return plan_restore(context, source, Control(), options or RestoreOptions())


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """An archive with a database of 4 MiB that does not get smaller."""
    other = Kino(tmp_path / "large")
    other.data_path.mkdir()
    write_database(other.database)
    execute(other, "INSERT INTO film (title, note) VALUES ('large', randomblob(4194304))")
    return create_backup(Context(other), Control(), version="0.4.2").backup.path


@pytest.fixture
def archive_of(tmp_path: Path) -> Callable[..., Path]:
    """Make an archive of another Kino, whose database some statements have changed."""

    def make(*statements: str) -> Path:
        other = Kino(tmp_path / "other")
        other.data_path.mkdir()
        write_database(other.database, films=3)
        execute(other, *statements)
        return create_backup(Context(other), Control(), version="0.5.0").backup.path

    return make


@pytest.fixture
def on_small_disk(tmp_path: Path) -> Iterator[Callable[[int], Context]]:
    """A small Kino on a file system of its own, of so many KiB."""
    mounts = []

    def make(kilobytes: int) -> Context:
        mount = small_disk(tmp_path / "disk", kilobytes)
        mount.__enter__()
        mounts.append(mount)
        kino = Kino(tmp_path / "disk")
        write_database(kino.database)
        kino.config_file.write_text("# small\n")
        return Context(kino)

    yield make
    for mount in mounts:
        mount.__exit__(None, None, None)


def fill(kino: Kino, *, leaving: int) -> Path:
    """Fill its disk but for so many bytes."""
    status = os.statvfs(kino.data_path)
    path = kino.data_path / "film.mkv"
    with path.open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, status.f_bavail * status.f_frsize - leaving)
    return path


def test_every_reason_is_told_at_once(context: Context, kino: Kino, archive_of: Callable[..., Path]) -> None:
    """A backup that is too new, a file mounted on its own, no room: the admin goes to the machine once."""
    path = archive_of(NEWER)
    with mounted(kino.config_file), small_disk(kino.default_location, 64):
        kinds = {type(blocker) for blocker in plan(context, path).blockers}

    assert kinds == {IncompatibleError, LocationError, NoSpaceError}


def test_the_plan_has_the_room_of_each_step_in_numbers(context: Context, kino: Kino, large: Path) -> None:
    """What is unpacked takes its size; the safety backup a copy and an archive."""
    staging, safety = plan(context, large).space

    assert (staging.step, safety.step) == ("Staging", "Safety backup")
    assert 4 * MIB < staging.needed_bytes < 5 * MIB
    size = kino.database.stat().st_size
    assert size < safety.needed_bytes < 2 * size + MIB
    for need in (staging, safety):
        assert need.folder.is_relative_to(kino.data_path)
        assert need.free_bytes > need.needed_bytes


def test_no_room_to_unpack_is_a_reason(on_small_disk: Callable[[int], Context], large: Path) -> None:
    """It says how much is needed, where, and how much is free; nothing is written."""
    context = on_small_disk(4096)
    before = tree(context.kino.data_path)

    (blocker,) = plan(context, large, WITHOUT).blockers

    assert type(blocker) is NoSpaceError
    assert blocker.message.startswith("Staging needs 4.")
    assert str(context.kino.data_path) in blocker.message
    assert tree(context.kino.data_path) == before
    assert leftovers(context.kino) == []


def test_an_archive_of_a_file_is_not_guessed_larger_than_it_is(
    on_small_disk: Callable[[int], Context], large: Path
) -> None:
    """Its manifest tells what it takes: not four times its size."""
    context = on_small_disk(8192)

    assert plan(context, large, WITHOUT).blockers == ()
    assert restore(context, large, WITHOUT).outcome == "ok"
    assert films(context.kino)[-1] == "large"


def test_no_room_for_the_safety_backup_can_be_answered(
    on_small_disk: Callable[[int], Context], large: Path
) -> None:
    """With the option to do without: the replaced files are kept all the same."""
    context = on_small_disk(16384)
    before = tree(context.kino.data_path)

    refused = plan(context, large)

    (blocker,) = refused.blockers
    assert type(blocker) is NoSpaceError
    assert "Safety backup" in blocker.message
    assert "--no-safety-backup" in blocker.hint
    assert tree(context.kino.data_path) == before
    with pytest.raises(AssertionError):
        do(context, refused)
    assert plan(context, large, WITHOUT).safety is Safety.NONE
    assert restore(context, large, WITHOUT).can_roll_back


def test_both_sets_have_to_fit(context: Context, kino: Kino, tmp_path: Path) -> None:
    """What is unpacked lies there when the safety backup is made: each alone would fit."""
    with small_disk(tmp_path / "disk", 330 * 1024):
        small = Kino(tmp_path / "disk")
        shutil.copytree(kino.data_path, small.data_path, dirs_exist_ok=True)
        execute(small, "INSERT INTO film (title, note) VALUES ('large', randomblob(20971520))")
        archive = create_backup(Context(small), Control(), version="0.4.2", use_reserve=True).backup.path
        shutil.move(archive, tmp_path / "archive.tar.gz")

        refused = plan(Context(small), tmp_path / "archive.tar.gz")

    assert [type(blocker) for blocker in refused.blockers] == [NoSpaceError]
    assert all(need.free_bytes - need.needed_bytes > RESERVE_BYTES for need in refused.space)


@pytest.mark.parametrize("begun", [False, True])
def test_a_disk_that_fills_up_meanwhile_is_given_back(
    on_small_disk: Callable[[int], Context], large: Path, begun: bool
) -> None:
    """Before the worker begins to unpack, or while it does: what it wrote goes, and the journal says so."""
    context = on_small_disk(8192)
    confirmed = plan(context, large, WITHOUT)
    before = tree(context.kino.data_path)

    def report(event: JobEvent) -> None:
        if not (context.kino.data_path / "film.mkv").exists() and (event.stage is not None) is begun:
            fill(context.kino, leaving=2 * MIB)

    with pytest.raises(KinoBackupError) as caught:
        do(context, confirmed, WITHOUT, Control(report=report))

    assert type(caught.value) is NoSpaceError
    (context.kino.data_path / "film.mkv").unlink()
    assert tree(context.kino.data_path) == before
    assert leftovers(context.kino) == []
    assert restore(context, large, WITHOUT).outcome == "ok"


def test_going_back_needs_no_room(on_small_disk: Callable[[int], Context], large: Path) -> None:
    """Renames only: it works on a disk that is full but for some kilobytes."""
    from tests.core.operations.restoring import rollback

    context = on_small_disk(8192)
    restore(context, large, WITHOUT)
    fill(context.kino, leaving=256 * 1024)

    assert rollback(context, WITHOUT).outcome == "ok"

    with closing(sqlite3.connect(context.kino.database)) as connection:
        assert connection.execute("SELECT count(*) FROM film").fetchone() == (20,)


@pytest.mark.parametrize("phase", [Phase.SWAPPING, Phase.SWAPPED])
def test_an_interrupted_restore_can_be_undone_on_a_full_disk(tmp_path: Path, phase: Phase) -> None:
    """A Kino that has filled it is a reason to go back; not one byte is free then."""
    bench = prepare(tmp_path)
    with small_disk(bench.kino.data_path, 280 * 1024):
        bench.reset()
        moved = 3 if phase is Phase.SWAPPING else 0
        die_in(workspace_of(bench.kino), phase, killing_restore(bench), moved=moved)
        fill(bench.kino, leaving=0)

        result = settle(bench.context, Control(), "old")

        assert result is not None
        assert result.outcome == "rolled_back"
        assert state_of(bench.kino.data_path) == OLD
