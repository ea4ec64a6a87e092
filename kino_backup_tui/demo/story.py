"""Rows of the sample database in the order in which they come into being."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from random import Random

Row = tuple[object, ...]

COLUMNS = {
    "user_account": "created_at, id, name, role, pin_hash",
    "app_setting": "changed_at, key, value",
    "quality_profile": "created_at, id, name, wanted",
    "film": "added_at, id, title, sort_title, year, runtime_minutes, overview, genres, thumbnail, monitored, "
    "quality_profile_id",
    "series": "added_at, id, title, sort_title, year, overview, running, quality_profile_id",
    "season": "added_at, id, series_id, number",
    "episode": "added_at, id, season_id, number, title, overview, runtime_minutes",
    "media_file": "added_at, id, film_id, episode_id, path, size_bytes, probe",
    "watch_event": "started_at, id, user_id, media_file_id, watched_ms, completed",
    "watch_progress": "updated_at, user_id, media_file_id, position_ms",
    "indexer": "added_at, id, name, url, priority, enabled",
    "release": "seen_at, id, indexer_id, name, info_hash, size_bytes, seeders, score",
    "download": "started_at, id, release_id, state, done_bytes",
    "log_entry": "at, id, level, target, message, fields",
    "scrobble_queue": "queued_at, id, user_id, media_file_id, action, percent, attempts",
    "tag": "created_at, id, name",
    "film_tag": "added_at, film_id, tag_id",
    "marker": "found_at, id, episode_id, kind, start_ms, end_ms",
}
"""The tables in an order in which foreign keys hold, each with its columns: first the one for the instant."""

_NUMBERED = {table for table, columns in COLUMNS.items() if columns.split(", ")[1] == "id"}


def stamp(instant: datetime) -> str:
    """An instant in UTC as the database writes it; the text sorts as the time does."""
    return f"{instant.isoformat()[:19]}Z"


class Story:
    """What happened between two instants (aware, UTC), by table."""

    def __init__(self, begin: datetime, end: datetime, seed: int) -> None:
        self.rng = Random(seed)  # noqa: S311 - repeatable on purpose, and no secret
        self.begin = begin
        self.end = end
        self._rows: dict[str, list[Row]] = {table: [] for table in COLUMNS}

    def add(self, table: str, at: str, *values: object) -> int:
        """Add a row and return its number, which is also its id where the table has one."""
        rows = self._rows[table]
        number = len(rows) + 1
        rows.append((at, number, *values) if table in _NUMBERED else (at, *values))
        return number

    def rows(self, table: str) -> Sequence[Row]:
        """All rows of a table, as they were added."""
        return self._rows[table]

    def order(self, table: str) -> None:
        """Put the rows of a table that was not told in the order of time into it."""
        self._rows[table].sort(key=itemgetter(0))

    def count_until(self, table: str, at: str) -> int:
        """How many rows of a table existed at an instant."""
        return bisect_right(self._rows[table], at, key=itemgetter(0))

    def instants(self, count: int, since: datetime) -> list[str]:
        """Instants between `since` and the end in their order, more in the evening than by day."""
        days = (self.end - since) // timedelta(days=1)
        midnight = since.replace(hour=0, minute=0, second=0, microsecond=0)
        instants: list[str] = []
        while len(instants) < count:
            seconds = int(self.rng.gauss(19.5, 3) * 3600) % 86400
            instant = midnight + timedelta(days=self.rng.randint(0, days), seconds=seconds)
            if since <= instant < self.end:
                instants.append(stamp(instant))
        instants.sort()
        return instants
