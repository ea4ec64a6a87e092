"""create: a verified archive, or nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import (
    ArchiveError,
    BusyError,
    DatabaseDamagedError,
    KinoBackupError,
    LocationError,
    NoSpaceError,
    NotFoundError,
    OperationCancelledError,
)
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.jobs import list_jobs
from kino_backup_tui.core.operations.listing import list_backups
from kino_backup_tui.core.operations.verify import verify_backup
from kino_backup_tui.core.progress import CancelToken, Control, JobEvent, Stage
from tests.as_user import NOBODY, let_others_in, run_as
from tests.core.operations.saving import damage_index, left_behind
from tests.fakes import FakeClock

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def test_a_new_backup_is_verified_and_listed(context: Context, create: Callable[[], Backup]) -> None:
    """What create returns is what the list shows, and verifying it again agrees."""
    backup = create()

    assert backup.status is BackupStatus.VERIFIED
    assert list_backups(context).backups == (backup,)
    assert verify_backup(context, backup, Control()).checksum_sha256 == backup.checksum_sha256


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (BackupKind.MANUAL, "kino-backup-manual-2026-04-26T11-00-00-v0.4.2.tar.gz"),
        (BackupKind.SCHEDULED, "kino-backup-scheduled-2026-04-26T11-00-00-v0.4.2.tar.gz"),
        (BackupKind.PRE_RESTORE, "kino-backup-pre-restore-2026-04-26T11-00-00-v0.4.2.tar.gz"),
    ],
)
def test_the_name_says_kind_local_time_and_version(
    create: Callable[..., Backup], kind: BackupKind, name: str
) -> None:
    """The file name sorts by kind and carries the time of the host's zone."""
    assert create(kind).filename == name


def test_the_manifest_tells_all(create: Callable[[], Backup], kino: Kino) -> None:
    """Contents, schema, rows, what was left out, and where it comes from."""
    manifest = create().manifest

    assert manifest is not None
    assert [content.path for content in manifest.contents] == [
        "config.toml",
        "db.sqlite",
        "secrets/trakt.json",
    ]
    assert manifest.schema_version == 2
    assert [migration.checksum for migration in manifest.migrations] == ["aa01", "bb02"]
    assert manifest.tables == {"_sqlx_migrations": 2, "film": 20, "series": 0}
    assert [item.path for item in manifest.left_out] == ["trickplay/"]
    assert (manifest.host, manifest.data_path) == ("nas01", str(kino.data_path))
    assert manifest.created_at is not None
    assert manifest.created_at.isoformat() == "2026-04-26T11:00:00+02:00"


def test_media_and_caches_are_never_in_it(create: Callable[[], Backup]) -> None:
    """Only what restores Kino's state is packed."""
    manifest = create().manifest

    assert manifest is not None
    assert not any("trickplay" in content.path for content in manifest.contents)


def test_a_second_backup_in_the_same_second_gets_a_number(context: Context, clock: FakeClock) -> None:
    """Nothing is overwritten: the taken name gets ~2."""
    first = create_backup(context, Control(), version="1").backup
    second = create_backup(context, Control(), version="1").backup

    assert second.filename == first.filename.replace(".tar.gz", "~2.tar.gz")
    assert first.path.exists()


def test_the_archive_is_private_under_any_umask(context: Context) -> None:
    """0600 for files and 0700 for folders, from their creation on."""
    seen: set[int] = set()

    def look(_event: JobEvent) -> None:
        for path in context.kino.data_path.rglob("*.partial"):
            seen.add(stat.S_IMODE(path.stat().st_mode))

    before = os.umask(0)
    try:
        backup = create_backup(context, Control(report=look)).backup
    finally:
        os.umask(before)

    folders = [backup.path.parent, *(path for path in context.kino.data_path.rglob(".kino-backup/**/"))]
    assert seen == {0o600}
    assert stat.S_IMODE(backup.path.stat().st_mode) == 0o600
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}


@as_root
def test_what_root_creates_belongs_to_the_owner_of_the_database(context: Context, kino: Kino) -> None:
    """Kino's own user can read and delete the backups that root has made."""
    for path in (kino.data_path, *kino.data_path.rglob("*")):
        os.chown(path, NOBODY, NOBODY)

    backup = create_backup(context, Control()).backup

    created = [backup.path, backup.path.parent, *(kino.data_path / ".kino-backup").rglob("*")]
    assert {(path.stat().st_uid, path.stat().st_gid) for path in created} == {(NOBODY, NOBODY)}


