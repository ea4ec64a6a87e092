"""The sample server of Kino 0.3: it does to its data path what Kino does."""

from __future__ import annotations

import fcntl
import json
import signal
import sqlite3
import urllib.error
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kino_backup_tui.core.kino.home import KINO_0_3, Kino
from kino_backup_tui.demo.control import send_order
from kino_backup_tui.demo.schema import open_database
from kino_backup_tui.demo.shipped.data_path import write_session, write_shipped_kino
from kino_backup_tui.demo.shipped.scheduler import is_due
from kino_backup_tui.demo.supervisor_process import supervised_server
from tests.shipped.serving import PATIENCE, ask, key_of, running_server, server_process, upload, values


def test_it_says_who_it_is_and_where_its_data_is(shipped: Kino) -> None:
    """Without a key; the list of backups needs one, and a folder that systemd gives is told the port."""
    runtime = shipped.data_path.parent
    with running_server(shipped.data_path, RUNTIME_DIRECTORY=str(runtime)) as server:
        status = ask(f"{server.url}/api/v1/status")
        health = ask(f"{server.url}/api/v1/health")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            ask(f"{server.url}/api/v1/backups")
        assert server.url.endswith(f":{(runtime / 'port').read_text()}")

    assert (status["version"], status["first_time_setup"]) == ("0.3.2", False)
    assert health["panels"]["storage"]["paths"][0]["path"] == str(shipped.data_path)


def test_it_runs_with_the_lock_and_without(shipped: Kino) -> None:
    """The lock is held while it runs, and a second server on the same data path starts all the same."""
    with running_server(shipped.data_path):
        with (
            (shipped.data_path / "kino-serve.lock").open() as lock,
            pytest.raises(BlockingIOError),
        ):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with running_server(shipped.data_path) as second:
            assert ask(f"{second.url}/api/v1/status")["status"] == "ok"


@pytest.mark.parametrize(
    ("number", "code", "log_left"), [(signal.SIGINT, 0, False), (signal.SIGTERM, -signal.SIGTERM, True)]
)
def test_only_one_signal_ends_it_in_good_order(
    shipped: Kino, number: signal.Signals, code: int, log_left: bool
) -> None:
    """SIGTERM kills it, and what it has written is in the write-ahead log."""
    with running_server(shipped.data_path) as server:
        server.process.send_signal(number)
        assert server.process.wait(PATIENCE) == code
    assert (shipped.data_path / "kino.db-wal").exists() is log_left


def test_a_database_of_kino_0_2_keeps_it_from_starting(tmp_path: Path) -> None:
    """The number of the migration is the same, its checksum is not: it ends with 1."""
    write_shipped_kino(tmp_path, datetime.now(UTC), release="0.2.1")
    with server_process(tmp_path) as process:
        _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "20260328000001 was previously applied but has been modified" in said


def test_without_a_database_it_is_a_new_kino(tmp_path: Path) -> None:
    """It makes one, with a key, and says that it is not set up."""
    with running_server(tmp_path / "kino") as server:
        assert ask(f"{server.url}/api/v1/status")["first_time_setup"] is True
    database = tmp_path / "kino" / "kino.db"
    assert values(database, "SELECT backup_location_path FROM config") == [str(tmp_path / "kino" / "backups")]


def test_its_start_removes_what_the_database_does_not_know(shipped: Kino) -> None:
    """A torrent without a download goes with its files, a film without a file from the library."""
    data_path = shipped.data_path
    (known,) = values(shipped.database, "SELECT upper(torrent_hash) FROM download LIMIT 1")
    for name in ("known", "unknown"):
        (data_path / "downloads" / name).mkdir()
    write_session(
        data_path, {known: data_path / "downloads/known", "ab" * 20: data_path / "downloads/unknown"}
    )
    (film, *_) = values(shipped.database, "SELECT file_path FROM media")
    Path(film).unlink()

    with running_server(data_path):
        assert len(values(shipped.database, "SELECT id FROM media")) == 19

    assert (data_path / "downloads/known").exists()
    assert not (data_path / "downloads/unknown").exists()
    session = json.loads((data_path / "librqbit/session.json").read_text())
    assert [torrent["info_hash"] for torrent in session["torrents"].values()] == [known]


