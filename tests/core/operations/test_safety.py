"""The safety backup before a restore: as good as the state allows, honest about it, never in the way."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kino_backup_tui.core.archive.manifest import is_raw
from kino_backup_tui.core.catalog.retention import FateReason
from kino_backup_tui.core.errors import (
    ArchiveDamagedError,
    BusyError,
    DatabaseDamagedError,
    LocationError,
    NotFoundError,
    NotPermittedError,
    OperationCancelledError,
)
from kino_backup_tui.core.jobs.job import Job, run_job
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.import_ import import_backup
from kino_backup_tui.core.operations.listing import find_backup, list_backups
from kino_backup_tui.core.operations.prune import prune
from kino_backup_tui.core.operations.safety import (
    SafetyTaken,
    assess_safety,
    safety_location,
    take_raw_backup,
    take_safety_backup,
)
from kino_backup_tui.core.operations.session import Session, open_session
from kino_backup_tui.core.operations.verify import verify_backup
from kino_backup_tui.core.progress import CancelToken, Control, JobEvent, Stage
from kino_backup_tui.core.restore.plan import Safety
from kino_backup_tui.core.workspace import workspace_of
from tests.as_user import NOBODY, let_others_in, run_as
from tests.core.operations.saving import damage_index, left_behind

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@contextlib.contextmanager
def restoring(context: Context, control: Control | None = None) -> Iterator[tuple[Session, Job]]:
    """A restore that has come to its safety backup."""
    with run_job(workspace_of(context.kino), "restore", context.clock, control or Control()) as job:
        yield open_session(context), job


def take(context: Context, *, raw_now: bool = False, control: Control | None = None) -> SafetyTaken:
    """The safety backup while Kino may run, or with nobody there any more."""
    with restoring(context, control) as (session, job):
        return take_safety_backup(context, session, job, version="0.4.2", allow_raw_now=raw_now)


def take_raw(context: Context) -> SafetyTaken:
    """The one after the stop."""
    with restoring(context) as (session, job):
        return take_raw_backup(context, session, job, version="0.4.2")


def made(taken: SafetyTaken) -> Backup:
    """The backup that was made."""
    assert taken.problem is None, taken.problem
    assert taken.backup is not None
    return taken.backup


def unpacked(backup: Backup) -> dict[str, bytes]:
    """What an archive holds, by the standard library's reader."""
    with tarfile.open(backup.path) as archive:
        files = {member.name: archive.extractfile(member) for member in archive}
        return {name: stream.read() for name, stream in files.items() if stream is not None}


def as_found(kino: Kino) -> dict[str, bytes]:
    """The files of the database, config and secrets."""
    names = [path for path in kino.data_path.glob("db.sqlite*") if path.is_file()]
    files = [*names, kino.config_file, *(path for path in kino.secrets.rglob("*") if path.is_file())]
    return {str(path.relative_to(kino.data_path)): path.read_bytes() for path in files}


def overwrite_pages(kino: Kino) -> None:
    """Garbage over the page of the schema."""
    data = bytearray(kino.database.read_bytes())
    data[100:4096] = b"\xa5" * 3996
    kino.database.write_bytes(data)


def truncate(kino: Kino) -> None:
    """The second half is gone, as after a crash of the file system."""
    os.truncate(kino.database, kino.database.stat().st_size // 2)


def not_a_database(kino: Kino) -> None:
    """Something else under its name."""
    kino.database.write_bytes(b"<html>502 Bad Gateway</html>" * 300)


def empty(kino: Kino) -> None:
    """0 bytes."""
    kino.database.write_bytes(b"")


def damaged_inside(kino: Kino) -> None:
    """Only a check of the index shows it."""
    connection = sqlite3.connect(kino.database)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    damage_index(kino.database)


VISIBLE = [overwrite_pages, not_a_database, empty]
DAMAGE = [*VISIBLE, truncate, damaged_inside]
damages = pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)