def test_the_same_contents_make_the_same_archive(context: Context) -> None:
    """No time, owner or name of this machine gets into the bytes."""
    first = create_backup(context, Control(), version="1").backup
    second = create_backup(context, Control(), version="1").backup

    assert first.checksum_sha256 == second.checksum_sha256


def test_two_at_once_wait_for_each_other(kino: Kino) -> None:
    """Two processes that create at the same time make two verified backups."""
    code = (
        "import sys; from pathlib import Path\n"
        "from kino_backup_tui.core.kino.home import Kino\n"
        "from kino_backup_tui.core.operations.context import Context\n"
        "from kino_backup_tui.core.operations.create import create_backup\n"
        "from kino_backup_tui.core.progress import Control\n"
        "create_backup(Context(Kino(Path(sys.argv[1]))), Control())\n"
    )
    runs = [subprocess.Popen([sys.executable, "-c", code, str(kino.data_path)]) for _ in range(3)]

    assert [run.wait() for run in runs] == [0, 0, 0]
    backups = list_backups(Context(kino)).backups
    assert [backup.status for backup in backups] == [BackupStatus.VERIFIED] * 3


def test_a_second_one_can_refuse_to_wait(context: Context) -> None:
    """With no patience the answer is at once, and says who is running."""
    refused: list[BusyError] = []

    def try_too(event: JobEvent) -> None:
        if event.stage is Stage.PACKING and not refused:
            with pytest.raises(BusyError) as caught:
                create_backup(context, Control(wait_seconds=0))
            refused.append(caught.value)

    create_backup(context, Control(report=try_too))

    assert f"create, process {os.getpid()}" in refused[0].message


@pytest.mark.parametrize("stage", [Stage.DATABASE_SNAPSHOT, Stage.HASHING, Stage.PACKING, Stage.READING_BACK])
def test_a_cancel_at_any_stage_leaves_nothing(context: Context, stage: Stage) -> None:
    """No partial, no scratch copy, no lock; the next backup succeeds."""
    cancel = CancelToken()

    def stop(event: JobEvent) -> None:
        if event.stage is stage:
            cancel.cancel()

    with pytest.raises(OperationCancelledError):
        create_backup(context, Control(cancel=cancel, report=stop))

    assert left_behind(context.kino) == set()
    assert list_jobs(context)[0].outcome == "cancelled"
    assert create_backup(context, Control(wait_seconds=0)).backup.status is BackupStatus.VERIFIED


def test_what_a_killed_run_left_is_swept_by_the_next(
    context: Context, kino: Kino, create: Callable[[], Backup]
) -> None:
    """A partial archive and a scratch copy that nobody holds are removed."""
    create()
    partial = kino.default_location / ".kino-backup-manual-2026-01-01T00-00-00-v1.tar.gz.partial"
    partial.write_bytes(b"half")
    scratch = kino.data_path / ".kino-backup" / "scratch" / ("dead" * 4)
    scratch.mkdir()
    (scratch / "db.sqlite").write_bytes(b"copy")

    create()

    assert not partial.exists()
    assert not scratch.exists()


def test_a_damaged_database_is_not_kept_as_a_backup(
    context: Context, kino: Kino, create: Callable[[], Backup]
) -> None:
    """The copy fails its integrity check: an error, and the earlier backups stay as they are."""
    before = create()
    connection = sqlite3.connect(kino.database)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    damage_index(kino.database)

    with pytest.raises(DatabaseDamagedError) as caught:
        create()

    assert str(kino.database) in caught.value.message
    assert left_behind(kino) == {before.filename}


def test_a_missing_database_says_where_it_was_expected(context: Context, kino: Kino) -> None:
    """Nothing to back up: exit with the path, and nothing written to the location."""
    kino.database.unlink()

    with pytest.raises(NotFoundError, match=r"db\.sqlite"):
        create_backup(context, Control())

    assert left_behind(kino) == set()


