"""The safety backup before a restore: as good as the state allows, honest about it, never in the way."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import BusyError, LocationError, OperationCancelledError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.listing import list_backups
from kino_backup_tui.core.operations.safety import (
    SafetyTaken,
    assess_safety,
    safety_location,
    take_safety_backup,
)
from kino_backup_tui.core.operations.verify import verify_backup
from kino_backup_tui.core.progress import CancelToken, Control, JobEvent, Stage
from kino_backup_tui.core.restore.plan import Safety
from tests.as_user import NOBODY, let_others_in, run_as
from tests.core.operations.saving import (
    VISIBLE,
    as_found,
    left_behind,
    made,
    restoring,
    take,
    take_raw,
    unpacked,
)

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def test_a_sound_state_is_saved_as_a_verified_pre_restore_backup(
    context: Context, live_writer: sqlite3.Connection
) -> None:
    """Kino runs, and what it wrote last is in it."""
    live_writer.execute("INSERT INTO film (title) VALUES ('new')")

    taken = take(context)

    backup = made(taken)
    assert (backup.kind, backup.status) == (BackupKind.PRE_RESTORE, BackupStatus.VERIFIED)
    assert backup.filename == "kino-backup-pre-restore-2026-04-26T11-00-00-v0.4.2.tar.gz"
    assert backup.manifest is not None
    assert backup.manifest.tables["film"] == 21
    assert (taken.warnings, taken.needs_raw) == ((), False)
    assert verify_backup(context, backup, Control()).status is BackupStatus.VERIFIED


def test_it_is_part_of_the_job_that_takes_it(context: Context) -> None:
    """One lock, one journal: its steps are told as one stage of the restore."""
    events: list[JobEvent] = []

    with (
        restoring(context, Control(report=events.append, wait_seconds=0)) as (session, job),
        job.as_one_stage(Stage.SAFETY_BACKUP),
    ):
        taken = take_safety_backup(context, session, job, version="1", allow_raw_now=False)

    assert taken.backup is not None
    assert {event.stage for event in events if event.event == "stage"} == {Stage.SAFETY_BACKUP}
    assert {event.operation for event in events} == {"restore"}


def test_a_locked_database_can_be_saved_once_the_lock_is_gone(
    context: Context, kino: Kino, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Kino that hangs with the database to itself: not now, but soundly after the stop."""
    monkeypatch.setattr("kino_backup_tui.core.archive.snapshot.BUSY_SECONDS", 0.3)
    hanging = sqlite3.connect(kino.database, isolation_level=None)
    hanging.execute("PRAGMA locking_mode = EXCLUSIVE")
    hanging.execute("BEGIN EXCLUSIVE")

    taken = take(context)
    hanging.close()

    assert isinstance(taken.problem, BusyError)
    assert taken.needs_raw
    assert made(take(context, raw_now=True)).status is BackupStatus.VERIFIED


def test_no_database_is_nothing_to_save(context: Context, kino: Kino) -> None:
    """A fresh machine: no backup, no problem, nothing written to a location."""
    kino.database.unlink()

    with restoring(context) as (session, _job):
        outlook = assess_safety(context, session)

    assert (outlook.safety, outlook.location, outlook.space) == (Safety.NONE, None, ())
    assert take(context) == take_raw(context) == SafetyTaken()
    assert not kino.default_location.exists()


def test_a_cancel_leaves_nothing(context: Context, kino: Kino) -> None:
    """It is the one thing that comes out as an error."""
    cancel = CancelToken()

    def stop(event: JobEvent) -> None:
        if event.stage is Stage.PACKING:
            cancel.cancel()

    with pytest.raises(OperationCancelledError):
        take(context, control=Control(cancel=cancel, report=stop))

    assert left_behind(kino) == set()


def test_a_missing_location_is_replaced_by_the_data_paths_own(
    context: Context, kino: Kino, tmp_path: Path
) -> None:
    """The NAS is not mounted: the backup is made all the same, listed, and the warning says where it is."""
    kino.config_file.write_text(f'[backup]\nlocation = "{tmp_path}/nas"\n')

    taken = take(context)

    backup = made(taken)
    assert backup.path.parent == kino.default_location
    assert backup.elsewhere
    assert taken.warnings == (
        f"The backup location {tmp_path}/nas does not exist. "
        f"The safety backup goes to {kino.default_location}.",
    )
    assert list_backups(context).backups == (backup,)
    assert not (tmp_path / "nas").exists()


def test_another_disk_at_the_default_location_takes_it_and_is_not_adopted(
    context: Context, kino: Kino, create: Callable[..., Backup]
) -> None:
    """It does not get in the way, and the next ordinary backup is still refused there."""
    create()
    shutil.rmtree(kino.default_location)
    kino.default_location.mkdir()

    backup = made(take(context))

    assert list_backups(context).backups == (backup,)
    with pytest.raises(LocationError, match="not the one used so far"):
        create()