def crash(kino: Kino) -> None:
    """Leave the files of a Kino that was killed in the middle of its work: log, its index, a journal."""
    writer = sqlite3.connect(kino.database, isolation_level=None)
    writer.execute("INSERT INTO film (title) VALUES ('only in the log')")
    killed = {end: kino.database.with_name(f"db.sqlite{end}").read_bytes() for end in ("", "-wal", "-shm")}
    writer.close()
    for end, data in {**killed, "-journal": b""}.items():
        kino.database.with_name(f"db.sqlite{end}").write_bytes(data)


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


@damages
def test_a_damaged_database_asks_for_a_raw_backup(
    context: Context, kino: Kino, damage: Callable[[Kino], None]
) -> None:
    """While Kino may have it open, nothing is packed that SQLite does not vouch for, and nothing is left."""
    damage(kino)

    taken = take(context)

    assert (taken.backup, taken.needs_raw) == (None, True)
    assert isinstance(taken.problem, DatabaseDamagedError)
    assert str(kino.database) in taken.problem.message
    assert left_behind(kino) == set()


@damages
def test_a_raw_backup_is_byte_for_byte_what_was_there(
    context: Context, kino: Kino, damage: Callable[[Kino], None]
) -> None:
    """Whatever the damage: database, log, index, journal, config and secrets."""
    damage(kino)
    for end in ("-wal", "-shm", "-journal"):
        kino.database.with_name(f"db.sqlite{end}").write_bytes(os.urandom(5000))
    before = as_found(kino)

    backup = made(take_raw(context))

    files = unpacked(backup)
    del files["manifest.json"]
    assert files == before == as_found(kino)
    assert left_behind(kino) == {backup.filename}


def test_a_raw_backup_of_a_killed_kino_brings_back_its_last_rows(
    context: Context, kino: Kino, tmp_path: Path
) -> None:
    """The files in it are those of one moment: SQLite works the log into the database from them."""
    crash(kino)

    backup = made(take_raw(context))

    back = tmp_path / "back"
    shutil.unpack_archive(backup.path, back, filter="data")
    connection = sqlite3.connect(back / "db.sqlite")
    assert connection.execute("SELECT count(*) FROM film WHERE title = 'only in the log'").fetchone() == (1,)
    connection.close()


def test_a_raw_manifest_claims_nothing_of_the_database(context: Context, kino: Kino) -> None:
    """State raw, pre-restore, no schema, no rows; contents and origin as always."""
    not_a_database(kino)

    manifest = made(take_raw(context)).manifest

    assert manifest is not None
    assert is_raw(manifest)
    assert manifest.kind is BackupKind.PRE_RESTORE
    assert (manifest.schema_version, manifest.migrations, dict(manifest.tables)) == (None, (), {})
    assert (manifest.kino_version, manifest.host, manifest.data_path) == (
        "0.4.2",
        "nas01",
        str(kino.data_path),
    )
    assert [content.path for content in manifest.contents] == [
        "config.toml",
        "db.sqlite",
        "secrets/trakt.json",
    ]


def test_a_raw_backup_is_listed_as_what_it_is(context: Context, kino: Kino) -> None:
    """Neither verified nor damaged, with the reason, also after the cache is lost; never `latest`."""
    not_a_database(kino)
    backup = made(take_raw(context))

    assert (backup.status, backup.verified_at) == (BackupStatus.UNVERIFIED, None)
    assert backup.problem == "Every digest fits. The database in it is kept as it was found, damaged."
    assert list_backups(context).backups == (backup,)
    with pytest.raises(NotFoundError, match="no verified backup"):
        find_backup(context, "latest")
    (kino.data_path / ".kino-backup" / "catalog.json").unlink()
    (listed,) = list_backups(context).backups
    assert (listed.status, listed.checksum_sha256) == (BackupStatus.UNVERIFIED, None)
    assert listed.problem == "The database in it is kept as it was found, damaged."