def test_a_location_that_is_not_there_is_named(context: Context, kino: Kino, tmp_path: Path) -> None:
    """A custom location is never created: it is most likely not mounted."""
    kino.config_file.write_text(f'[backup]\nlocation = "{tmp_path}/nas"\n')

    with pytest.raises(LocationError, match="does not exist"):
        create_backup(context, Control())

    assert not (tmp_path / "nas").exists()


def test_a_location_that_is_a_file_is_named(context: Context, kino: Kino, tmp_path: Path) -> None:
    """Not a folder: the error says so."""
    (tmp_path / "nas").write_text("")
    kino.config_file.write_text(f'[backup]\nlocation = "{tmp_path}/nas"\n')

    with pytest.raises(LocationError, match="is not a folder"):
        create_backup(context, Control())


def test_another_disk_at_the_location_is_refused_until_accepted(
    context: Context, kino: Kino, create: Callable[..., Backup]
) -> None:
    """The marker file is gone with the disk that carried it: nothing is written before the admin says so."""
    create()
    for path in kino.default_location.iterdir():
        path.unlink()

    with pytest.raises(LocationError, match="not the one used so far"):
        create()

    assert left_behind(kino) == set()
    assert create(accept_location=True).status is BackupStatus.VERIFIED
    assert create().status is BackupStatus.VERIFIED


def test_a_swapped_archive_is_noticed_before_it_is_published(context: Context, kino: Kino) -> None:
    """Bytes that were altered on their way to the disk are an error, and nothing is kept."""

    def tamper(event: JobEvent) -> None:
        if event.stage is Stage.READING_BACK and event.event == "stage":
            (partial,) = kino.default_location.glob(".*.partial")
            with partial.open("r+b") as stream:
                stream.seek(partial.stat().st_size // 2)
                stream.write(b"\0" * 64)

    with pytest.raises(ArchiveError):
        create_backup(context, Control(report=tamper))

    assert left_behind(kino) == set()


def test_the_reserve_is_kept_free_for_kino(
    context: Context, kino: Kino, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With more reserve than there is space, only --use-reserve goes on."""
    monkeypatch.setattr("kino_backup_tui.core.operations.space.RESERVE_BYTES", 2**60)

    with pytest.raises(NoSpaceError) as caught:
        create_backup(context, Control())

    assert "--use-reserve" in caught.value.hint
    assert create_backup(context, Control(), use_reserve=True).backup.status is BackupStatus.VERIFIED


def test_a_scratch_folder_that_is_a_link_is_not_swept(context: Context, kino: Kino, tmp_path: Path) -> None:
    """Whoever may write to the data path could otherwise have root empty any folder."""
    precious = tmp_path / "precious" / ("ab" * 8)
    precious.mkdir(parents=True)
    (kino.data_path / ".kino-backup").mkdir()
    (kino.data_path / ".kino-backup" / "scratch").symlink_to(tmp_path / "precious")

    with pytest.raises(LocationError, match="is not a folder"):
        create_backup(context, Control())

    assert precious.exists()


def test_a_location_that_is_a_link_is_used(context: Context, kino: Kino, tmp_path: Path) -> None:
    """Many point the folder backups at a NAS by a link."""
    (tmp_path / "nas").mkdir()
    kino.default_location.symlink_to(tmp_path / "nas")

    backup = create_backup(context, Control()).backup

    assert (tmp_path / "nas" / backup.filename).exists()
    assert list_backups(context).backups == (backup,)


@as_root
@pytest.mark.parametrize("name", ["trickplay", ".kino-backup"])
def test_folders_that_lead_where_this_user_may_not_look_are_no_crash(
    context: Context, kino: Kino, tmp_path: Path, name: str
) -> None:
    """Of what is never saved it does not matter; a working folder of that kind is refused."""
    closed = tmp_path / "closed"
    (closed / name).mkdir(parents=True)
    closed.chmod(0o700)
    shutil.rmtree(kino.data_path / name, ignore_errors=True)
    (kino.data_path / name).symlink_to(closed / name)
    let_others_in(kino.database)
    for path in (kino.data_path, *kino.data_path.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)

    def attempt() -> str:
        try:
            return create_backup(context, Control(), version="0.4.2").backup.status
        except KinoBackupError as error:
            return error.code

    assert run_as(NOBODY, attempt) == {
        "trickplay": "verified",
        ".kino-backup": "location_unavailable",
    }.get(name)
