"""The rows by which Kino's first start is foretold, from databases as they lie on the disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import OperationCancelledError
from kino_backup_tui.core.kino.home import DOCUMENTED, KINO_0_3, Kino
from kino_backup_tui.core.kino.rows import Row, Rows
from kino_backup_tui.core.progress import CancelToken
from kino_backup_tui.core.restore.first_boot import differing_settings, is_set_up, rows_at_rest, wanted_rows


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


@pytest.fixture
def writer(shipped: Kino) -> Iterator[sqlite3.Connection]:
    """A connection that has written to the log, and leaves it there."""
    with closing(sqlite3.connect(shipped.database, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("UPDATE config SET listen_port = 4711")
        yield connection


def test_rows_are_read_with_what_only_the_log_has(shipped: Kino, writer: sqlite3.Connection) -> None:
    """Such a database was Kino's own; all that is needed is read of it."""
    rows = rows_at_rest(shipped.database, KINO_0_3, CancelToken())

    assert rows["config"][0]["listen_port"] == 4711
    assert len(rows["media"]) == 20
    assert set(rows) == set(wanted_rows(KINO_0_3)) == {"config", "download", "media"}


@pytest.mark.parametrize("log", [None, "-wal", "-journal"])
def test_rows_of_a_database_from_an_archive_are_read_apart(shipped: Kino, log: str | None) -> None:
    """Nothing is made beside it; an empty log is none."""
    if log:
        shipped.database.with_name(shipped.database.name + log).touch()
    before = sorted(shipped.data_path.iterdir())

    assert len(rows_at_rest(shipped.database, KINO_0_3, CancelToken())["media"]) == 20

    assert sorted(shipped.data_path.iterdir()) == before


def test_of_a_database_that_cannot_be_read_there_are_no_rows(tmp_path: Path, kino: Kino) -> None:
    """What is wrong with it, others say; and of the documented Kino none are needed."""
    assert rows_at_rest(tmp_path / "gone.db", KINO_0_3, CancelToken()) == {}
    (tmp_path / "kino.db").write_bytes(bytes(9000))
    (tmp_path / "kino.db-wal").write_bytes(bytes(9000))
    for name in ("kino.db", "kino.db-wal"):
        assert rows_at_rest(tmp_path / name, KINO_0_3, CancelToken()) == {}
    assert rows_at_rest(kino.database, DOCUMENTED, CancelToken()) == {}
    assert wanted_rows(DOCUMENTED) == {}


def test_reading_rows_can_be_cancelled(shipped: Kino) -> None:
    """It is no reason to go on without them."""
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(OperationCancelledError):
        rows_at_rest(shipped.database, KINO_0_3, cancel)