def test_verifying_a_raw_backup_compares_every_digest(context: Context, kino: Kino) -> None:
    """It passes as what it is; a flipped bit is damage as in any other."""
    empty(kino)
    backup = made(take_raw(context))
    (kino.data_path / ".kino-backup" / "catalog.json").unlink()

    verified = verify_backup(context, find_backup(context, backup.filename), Control())

    assert verified == backup
    data = bytearray(backup.path.read_bytes())
    data[len(data) // 2] ^= 0x10
    backup.path.write_bytes(data)
    with pytest.raises(ArchiveDamagedError):
        verify_backup(context, find_backup(context, backup.filename), Control())
    assert list_backups(context).backups[0].status is BackupStatus.DAMAGED


def test_a_raw_backup_can_be_brought_back_in(context: Context, kino: Kino, tmp_path: Path) -> None:
    """Exported, deleted and imported it keeps its name, and what it is."""
    truncate(kino)
    backup = made(take_raw(context))
    outside = tmp_path / backup.filename
    backup.path.rename(outside)

    created = import_backup(context, outside, Control())

    assert (created.backup.filename, created.backup.status) == (backup.filename, BackupStatus.UNVERIFIED)
    assert created.warnings == (created.backup.problem,)


def test_retention_touches_neither_pre_restore_nor_raw_backups(
    context: Context, kino: Kino, create: Callable[..., Backup]
) -> None:
    """They stay however many scheduled ones there are, and are not counted among them."""
    kino.config_file.write_text("[backup]\nkeep = 1\n")
    sound = made(take(context))
    raw = made(take_raw(context))
    scheduled = [create(BackupKind.SCHEDULED) for _ in range(3)]

    pruned = prune(context, Control())

    assert {backup.filename for backup in pruned.removed} == {old.filename for old in scheduled[:2]}
    assert sound.path.exists()
    assert raw.path.exists()
    fates = list_backups(context).fates
    assert {fates[backup.path].reason for backup in (sound, raw)} == {FateReason.PRE_RESTORE}


def test_with_nobody_there_a_damaged_database_is_packed_at_once(context: Context, kino: Kino) -> None:
    """Sound is tried first; the warnings say why it is not."""
    damaged_inside(kino)

    taken = take(context, raw_now=True)

    backup = made(taken)
    assert backup.manifest is not None
    assert is_raw(backup.manifest)
    assert str(kino.database) in taken.warnings[0]
    assert taken.warnings[1] == "The files of the database are kept in it as they were found."


def test_with_nobody_there_a_sound_database_is_not_packed_raw(context: Context) -> None:
    """Raw is for what cannot be saved otherwise."""
    assert made(take(context, raw_now=True)).status is BackupStatus.VERIFIED


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


@as_root
@pytest.mark.parametrize("name", ["db.sqlite", "db.sqlite-wal"])
def test_a_link_planted_by_kinos_user_is_not_packed_raw(
    context: Context, kino: Kino, tmp_path: Path, name: str
) -> None:
    """It could bring any file of the system into an archive that Kino's user may read."""
    (tmp_path / "roots-own").write_text("secret")
    link = kino.data_path / name
    link.unlink(missing_ok=True)
    link.symlink_to(tmp_path / "roots-own")
    os.chown(link, NOBODY, NOBODY, follow_symlinks=False)

    taken = take_raw(context)

    assert isinstance(taken.problem, NotPermittedError)
    assert left_behind(kino) == set()


def test_a_database_that_is_a_link_is_packed_raw_with_the_files_beside_its_target(
    context: Context, kino: Kino, tmp_path: Path
) -> None:
    """SQLite keeps the log where the file really is."""
    fast = tmp_path / "ssd"
    fast.mkdir()
    kino.database.rename(fast / "kino.db")
    kino.database.symlink_to(fast / "kino.db")
    (fast / "kino.db-wal").write_bytes(b"log")

    assert unpacked(made(take_raw(context)))["db.sqlite-wal"] == b"log"


def test_a_database_that_is_still_written_is_not_packed_raw(
    context: Context, kino: Kino, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files of two moments are no state to go back to."""
    (tmp_path / "cp").write_text('#!/bin/sh\nPATH=/bin:/usr/bin cp "$@" && echo more >>"$3"\n')
    (tmp_path / "cp").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    taken = take_raw(context)

    assert isinstance(taken.problem, BusyError)
    assert left_behind(kino) == set()


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
