"""The rescue: a current database that is damaged, locked or gone does not stand in the way of a restore."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import IncompatibleError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.listing import list_backups
from kino_backup_tui.core.operations.plan import plan_restore
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.restore.folders import OLD, set_folder
from kino_backup_tui.core.restore.journal import read_record
from kino_backup_tui.core.restore.plan import Safety
from kino_backup_tui.core.workspace import workspace_of
from tests.core.operations.restoring import do, films, restore, rollback, tree

LOCKER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA locking_mode = EXCLUSIVE")
connection.execute("BEGIN EXCLUSIVE")
connection.execute("INSERT INTO film (title) VALUES ('locked')")
print("locked", flush=True)
sys.stdin.readline()
connection.execute("COMMIT")
connection.close()
"""


def damage_page(kino: Kino) -> None:
    """Overwrite the pages behind the schema."""
    data = bytearray(kino.database.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    kino.database.write_bytes(data)


def without_log(kino: Kino) -> None:
    """Take away what a reader has left beside the database."""
    for end in ("-wal", "-shm"):
        kino.database.with_name(f"db.sqlite{end}").unlink(missing_ok=True)


DAMAGE: dict[str, Callable[[Kino], object]] = {
    "garbage": lambda kino: kino.database.write_bytes(b"\xa5" * 50_000),
    "pages": damage_page,
    "truncated": lambda kino: kino.database.write_bytes(kino.database.read_bytes()[:6000]),
    "empty": lambda kino: kino.database.write_bytes(b""),
    "garbage with a log": lambda kino: (
        kino.database.write_bytes(b"\xa5" * 50_000),
        kino.database.with_name("db.sqlite-wal").write_bytes(b"\x5a" * 9000),
    ),
}


def family(kino: Kino) -> dict[str, bytes]:
    """The database's files, byte for byte, without the index and the empty log of a mere reader."""
    files = {path.name: path.read_bytes() for path in kino.data_path.glob("db.sqlite*")}
    return {name: data for name, data in files.items() if name == "db.sqlite" or (data and "shm" not in name)}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_database_is_replaced_and_kept(
    context: Context, kino: Kino, create: Callable[..., Backup], name: str
) -> None:
    """Raw, in a pre-restore backup, from which it can be had back byte for byte, whatever it is good for."""
    backup = create()
    without_log(kino)
    DAMAGE[name](kino)
    before = family(kino)

    result = restore(context, backup)

    assert len(films(kino)) == 20
    (saved,) = [found for found in list_backups(context).backups if found.filename == result.way_back]
    assert saved.manifest is not None
    assert saved.manifest.database_state == "raw"
    (blocker,) = plan_restore(context, saved, Control()).blockers
    assert type(blocker) is IncompatibleError
    record = read_record(workspace_of(kino))
    assert record is not None
    shutil.rmtree(set_folder(workspace_of(kino), record.transaction, OLD))
    rollback(context)
    assert family(kino) == before


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_database_can_be_gone_back_to(
    context: Context, kino: Kino, create: Callable[..., Backup], name: str
) -> None:
    """The kept files are put back as they were."""
    backup = create()
    without_log(kino)
    DAMAGE[name](kino)
    before = tree(kino.data_path, without=(".kino-backup", "backups"))
    restore(context, backup)

    assert rollback(context).outcome == "ok"

    assert tree(kino.data_path, without=(".kino-backup", "backups")) == before


def test_a_missing_database_is_nothing_to_save(
    context: Context, kino: Kino, create: Callable[..., Backup]
) -> None:
    """The settings that are there are put aside with the rest."""
    backup = create()
    without_log(kino)
    kino.database.unlink()

    plan = plan_restore(context, backup, Control())
    result = do(context, plan)

    assert (plan.safety, result.way_back, result.can_roll_back) == (Safety.NONE, "", True)
    assert len(films(kino)) == 20


def test_a_newer_kinos_backup_is_refused_for_a_database_that_cannot_be_read(
    context: Context,
    kino: Kino,
    create: Callable[..., Backup],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its version is all there is to compare; the installed program tells its own."""
    backup = create()
    DAMAGE["garbage"](kino)
    program = tmp_path / "bin" / "kino"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho kino $VERSION\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")

    for installed, fits in (("0.4.1", False), ("0.4.2", True), ("0.4.2-rc.1", False), ("0.5.0-rc.1", True)):
        monkeypatch.setenv("VERSION", installed)
        plan = plan_restore(context, backup, Control())
        assert (plan.blockers == ()) is fits, installed
        assert any("versions are compared by number" in warning for warning in plan.warnings)


def test_a_locked_database_is_restored_once_the_lock_is_gone(
    context: Context, kino: Kino, create: Callable[..., Backup]
) -> None:
    """The plan does not wait for it for ever, and the restore saves what was written under the lock."""
    backup = create()
    with subprocess.Popen(
        [sys.executable, "-c", LOCKER, str(kino.database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        plan = plan_restore(context, backup, Control())
        assert plan.now.schema_version is None
        assert plan.blockers == ()
        # What was confirmed for a database that could not be read is not done to one that can.
        process.communicate("\n")
    result = restore(context, backup)

    assert len(films(kino)) == 20
    rollback(context)
    assert result.outcome == "ok"
    assert films(kino)[-1] == "locked"
