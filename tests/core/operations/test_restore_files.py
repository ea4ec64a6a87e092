"""What is on disk after a restore: one whole set with the looks of what it replaced, nothing else touched."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import KinoBackupError, LocationError, UsageError
from kino_backup_tui.core.kino.home import KINO_0_3, Kino
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.listing import list_backups
from kino_backup_tui.core.operations.plan import RestoreOptions, plan_restore
from kino_backup_tui.core.operations.restore import way_back
from kino_backup_tui.core.progress import Control
from tests.conftest import write_database
from tests.core.operations.restoring import change, do, execute, films, leftovers, restore, state, tree
from tests.fakes import FakeClock

WRITER = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA wal_autocheckpoint = 0")
connection.execute("INSERT INTO film (title) VALUES ('in the log')")
os.kill(os.getpid(), signal.SIGKILL)
"""
KEPT = ("backups", ".kino-backup")


def crash(kino: Kino) -> None:
    """Leave Kino's last row in the log, as a power cut does."""
    subprocess.run([sys.executable, "-c", WRITER, str(kino.database)], check=False)
    assert kino.database.with_name("db.sqlite-wal").stat().st_size > 0


def test_everything_is_as_in_the_backup(context: Context, kino: Kino, create: Callable[..., Backup]) -> None:
    """Database, config, secrets; a secret that is younger than the backup is gone, an older one back."""
    backup = create()
    before = state(kino)
    change(kino)

    result = restore(context, backup)

    assert result.outcome == "ok"
    assert state(kino) == before
    assert result.tables is not None
    assert result.tables["film"] == 20


def test_the_old_log_never_meets_the_new_database(
    context: Context, kino: Kino, create: Callable[..., Backup]
) -> None:
    """It is put aside with its database, and saved with it."""
    backup = create()
    crash(kino)

    result = restore(context, backup)

    assert not list(kino.data_path.glob("db.sqlite-*"))
    assert "in the log" not in films(kino)
    (saved,) = [found for found in list_backups(context).backups if found.filename == result.way_back]
    restore(context, saved)
    assert films(kino)[-1] == "in the log"


def test_the_database_that_arrives_is_the_one_of_the_backup_byte_for_byte(
    context: Context, kino: Kino, create: Callable[..., Backup]
) -> None:
    """Its SHA-256 is the one in the manifest."""
    import hashlib

    backup = create()
    change(kino)
    restore(context, backup)

    assert backup.manifest is not None
    digests = {content.path: content.sha256 for content in backup.manifest.contents}
    assert hashlib.sha256(kino.database.read_bytes()).hexdigest() == digests["db.sqlite"]


def test_media_caches_and_logs_are_left_alone(
    context: Context, kino: Kino, create: Callable[..., Backup]
) -> None:
    """To the nanosecond."""
    for name in ("media/film.mkv", "fingerprints/1", "logs/kino.log", "transcode/x.ts"):
        (kino.data_path / name).parent.mkdir()
        (kino.data_path / name).write_bytes(b"x")
    replaced = (*KEPT, "db.sqlite", "config.toml", "secrets")
    backup = create()
    before = tree(kino.data_path, without=replaced)
    change(kino)

    restore(context, backup)

    assert tree(kino.data_path, without=replaced) == before


@pytest.mark.parametrize("missing", ["config.toml", "secrets"])
def test_what_a_backup_does_not_have_is_not_there_afterwards(
    context: Context, kino: Kino, create: Callable[..., Backup], missing: str
) -> None:
    """The set is restored as one; the plan says what leaves and what arrives."""
    path = kino.data_path / missing
    shutil.move(path, kino.data_path.parent / "aside")
    backup = create()
    shutil.move(kino.data_path.parent / "aside", path)

    plan = plan_restore(context, backup, Control())
    do(context, plan)

    assert missing in plan.replaced
    assert missing not in plan.arriving
    assert not path.exists()


@pytest.mark.parametrize("name", ["a [new] backup (1).tar.gz", "-rf.tar.gz", "\udcff.tar.gz", "link.tar.gz"])
def test_an_archive_may_lie_anywhere(
    context: Context, kino: Kino, create: Callable[..., Backup], tmp_path: Path, name: str
) -> None:
    """With brackets and spaces in its name, bytes that are no text, or behind a link; it stays there."""
    folder = tmp_path / "My [old] disk"
    folder.mkdir()
    backup = create()
    before = state(kino)
    change(kino)
    path = folder / name
    if name == "link.tar.gz":
        path.symlink_to(backup.path)
    else:
        shutil.copy(backup.path, path)

    restore(context, path)

    assert state(kino) == before
    assert path.exists()


def test_a_plan_that_is_no_longer_true_is_not_done(
    context: Context, kino: Kino, create: Callable[..., Backup]
) -> None:
    """The archive was exchanged between the question and the answer."""
    backup = create()
    change(kino)
    later = create()
    plan = plan_restore(context, backup.path, Control())
    shutil.copy(later.path, backup.path)
    before = tree(kino.data_path)

    with pytest.raises(UsageError):
        do(context, plan)

    assert tree(kino.data_path) == before
    assert leftovers(kino) == []