def test_its_start_ends_downloads_that_were_broken_off(shipped: Kino) -> None:
    """Those without a torrent fail or count as imported, and what imported ones have left is deleted."""
    left = shipped.data_path / "downloads" / "left.mkv"
    left.write_bytes(b"seen")
    with closing(open_database(shipped.database)) as connection:
        connection.execute("DELETE FROM download")
        connection.executemany(
            "INSERT INTO download (title, state, output_path, added_at) VALUES ('', ?, ?, '')",
            [("grabbing", None), ("stalled", None), ("seeding", None), ("imported", str(left))],
        )
    with running_server(shipped.data_path):
        states = values(shipped.database, "SELECT state FROM download ORDER BY id")
    assert states == ["failed", "failed", "imported", "cleaned_up"]
    assert not left.exists()


def test_a_backup_is_made_and_restored_from_its_page(shipped: Kino) -> None:
    """Both in one go, and with the variable of the packages it ends with 75 for its supervisor."""
    with running_server(shipped.data_path, KINO_RESTART_AFTER_RESTORE="0") as server:
        key = key_of(shipped.database)
        made = ask(f"{server.url}/api/v1/backups", content=b"", headers=key)
        assert (made["kind"], made["schema_version"]) == ("manual", 1)
        with closing(sqlite3.connect(shipped.database, timeout=PATIENCE)) as connection, connection:
            connection.execute("DELETE FROM movie")
        answer = ask(f"{server.url}/api/v1/backups/{made['id']}/restore", content=b"", headers=key)
        assert answer["ok"] is True
        assert server.process.wait(PATIENCE) == 75
    assert len(values(shipped.database, "SELECT id FROM movie")) == 20
    assert (shipped.data_path / "kino.db.pre-restore").exists()


def test_an_uploaded_archive_is_restored(shipped: Kino, back_up_as_kino: Callable[..., Path]) -> None:
    """It needs neither a row nor a checksum."""
    archive = back_up_as_kino()
    with closing(sqlite3.connect(shipped.database)) as connection, connection:
        connection.execute("DELETE FROM movie")
    with running_server(shipped.data_path) as server:
        assert upload(server.url, shipped.database, archive)["ok"] is True
    assert len(values(shipped.database, "SELECT id FROM movie")) == 20


@pytest.mark.parametrize(
    ("setting", "last", "now", "due"),
    [
        ("backup_enabled = 0", None, "26T03:30", True),
        ("backup_schedule = 'off'", None, "26T03:30", False),
        ("backup_schedule = 'cron:0 3 * * *'", None, "26T03:30", False),
        ("backup_schedule = ' DAILY '", None, "26T03:00", True),
        ("backup_time = '3 o''clock'", None, "26T03:30", False),
        ("backup_time = '23:30'", None, "26T23:59", True),
        ("backup_time = '23:30'", None, "27T00:10", False),
        ("backup_enabled = 1", None, "26T02:59", False),
        ("backup_enabled = 1", None, "26T04:00", False),
        ("backup_enabled = 1", "25T03:59", "26T03:00", True),
        ("backup_enabled = 1", "25T04:01", "26T03:00", False),
        ("backup_schedule = 'weekly'", "20T03:00", "26T03:00", True),
        ("backup_schedule = 'weekly'", "20T03:01", "26T03:00", False),
    ],
)
def test_a_scheduled_backup_is_due_by_the_rule_of_kino(
    shipped: Kino, setting: str, last: str | None, now: str, due: bool
) -> None:
    """In UTC, within an hour, so long after the last; "Enabled" does not count."""
    with closing(open_database(shipped.database)) as connection:
        connection.execute(f"UPDATE config SET {setting}")
        if last:
            connection.execute(
                "INSERT INTO backup (kind, filename, size_bytes, kino_version, schema_version,"
                " checksum_sha256, created_at) VALUES ('scheduled', 'gone', 1, '0.3.2', 1, '', ?)",
                (f"2026-04-{last}:00.123456789+00:00",),
            )
        assert is_due(connection, datetime.fromisoformat(f"2026-04-{now}:01+00:00")) is due


def test_a_supervisor_stops_and_starts_it(shipped: Kino, tmp_path: Path) -> None:
    """Orders work as with the other sample: stopped it is gone at once, started it answers where it did."""
    with supervised_server(shipped.data_path, tmp_path, KINO_0_3) as server:
        assert send_order("stop", tmp_path) == "stopped"
        assert (shipped.data_path / "kino.db-wal").exists()
        with pytest.raises(urllib.error.URLError):
            ask(f"{server.url}/api/v1/status")
        assert send_order("start", tmp_path).startswith("running as process ")
