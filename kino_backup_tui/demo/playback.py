"""Somebody is watching: the writes that a media server makes all evening."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from kino_backup_tui.demo.story import stamp

_DEVICE = "Living room"
_STEP_MS = 60_000
_EPISODE_MS = 25 * _STEP_MS

_NEXT_FILE = """
SELECT id FROM media_file WHERE id > (
    SELECT coalesce((SELECT media_file_id FROM watch_event ORDER BY id DESC LIMIT 1), 0)
) ORDER BY id LIMIT 1
"""
_PROGRESS = """
INSERT OR REPLACE INTO watch_progress (user_id, media_file_id, position_ms, updated_at)
SELECT min(id), ?, ?, ? FROM user_account
"""
_DEVICE_SEEN = """
INSERT INTO playback_device (name, seen_at) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at
"""
_WATCHED = """
INSERT INTO watch_event (user_id, media_file_id, started_at, watched_ms, completed, device_id)
SELECT min(user_account.id), ?, ?, ?, TRUE, playback_device.id
FROM user_account, playback_device WHERE playback_device.name = ?
"""


class Viewer:
    """The owner of the library, who watches one file after the other at sixty times the speed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._media_file: int | None = None
        self._position_ms = 0

    def tick(self, now: datetime) -> None:
        """Record one more minute, or the end of the file; raises `sqlite3.OperationalError` if locked out."""
        self._connection.execute("BEGIN IMMEDIATE")
        with self._connection:
            if self._media_file is None:
                row = self._connection.execute(_NEXT_FILE).fetchone()
                if row is None:
                    return
                self._media_file, self._position_ms = row[0], 0
            self._position_ms += _STEP_MS
            self._connection.execute(_PROGRESS, (self._media_file, self._position_ms, stamp(now)))
            if self._position_ms >= _EPISODE_MS:
                self._finish(now)

    def _finish(self, now: datetime) -> None:
        self._connection.execute(_DEVICE_SEEN, (_DEVICE, stamp(now)))
        self._connection.execute(_WATCHED, (self._media_file, stamp(now), _EPISODE_MS, _DEVICE))
        self._media_file = None
