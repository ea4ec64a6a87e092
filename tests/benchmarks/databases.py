"""Databases of any size on the sample's schema with its indexes: the sample's household, many times over."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.demo.data_path import furnish_data_path
from kino_backup_tui.demo.library import Library
from kino_backup_tui.demo.schema import migrate, open_database

MB = 1_000_000
_END = datetime(2026, 4, 26, 7, 0, tzinfo=UTC)

_ANOTHER_HOUSEHOLD = (
    """
    INSERT INTO film SELECT id + :round * 1000, title || ' ' || :round, sort_title || ' ' || :round, year,
        runtime_minutes, overview, genres, thumbnail, monitored, quality_profile_id, added_at
    FROM film WHERE id < 1000
    """,
    """
    INSERT INTO series SELECT id + :round * 1000, title || ' ' || :round, sort_title || ' ' || :round, year,
        overview, running, quality_profile_id, added_at
    FROM series WHERE id < 1000
    """,
    """
    INSERT INTO season SELECT id + :round * 1000, series_id + :round * 1000, number, added_at
    FROM season WHERE id < 1000
    """,
    """
    INSERT INTO episode SELECT id + :round * 1000, season_id + :round * 1000, number, title, overview,
        runtime_minutes, added_at
    FROM episode WHERE id < 1000
    """,
    """
    INSERT INTO media_file SELECT id + :round * 1000, film_id + :round * 1000, episode_id + :round * 1000,
        replace(path, '.mkv', ' ' || :round || '.mkv'), size_bytes + :round, probe, added_at
    FROM media_file WHERE id < 1000
    """,
    """
    INSERT INTO watch_event SELECT id + :round * 2000, user_id, media_file_id + :round * 1000, started_at,
        watched_ms + :round, completed, device_id
    FROM watch_event WHERE id < 2000
    """,
    """
    INSERT INTO release SELECT id + :round * 10000, indexer_id, name, lower(hex(randomblob(20))),
        size_bytes + :round * 7919, seeders, score, seen_at
    FROM release WHERE id < 10000
    """,
    """
    INSERT INTO log_entry SELECT id + :round * 10000, at, level, target, message,
        json_set(fields, '$.request', lower(hex(randomblob(6))))
    FROM log_entry WHERE id < 10000
    """,
)
"""One round: every row again under other ids and names, what is random in it drawn anew."""


_THINNED = ("release", "log_entry", "watch_event", "media_file", "episode", "film")
"""Where rows are taken from again if a last household was too much."""
_TOLERANCE = 0.95


def write_database(path: Path, size: int) -> None:
    """Fill a database in WAL mode until it has about `size` bytes."""
    with closing(open_database(path)) as connection:
        migrate(connection, _END)
        Library(_END).write(connection, _END)
        # Only while it is filled: no journal, and memory for all of it, for its indexes grow everywhere.
        connection.executescript(
            "PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -2000000;"
            "PRAGMA journal_mode = OFF; BEGIN;"
        )
        number = 0
        while _size(connection) < size:
            number += 1
            for statement in _ANOTHER_HOUSEHOLD:
                connection.execute(statement, {"round": number})
        share = size / _size(connection)
        if share < _TOLERANCE:
            for table in _THINNED:
                connection.execute(
                    f"DELETE FROM {table} WHERE id > ? * (SELECT max(id) FROM {table})", (share,)
                )
        connection.execute("COMMIT")
        if share < _TOLERANCE:
            connection.execute("VACUUM")
        connection.execute("PRAGMA journal_mode = WAL")


@contextmanager
def temporary_kino(size: int) -> Iterator[Kino]:
    """A data path with a database of `size` bytes, for as long as it is measured."""
    with TemporaryDirectory(prefix="kino-benchmark-") as folder:
        data_path = Path(folder).resolve() / "kino"
        # A process of its own, so that the memory it takes is not in anybody's measurement.
        subprocess.run([sys.executable, "-m", __name__, str(data_path), str(size)], check=True)
        yield Kino(data_path)


def _size(connection: sqlite3.Connection) -> int:
    (size,) = connection.execute(
        "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
    ).fetchone()
    return int(size)


if __name__ == "__main__":
    target = Kino(Path(sys.argv[1]))
    furnish_data_path(target.data_path)
    write_database(target.database, int(sys.argv[2]))
