"""The data path of the shipped sample: the database with a small library, torrents, and caches."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID

from kino_backup_tui.demo import words
from kino_backup_tui.demo.schema import open_database
from kino_backup_tui.demo.shipped.schema import migrate
from kino_backup_tui.demo.shipped.stamps import rfc3339

RELEASE = "0.3.2"
_DEVICES = ("Tablet", "Phone", "Desk")
DOWNLOADS = ("The Long Ferry", "A Lantern for Ida")
_CONFIG = """
INSERT INTO config (
    id, api_key, data_path, media_library_path, download_path, listen_port, session_signing_key,
    tmdb_api_key, trakt_client_id, trakt_client_secret, backup_location_path
) VALUES (1, ?, ?, ?, ?, ?, 'sample-signing-key', 'sample-tmdb-key', 'sample-id', 'sample-secret', ?)
"""


@dataclass(frozen=True, slots=True)
class ShippedPaths:
    """Where things are: for Kino itself as its `config` row says, or for the host."""

    data_path: Path
    library: Path
    downloads: Path


def write_shipped_kino(
    data_path: Path,
    now: datetime,
    *,
    release: str = RELEASE,
    films: int = 20,
    downloads: Sequence[str] = DOWNLOADS,
    library: Path | None = None,
    stored: ShippedPaths | None = None,
    port: int = 80,
) -> ShippedPaths:
    """Write a data path of Kino 0.3 (or, with `release`, 0.1 or 0.2) into a new or empty folder.

    `library` is where the files of the films go, `data_path/library` by default; `stored` is how the database
    names the places, as for a container. The downloads are under way in the torrent session, and known to
    the database. No backup is made. Returns the real places.
    """
    data_path = data_path.resolve()
    real = ShippedPaths(data_path, (library or data_path / "library").resolve(), data_path / "downloads")
    said = stored or real
    for folder in (real.data_path, real.library, real.downloads, data_path / "librqbit"):
        folder.mkdir(parents=True, exist_ok=True)
    rng = Random(20260429)  # noqa: S311 - repeatable on purpose, and no secret
    with closing(open_database(data_path / "kino.db")) as connection:
        migrate(connection, release, now)
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            key = str(UUID(bytes=rng.randbytes(16), version=4))
            places = (str(said.data_path), str(said.library), str(said.downloads))
            connection.execute(_CONFIG, (key, *places, port, str(said.data_path / "backups")))
            _add_people(connection, now)
            connection.execute("INSERT INTO scheduler_state VALUES ('backup_create', ?)", (rfc3339(now),))
            for number, title in enumerate(words.film_titles(rng, films)[:films], 1):
                _add_film(connection, number, title, real.library, said.library, now)
            hashes = [_add_download(connection, title, rng, real, said, now) for title in downloads]
    write_session(data_path, {value: said.downloads / title for value, title in hashes})
    _write_caches(data_path)
    return real


def write_session(data_path: Path, torrents: dict[str, Path]) -> None:
    """Write the torrent session: hashes (hex) with the folder each downloads into, as Kino names it."""
    entries = {
        str(number): {
            "info_hash": value,
            "trackers": ["udp://tracker.example:6969/announce"],
            "output_folder": str(folder),
            "only_files": None,
            "is_paused": False,
        }
        for number, (value, folder) in enumerate(torrents.items())
    }
    (data_path / "librqbit").mkdir(exist_ok=True)
    (data_path / "librqbit" / "session.json").write_text(json.dumps({"torrents": entries}))


def _add_people(connection: sqlite3.Connection, now: datetime) -> None:
    """Sign some devices in, and the household in to Trakt: what a backup has to be kept secret for."""
    rows = [(f"sample-session-{name.lower()}", name, rfc3339(now)) for name in _DEVICES]
    connection.executemany("INSERT INTO session (id, label, created_at) VALUES (?, ?, ?)", rows)
    connection.execute("INSERT INTO cast_device (id, name) VALUES ('sample-cast', 'Living room')")
    connection.execute("INSERT INTO trakt_auth VALUES (1, 'sample-access-token', 'sample-refresh-token')")


def _add_film(
    connection: sqlite3.Connection, number: int, title: str, real: Path, said: Path, now: datetime
) -> None:
    added = rfc3339(now - timedelta(days=400) + timedelta(hours=number))
    name = f"{title} ({1920 + number % 100})".replace("/", "-")
    file = f"{name}/{name}.mkv"
    (real / name).mkdir(exist_ok=True)
    (real / file).write_bytes(b"no film\n")
    connection.execute(
        "INSERT INTO movie (tmdb_id, title, year, added_at) VALUES (?, ?, ?, ?)",
        (1000 + number, title, 1920 + number % 100, added),
    )
    connection.execute(
        "INSERT INTO media (movie_id, file_path, size_bytes, trickplay_generated, added_at)"
        " VALUES (last_insert_rowid(), ?, 8, 1, ?)",
        (str(said / file), added),
    )


def _add_download(
    connection: sqlite3.Connection,
    title: str,
    rng: Random,
    real: ShippedPaths,
    said: ShippedPaths,
    now: datetime,
) -> tuple[str, str]:
    value = rng.randbytes(20).hex()
    folder = real.downloads / title
    folder.mkdir()
    (folder / f"{title}.mkv").write_bytes(b"half a film\n")
    connection.execute(
        "INSERT INTO download (title, state, torrent_hash, output_path, added_at)"
        " VALUES (?, 'downloading', ?, ?, ?)",
        (title, value, str(said.downloads / title), rfc3339(now - timedelta(hours=3))),
    )
    return value, title


def _write_caches(data_path: Path) -> None:
    for name in ("trickplay/1/sheet-0.jpg", "fingerprints/1-intro.bin", "cache/subs/1/en.srt"):
        path = data_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"no backup should carry it\n")