def test_an_archive_that_is_damaged_since_the_plan_is_refused(
    context: Context, kino: Kino, create: Callable[..., Backup]
) -> None:
    """The worker reads all of it again."""
    backup = create()
    plan = plan_restore(context, backup, Control())
    backup.path.write_bytes(backup.path.read_bytes()[:-1])
    before = tree(kino.data_path)

    with pytest.raises(KinoBackupError):
        do(context, plan)

    assert tree(kino.data_path) == before
    assert leftovers(kino) == []


def test_everything_listed_before_is_listed_after(
    context: Context, kino: Kino, create: Callable[..., Backup], tmp_path: Path
) -> None:
    """The restored settings name another location; the pre-restore backup is there, and is the way back."""
    first = create()
    elsewhere = tmp_path / "disk"
    elsewhere.mkdir()
    kino.config_file.write_text(f'[backup]\nlocation = "{elsewhere}"\n')
    shutil.copy(first.path, elsewhere / "kino-backup-manual-2026-01-01T00-00-00-v0.4.1.tar.gz")
    before = {backup.path for backup in list_backups(context).backups}
    assert len(before) == 2

    result = restore(context, first)

    after = {backup.path: backup for backup in list_backups(context).backups}
    (new,) = after.keys() - before
    assert before <= after.keys()
    assert (after[new].kind, after[new].status) == (BackupKind.PRE_RESTORE, BackupStatus.VERIFIED)
    assert new.name == result.way_back == way_back(context)


def test_archives_that_were_put_there_by_hand_stay_listed(
    context: Context, kino: Kino, create: Callable[..., Backup], tmp_path: Path
) -> None:
    """Also without a safety backup, which would have made the location known."""
    first = create()
    elsewhere = tmp_path / "disk"
    elsewhere.mkdir()
    shutil.copy(first.path, elsewhere)
    kino.config_file.write_text(f'[backup]\nlocation = "{elsewhere}"\n')
    before = {backup.path for backup in list_backups(context).backups}

    restore(context, first, replace(RestoreOptions(), safety_backup=False))

    assert {backup.path for backup in list_backups(context).backups} == before


def test_a_restore_of_the_same_backup_again_changes_nothing(
    context: Context, kino: Kino, create: Callable[..., Backup]
) -> None:
    """It can be repeated as often as one likes."""
    backup = create()
    before = state(kino)
    for _ in range(2):
        assert restore(context, backup).outcome == "ok"
    assert state(kino) == before


def test_a_data_path_that_is_reached_by_a_link_to_the_database(
    context: Context, kino: Kino, create: Callable[..., Backup], tmp_path: Path
) -> None:
    """A database on a faster disk: the link is replaced, what it leads to stays as it is, log included."""
    backup = create()
    fast = tmp_path / "fast"
    fast.mkdir()
    shutil.move(kino.database, fast / "db.sqlite")
    kino.database.symlink_to(fast / "db.sqlite")
    execute(kino, "INSERT INTO film (title) VALUES ('on the fast disk')")
    before = tree(fast)

    assert restore(context, backup).outcome == "ok"

    assert not kino.database.is_symlink()
    assert len(films(kino)) == 20
    assert tree(fast) == before


def test_a_linked_folder_of_secrets_is_replaced_and_not_walked_into(
    context: Context, kino: Kino, create: Callable[..., Backup], tmp_path: Path
) -> None:
    """What the link leads to stays as it is; the looks of what is there are not taken over."""
    backup = create()
    shutil.move(kino.secrets, tmp_path / "vault")
    (tmp_path / "vault" / "trakt.json").chmod(0o666)
    kino.secrets.symlink_to(tmp_path / "vault")
    before = tree(tmp_path / "vault")

    restore(context, backup)

    assert not kino.secrets.is_symlink()
    assert tree(tmp_path / "vault") == before
    assert (kino.secrets / "trakt.json").stat().st_mode & 0o777 == 0o600


def test_a_link_in_place_of_our_folder_is_not_followed(
    context: Context, kino: Kino, create: Callable[..., Backup], tmp_path: Path
) -> None:
    """Kino's user may write in the data path, and root may be the one who restores."""
    backup = create()
    outside = tmp_path / "outside"
    outside.mkdir()
    plan = plan_restore(context, backup, Control())
    (kino.data_path / ".kino-backup" / "restore").symlink_to(outside)

    with pytest.raises(LocationError):
        do(context, plan)

    assert list(outside.iterdir()) == []
    assert len(films(kino)) == 20


def test_a_kino_0_3_is_restored_with_its_one_file(clock: FakeClock, tmp_path: Path) -> None:
    """Settings and secrets live inside its database; what else lies there is none of it."""
    kino = Kino(tmp_path / "old", KINO_0_3)
    kino.data_path.mkdir()
    write_database(kino.database)
    execute(kino, "CREATE TABLE config (id INTEGER PRIMARY KEY)", "INSERT INTO config VALUES (1)")
    (kino.data_path / "config.toml").write_text("# not Kino's\n")
    context = Context(kino, clock)
    backup = create_backup(context, Control()).backup
    execute(kino, "INSERT INTO film (title) VALUES ('later')")

    plan = plan_restore(context, backup, Control())
    do(context, plan)

    assert (plan.replaced, plan.arriving, plan.changes) == (("kino.db",), ("kino.db",), ())
    assert len(films(kino)) == 20
    assert (kino.data_path / "config.toml").read_text() == "# not Kino's\n"
