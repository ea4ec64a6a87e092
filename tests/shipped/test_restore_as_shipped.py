"""A restore on Kino 0.3: what Kino's documentation promises, its own restore does not keep, and ours does."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import IncompatibleError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.import_ import import_backup
from kino_backup_tui.core.operations.plan import plan_restore
from kino_backup_tui.core.progress import Control
from kino_backup_tui.demo.schema import open_database
from kino_backup_tui.demo.shipped.backing_up import back_up
from kino_backup_tui.demo.shipped.data_path import write_shipped_kino
from kino_backup_tui.demo.shipped.restoring import extract_database
from tests.core.operations.restoring import do, restore, rollback, tree
from tests.shipped.serving import PATIENCE, ask, key_of, running_server, upload, values

BackUp = Callable[..., Path]
ADD_FILM = "INSERT INTO movie (tmdb_id, title, added_at) VALUES (77, 'Only in the log', '')"
FILM = "SELECT title FROM movie WHERE tmdb_id = 77"


def listed(kino: Kino) -> dict[str, str]:
    """What Kino's own page lists once it runs: kinds by file name."""
    with running_server(kino.data_path) as server:
        backups = ask(f"{server.url}/api/v1/backups", headers=key_of(kino.database))
    return {backup["filename"]: backup["kind"] for backup in backups}


def add_film_and_kill_kino(kino: Kino) -> None:
    """Leave a film that only the write-ahead log has, as `systemctl stop` does to Kino 0.3."""
    with running_server(kino.data_path) as server:
        # Nobody may close the database in good order: the last one to do so takes the log over.
        program = (
            "import os, sqlite3, sys; connection = sqlite3.connect(sys.argv[1], timeout=30);"
            "connection.execute(sys.argv[2]); connection.commit(); os._exit(0)"
        )
        subprocess.run([sys.executable, "-c", program, kino.database, ADD_FILM], check=True)
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(PATIENCE)
    alone = kino.data_path.parent / "alone.db"
    alone.write_bytes(kino.database.read_bytes())
    assert values(alone, FILM) == []


def of_kino_0_2(folder: Path) -> Path:
    """An archive of Kino 0.2.1."""
    at = datetime(2026, 3, 1, 20, 5, tzinfo=UTC)
    write_shipped_kino(folder, at, release="0.2.1")
    with closing(open_database(folder / "kino.db")) as connection:
        return back_up(connection, folder, BackupKind.MANUAL, "0.2.1", at)


def test_kino_lists_the_backup_from_before_a_restore_and_the_restored_one(
    shipped: Kino, shipped_context: Context, back_up_as_kino: BackUp
) -> None:
    """And those made since, but none whose file is gone: the list is that of the files."""
    restored, since = back_up_as_kino(), create_backup(shipped_context, Control()).backup.path
    pruned = back_up_as_kino(BackupKind.SCHEDULED)
    later = back_up_as_kino(BackupKind.SCHEDULED)
    pruned.unlink()

    way_back = restore(shipped_context, restored).way_back

    assert listed(shipped) == {
        restored.name: "manual",
        since.name: "manual",
        later.name: "scheduled",
        way_back: "pre_restore",
    }


def test_the_backup_from_before_a_restore_has_what_only_the_log_had(
    shipped: Kino, shipped_context: Context, back_up_as_kino: BackUp, tmp_path: Path
) -> None:
    """Kino was killed with its last writes in the write-ahead log; none of them is lost."""
    archive = back_up_as_kino()
    add_film_and_kill_kino(shipped)

    way_back = restore(shipped_context, archive).way_back

    assert values(shipped.database, FILM) == []
    extract_database(shipped.default_location / way_back, tmp_path / "before")
    assert values(tmp_path / "before", FILM) == ["Only in the log"]


def test_the_way_back_leads_to_what_only_the_log_had(
    shipped: Kino, shipped_context: Context, back_up_as_kino: BackUp
) -> None:
    """The files that were moved aside stay one set, and go back as one."""
    archive = back_up_as_kino()
    add_film_and_kill_kino(shipped)
    restore(shipped_context, archive)

    rollback(shipped_context)

    assert values(shipped.database, FILM) == ["Only in the log"]


@pytest.mark.parametrize("brought", [True, False])
def test_a_backup_that_kino_would_not_start_with_is_refused(
    shipped: Kino, shipped_context: Context, tmp_path: Path, brought: bool
) -> None:
    """One of Kino 0.2, imported or named by its path: the reason names the releases, and nothing happens."""
    archive = of_kino_0_2(tmp_path / "old")
    source = import_backup(shipped_context, archive, Control()).backup if brought else archive
    before = tree(shipped.data_path)

    (blocker,) = plan_restore(shipped_context, source, Control()).blockers

    assert isinstance(blocker, IncompatibleError)
    assert "0.2" in f"{blocker.message} {blocker.hint}"
    assert tree(shipped.data_path) == before


def test_the_plan_tells_schema_and_version_of_both_sides(
    shipped: Kino, shipped_context: Context, back_up_as_kino: BackUp
) -> None:
    """At the decisive moment: also where the archive's own manifest has next to nothing to say."""
    plan = plan_restore(shipped_context, back_up_as_kino(), Control())

    assert (plan.backup.kino_version, plan.backup.schema_version, plan.now.schema_version) == ("0.3.2", 1, 1)
    assert plan.backup.tables is not None
    assert plan.backup.tables["movie"] == 20


def test_kino_itself_restores_what_we_have_made(shipped: Kino, shipped_context: Context) -> None:
    """From its list and from a file: it takes our archives for its own, and starts on them."""
    backup = create_backup(shipped_context, Control()).backup
    for from_list in (True, False):
        with closing(sqlite3.connect(shipped.database)) as connection, connection:
            connection.execute(ADD_FILM)
        with running_server(shipped.data_path, KINO_RESTART_AFTER_RESTORE="1") as server:
            if from_list:
                key = key_of(shipped.database)
                (row,) = [
                    row["id"]
                    for row in ask(f"{server.url}/api/v1/backups", headers=key)
                    if row["filename"] == backup.filename
                ]
                ask(f"{server.url}/api/v1/backups/{row}/restore", content=b"", headers=key)
            else:
                upload(server.url, shipped.database, backup.path)
            assert server.process.wait(PATIENCE) == 75
        with running_server(shipped.data_path) as server:
            assert ask(f"{server.url}/api/v1/status")["first_time_setup"] is False
        assert values(shipped.database, FILM) == []
        assert values(shipped.database, "SELECT count(*) FROM movie") == [20]


def test_what_kino_has_not_recorded_is_not_said_to_match(
    shipped_context: Context, back_up_as_kino: BackUp
) -> None:
    """Its archive has no digests; that it was read to its end is all there is to say."""
    told: list[str] = []
    control = Control(report=lambda event: told.append(event.note))

    do(shipped_context, plan_restore(shipped_context, back_up_as_kino(), Control()), control=control)

    assert "1 file, no digests recorded" in told
