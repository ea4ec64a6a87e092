"""The plan of a restore: every reason against it at once, each of its own kind, and nothing touched."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import (
    ArchiveDamagedError,
    ArchiveRefusedError,
    DatabaseDamagedError,
    IncompatibleError,
    KinoBackupError,
    NotFoundError,
    OperationCancelledError,
    UsageError,
)
from kino_backup_tui.core.kino.home import KINO_0_3, Kino
from kino_backup_tui.core.models import Backup
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.listing import list_backups
from kino_backup_tui.core.operations.plan import RestoreOptions, plan_restore
from kino_backup_tui.core.progress import CancelToken, Control, JobEvent, Stage
from kino_backup_tui.core.restore.journal import Phase, Record, write_record
from kino_backup_tui.core.restore.plan import RestorePlan, Safety
from kino_backup_tui.core.workspace import workspace_of
from tests.conftest import write_database
from tests.core.archive.archives import honest, manifest_for, member, packed, tar
from tests.core.operations.restoring import change, do, execute, leftovers, restore, tree

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
NEWER = "INSERT INTO _sqlx_migrations VALUES (3, 'third', '2026-03-01', 1, x'cc03', 5)"
OTHER_BUILD = "UPDATE _sqlx_migrations SET checksum = x'0b' WHERE version = 2"
OLDER = "DELETE FROM _sqlx_migrations WHERE version = 2"


def plan(context: Context, source: Backup | Path, **options: bool) -> RestorePlan:
    """The plan, with nobody to watch."""
    return plan_restore(context, source, Control(), RestoreOptions(**options))


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


def written(folder: Path, data: bytes) -> Path:
    """A file that claims to be an archive."""
    path = folder / "file.tar.gz"
    path.write_bytes(data)
    return path


def of_other_layout(folder: Path) -> Path:
    """An archive of a Kino 0.3."""
    database = folder / "kino.db"
    write_database(database)
    old = Kino(folder / "old", KINO_0_3)
    old.data_path.mkdir()
    shutil.move(database, old.database)
    return create_backup(Context(old), Control()).backup.path


REFUSED: dict[str, tuple[Callable[[Path], bytes], type[KinoBackupError], str]] = {
    "damaged": (lambda _: honest()[:-20], ArchiveDamagedError, ""),
    "foreign": (lambda _: b"PK\x03\x04" + bytes(900), ArchiveDamagedError, ""),
    "wrong member": (
        lambda _: packed(
            tar(
                member("manifest.json", manifest_for({}, format=None)),
                member("readme.txt", b"x"),
                member("db.sqlite"),
            )
        ),
        ArchiveRefusedError,
        "readme.txt",
    ),
    "not a database": (lambda _: honest(), DatabaseDamagedError, "database"),
    "a file that is also a folder": (
        lambda _: honest({"secrets/a": b"1", "secrets/a/b": b"2"}),
        ArchiveRefusedError,
        "secrets/a",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_archive_that_cannot_be_used_is_a_reason(
    context: Context, kino: Kino, tmp_path: Path, name: str
) -> None:
    """Of its own kind, naming what is wrong; nothing in the data path has changed, nothing is left."""
    make, kind, word = REFUSED[name]
    path = written(tmp_path, make(tmp_path))
    before = tree(kino.data_path)

    (blocker,) = plan(context, path).blockers

    assert type(blocker) is kind
    assert word in blocker.message
    assert tree(kino.data_path) == before
    assert leftovers(kino) == []


@pytest.mark.parametrize(
    ("statement", "words"),
    [(NEWER, "newer schema version"), (OTHER_BUILD, "Migration 2 of the backup (Kino 0.5.0) is another")],
)
def test_a_backup_of_another_kino_is_incompatible(
    context: Context, kino: Kino, archive_of: Callable[..., Path], statement: str, words: str
) -> None:
    """Each with a message of its own and a way out."""
    before = tree(kino.data_path)

    result = plan(context, archive_of(statement))

    (blocker,) = result.blockers
    assert type(blocker) is IncompatibleError
    assert words in blocker.message
    assert blocker.hint
    assert (result.backup.kino_version, result.now.schema_version) == ("0.5.0", 2)
    assert tree(kino.data_path) == before
    assert leftovers(kino) == []


def test_an_older_backup_can_be_restored(context: Context, archive_of: Callable[..., Path]) -> None:
    """Both sides are shown in numbers, and Kino migrates at its next start."""
    result = plan(context, archive_of(OLDER))

    assert result.blockers == ()
    assert (result.backup.schema_version, result.now.schema_version) == (1, 2)
    assert result.backup.tables is not None
    assert result.now.tables is not None
    assert (result.backup.tables["film"], result.now.tables["film"]) == (3, 20)


def test_a_backup_of_the_other_layout_is_incompatible(context: Context, tmp_path: Path) -> None:
    """Its database has another name and holds the settings, too."""
    (blocker,) = plan(context, of_other_layout(tmp_path)).blockers

    assert type(blocker) is IncompatibleError
    assert "kino-0.3 (kino.db)" in blocker.message


def test_what_is_listed_as_foreign_is_refused_by_its_name(context: Context, kino: Kino) -> None:
    """Without a second look at it."""
    kino.default_location.mkdir()
    written(kino.default_location, b"x" * 900)
    (foreign,) = list_backups(context, everything=True).backups

    (blocker,) = plan(context, foreign).blockers

    assert isinstance(blocker, (ArchiveDamagedError, ArchiveRefusedError))
    assert "file.tar.gz" in blocker.message


def test_a_file_that_is_not_there_is_no_plan(context: Context, tmp_path: Path) -> None:
    """Nor are a folder and a pipe."""
    with pytest.raises(NotFoundError):
        plan(context, tmp_path / "missing.tar.gz")
    os.mkfifo(tmp_path / "pipe")
    for odd in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(UsageError):
            plan(context, odd)


def test_a_plan_can_be_cancelled(context: Context, kino: Kino, create: Callable[..., Backup]) -> None:
    """While the archive is read; nothing is left of it."""
    backup = create()
    cancel = CancelToken()

    def report(event: JobEvent) -> None:
        if event.stage is Stage.CHECKING_ARCHIVE:
            cancel.cancel()

    with pytest.raises(OperationCancelledError):
        plan_restore(context, backup, Control(cancel, report))
    assert leftovers(kino) == []


def test_a_pipe_in_the_place_of_the_settings_is_not_waited_for(
    context: Context, kino: Kino, create: Callable[..., Backup]
) -> None:
    """Nobody may ever write to it; it is as good as no settings, of which nothing can be compared."""
    (kino.data_path / "config.toml").write_text("[server]\nport = 8080\n")
    backup = create()
    kino.config_file.unlink()
    os.mkfifo(kino.config_file)

    changes = plan(context, backup).changes

    assert [(change.setting, change.then) for change in changes] == [("server.port", "8080")]


def test_a_linked_config_is_replaced_by_a_file(
    context: Context, kino: Kino, create: Callable[..., Backup], tmp_path: Path
) -> None:
    """It is said that what the link leads to stays."""
    backup = create()
    shutil.move(kino.config_file, tmp_path / "elsewhere.toml")
    kino.config_file.symlink_to(tmp_path / "elsewhere.toml")

    result = plan(context, backup)

    assert result.blockers == ()
    assert any(f"{kino.config_file} is a link" in warning for warning in result.warnings)


@pytest.mark.parametrize("phase", [Phase.QUIESCING, Phase.SWAPPING, Phase.ROLLING_BACK])
def test_a_database_that_is_being_replaced_is_not_opened(
    context: Context, kino: Kino, create: Callable[..., Backup], phase: Phase
) -> None:
    """SQLite would put a log and an index beside it, and the restore that runs would find them in its way."""
    backup = create()
    for beside in kino.data_path.glob("db.sqlite-*"):
        beside.unlink()
    record = Record("0" * 16, "job", "restore", "a", context.clock.now(), phase, kino.layout.name)
    write_record(workspace_of(kino), record)

    found = plan(context, backup)

    assert "is not settled" in found.blockers[0].message
    assert found.warnings == ()
    assert [path.name for path in kino.data_path.glob("db.sqlite*")] == ["db.sqlite"]


def test_a_fresh_machine_has_nothing_to_lose(
    context: Context, tmp_path: Path, create: Callable[..., Backup]
) -> None:
    """Nothing is replaced, nothing saved, and nothing known of what is there now."""
    fresh = Kino(tmp_path / "fresh")
    fresh.data_path.mkdir()

    result = plan(Context(fresh), create().path)

    assert result.blockers == ()
    assert (result.replaced, result.safety, result.running) == ((), Safety.NONE, False)
    assert (result.now.schema_version, result.now.tables) == (None, None)
    assert result.arriving == ("config.toml", "db.sqlite", "secrets")


def test_the_plan_is_the_same_when_kino_has_written(
    context: Context, kino: Kino, create: Callable[..., Backup]
) -> None:
    """Figures change while it runs; what would be done does not."""
    backup = create()
    first = plan(context, backup)
    with closing(sqlite3.connect(kino.database)):
        execute(kino, "INSERT INTO film (title) VALUES ('Later')")
        second = plan(context, backup)

    assert first.now.tables != second.now.tables
    assert first.fingerprint == second.fingerprint


def test_the_plan_is_another_when_the_archive_was_exchanged(
    context: Context, kino: Kino, create: Callable[..., Backup]
) -> None:
    """Or when a file is no longer there to be replaced, or no safety backup is wanted."""
    backup = create()
    first = plan(context, backup).fingerprint
    others = {plan(context, backup, safety_backup=False).fingerprint}
    change(kino)
    later = create()
    shutil.copy(later.path, backup.path)
    others.add(plan(context, backup.path).fingerprint)
    kino.config_file.unlink()
    others.add(plan(context, backup.path).fingerprint)

    assert len(others | {first}) == 4


def test_a_backup_from_before_an_older_one_was_restored_is_not_newer(
    context: Context, create: Callable[..., Backup], archive_of: Callable[..., Path]
) -> None:
    """Until Kino has migrated the older database, what it knows is told by the backup that was made first."""
    newest = create()
    restore(context, archive_of(OLDER))

    result = plan(context, newest)

    assert result.now.schema_version == 1
    assert result.blockers == ()
    assert restore(context, newest).outcome == "ok"


def test_a_plan_made_before_another_restore_is_not_carried_out_after_it(
    context: Context, kino: Kino, create: Callable[..., Backup]
) -> None:
    """What was confirmed for one state is not done to another, however alike the two are."""
    backup = create()
    confirmed = plan(context, backup)
    restore(context, backup)
    before = tree(kino.data_path, without=(".kino-backup", "backups"))

    with pytest.raises(UsageError, match="has changed since it was confirmed"):
        do(context, confirmed)

    assert tree(kino.data_path, without=(".kino-backup", "backups")) == before