def test_nothing_is_written_where_the_disk_of_the_default_location_is_missing(
    context: Context, kino: Kino, create: Callable[..., Backup]
) -> None:
    """What lies below a mount point is hidden once its disk is back: a folder of our own takes it."""
    create()
    shutil.rmtree(kino.default_location)

    taken = take(context)
    backup = made(taken)

    assert not kino.default_location.exists()
    assert backup.path.parent == kino.data_path / ".kino-backup" / "backups"
    assert backup.path.parent.stat().st_mode & 0o777 == 0o700
    assert str(backup.path.parent) in taken.warnings[0]
    assert backup.path in {found.path for found in list_backups(context).backups}


def test_no_place_at_all_is_a_problem_and_not_an_error(context: Context, kino: Kino, tmp_path: Path) -> None:
    """The restore goes on without: it keeps the replaced files."""
    kino.config_file.write_text(f'[backup]\nlocation = "{tmp_path}/nas"\n')
    kino.default_location.write_text("a file")

    with restoring(context) as (session, _job):
        assert safety_location(session)[0] == kino.default_location
        outlook = assess_safety(context, session)
    taken = take(context)

    assert (outlook.safety, outlook.location) == (Safety.NONE, None)
    assert "is not a folder" in outlook.warnings[0]
    assert isinstance(taken.problem, LocationError)
    assert (taken.backup, taken.needs_raw) == (None, False)


def test_a_location_that_fails_while_it_is_written_is_left_for_the_data_paths_own(
    context: Context, kino: Kino, tmp_path: Path
) -> None:
    """The mount goes away between the look and the archive."""
    nas = tmp_path / "nas"
    nas.mkdir()
    (nas / ".kino-backup-location").write_text("known\n")
    kino.config_file.write_text(f'[backup]\nlocation = "{nas}"\n')

    def lose(event: JobEvent) -> None:
        if event.stage is Stage.HASHING and event.event == "stage" and nas.exists():
            shutil.rmtree(nas)

    taken = take(context, control=Control(report=lose))

    assert made(taken).path.parent == kino.default_location
    assert str(nas) in taken.warnings[0]


def test_a_broken_config_goes_in_as_it_is(context: Context, kino: Kino) -> None:
    """Nobody has to repair the settings to be rescued."""
    kino.config_file.write_bytes(b"[backup\nkeep = what\xff")

    assert unpacked(made(take(context)))["config.toml"] == b"[backup\nkeep = what\xff"


@as_root
def test_an_unreadable_secret_is_left_out_with_a_warning(context: Context, kino: Kino) -> None:
    """Also a whole folder; an ordinary backup refuses."""
    (kino.secrets / "closed").mkdir()
    (kino.secrets / "mine").write_text("x")
    for path in (kino.data_path, *kino.data_path.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    (kino.secrets / "mine").chmod(0)
    (kino.secrets / "closed").chmod(0)
    let_others_in(kino.data_path)

    said = run_as(NOBODY, lambda: "\n".join(take(context).warnings))

    assert said.splitlines() == [
        "secrets/mine is not in the backup: it cannot be read (Permission denied).",
        "secrets/closed/ is not in the backup: it cannot be read (Permission denied).",
    ]
    (listed,) = list_backups(context).backups
    assert listed.manifest is not None
    assert [item.path for item in listed.manifest.left_out[:2]] == ["secrets/mine", "secrets/closed/"]


@pytest.mark.parametrize("damage", [None, *VISIBLE], ids=lambda damage: getattr(damage, "__name__", "sound"))
def test_a_quick_look_says_what_it_will_be(
    context: Context, kino: Kino, damage: Callable[[Kino], None] | None
) -> None:
    """A sound database or not, where it goes, and the room for the copies and the archive in one sum."""
    if damage:
        damage(kino)
    before = as_found(kino)

    with restoring(context) as (session, _job):
        outlook = assess_safety(context, session)

    assert outlook.safety is (Safety.RAW if damage else Safety.BACKUP)
    assert outlook.location == kino.default_location
    (need,) = outlook.space
    assert need.folder == kino.data_path
    assert need.needed_bytes > sum(len(data) for data in before.values())
    assert outlook.no_room is None
    assert bool(outlook.warnings) is (damage is not None)
    assert before.items() <= as_found(kino).items()
    assert not kino.default_location.exists()


def test_the_quick_look_knows_how_small_archives_of_this_library_are(
    context: Context, kino: Kino, create: Callable[..., Backup]
) -> None:
    """The newest backup shows it; without one, the archive may need as much as its contents."""
    connection = sqlite3.connect(kino.database)
    connection.execute("INSERT INTO film (title, note) VALUES ('long', ?)", ("x" * 3_000_000,))
    connection.commit()
    connection.close()
    with restoring(context) as (session, _job):
        (first,) = assess_safety(context, session).space
    create()
    with restoring(context) as (session, _job):
        (second,) = assess_safety(context, session).space

    assert first.needed_bytes > 6_000_000
    assert 3_000_000 < second.needed_bytes < 4_000_000


def test_the_quick_look_says_what_does_not_fit_with_the_way_out(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept free for Kino counts, and the hint is the option."""
    monkeypatch.setattr("kino_backup_tui.core.operations.space.RESERVE_BYTES", 2**60)

    with restoring(context) as (session, _job):
        no_room = assess_safety(context, session).no_room

    assert no_room is not None
    assert "kept free for Kino" in no_room.message
    assert "--no-safety-backup" in no_room.hint
