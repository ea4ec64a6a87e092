"""The rows by which Kino's first start is foretold, from databases as they lie on the disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import OperationCancelledError
from kino_backup_tui.core.kino.home import DOCUMENTED, KINO_0_3, Kino
from kino_backup_tui.core.kino.rows import Row, Rows
from kino_backup_tui.core.progress import CancelToken
from kino_backup_tui.core.restore.first_boot import differing_settings, is_set_up, rows_at_rest, wanted_rows
from kino_backup_tui.core.workspace import workspace_of

WRITER = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute(f"PRAGMA journal_mode = {sys.argv[2]}")
for setting in ("wal_autocheckpoint = 0", "cache_size = 1", "cache_spill = 1"):
    connection.execute(f"PRAGMA {setting}")
connection.execute("UPDATE config SET listen_port = 4711")
if sys.argv[2] != "WAL":
    connection.execute("BEGIN")
    connection.execute("UPDATE media SET file_path = file_path || hex(zeroblob(4000))")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kino_with_a_library_is_set_up() -> None:
    """With an empty database it asks for that."""
    assert is_set_up({"config": [{"media_library_path": "/media"}]})
    empty: list[Rows] = [{}, {"config": []}, {"config": [{}]}, {"config": [{"media_library_path": None}]}]
    for rows in empty:
        assert not is_set_up(rows)


def test_settings_that_differ_are_those_that_the_backup_has() -> None:
    """In their order; what Kino has now and the backup's release had not is none."""
    now: Row = {"api_key": "a", "listen_port": 80, "base_url": "/", "backup_time": "03:00"}
    then: Row = {
        "backup_time": "04:00",
        "listen_port": 80,
        "api_key": None,
        "theme": "dark",
        "data_path": "/d",
    }

    assert differing_settings(now, then) == [
        ("api_key", "a", None),
        ("data_path", None, "/d"),
        ("backup_time", "03:00", "04:00"),
    ]


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_a_database_with_a_log_is_left_as_it_is(shipped: Kino, mode: str) -> None:
    """It is Kino's own, left by a crash; to end its log, or to roll back, is Kino's business."""
    subprocess.run([sys.executable, "-c", WRITER, shipped.database, mode], check=False)
    log = shipped.database.with_name("kino.db-wal" if mode == "WAL" else "kino.db-journal")
    before = shipped.database.read_bytes(), log.read_bytes()
    assert log.stat().st_size > 0
    names = ["kino.db", log.name] + (["kino.db-shm"] if mode == "WAL" else [])

    rows = rows_at_rest(shipped.database, KINO_0_3, workspace_of(shipped), CancelToken())

    assert (shipped.database.read_bytes(), log.read_bytes()) == before
    assert sorted(path.name for path in shipped.data_path.glob("kino.db*")) == sorted(names)
    assert list(workspace_of(shipped).scratch.glob("*")) == []
    assert rows["config"][0]["listen_port"] == 4711
    assert [str(row["file_path"])[-4:] for row in rows["media"]] == [".mkv"] * 20
    assert set(rows) == set(wanted_rows(KINO_0_3)) == {"config", "download", "media"}


@pytest.mark.parametrize("log", [None, "-wal", "-journal"])
def test_rows_of_a_database_from_an_archive_are_read_apart(shipped: Kino, log: str | None) -> None:
    """Nothing is made beside it; an empty log is none."""
    if log:
        shipped.database.with_name(shipped.database.name + log).touch()
    before = sorted(shipped.data_path.iterdir())

    assert len(rows_at_rest(shipped.database, KINO_0_3, workspace_of(shipped), CancelToken())["media"]) == 20

    assert sorted(shipped.data_path.iterdir()) == before


def test_of_a_database_that_cannot_be_read_there_are_no_rows(tmp_path: Path, kino: Kino) -> None:
    """What is wrong with it, others say; and of the documented Kino none are needed."""
    assert rows_at_rest(tmp_path / "gone.db", KINO_0_3, workspace_of(kino), CancelToken()) == {}
    (tmp_path / "kino.db").write_bytes(bytes(9000))
    (tmp_path / "kino.db-wal").write_bytes(bytes(9000))
    for name in ("kino.db", "kino.db-wal"):
        assert rows_at_rest(tmp_path / name, KINO_0_3, workspace_of(kino), CancelToken()) == {}
    assert rows_at_rest(kino.database, DOCUMENTED, workspace_of(kino), CancelToken()) == {}
    assert wanted_rows(DOCUMENTED) == {}


def test_reading_rows_can_be_cancelled(shipped: Kino) -> None:
    """It is no reason to go on without them."""
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(OperationCancelledError):
        rows_at_rest(shipped.database, KINO_0_3, workspace_of(shipped), cancel)
