"""The writes of a running Kino 0.3: its own heartbeat, and somebody who watches."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from kino_backup_tui.demo.shipped.stamps import rfc3339

_BEAT = """
INSERT INTO scheduler_state (task_name, last_run_at) VALUES ('stale_download_check', ?)
ON CONFLICT (task_name) DO UPDATE SET last_run_at = excluded.last_run_at
"""
_WATCH = """
INSERT INTO playback_progress (media_id, position_ms, updated_at)
SELECT max(id), 60000, ? FROM media HAVING max(id) IS NOT NULL
ON CONFLICT (media_id) DO UPDATE SET
    position_ms = (position_ms + 60000) % 5400000, updated_at = excluded.updated_at
"""


def tick(connection: sqlite3.Connection, now: datetime) -> None:
    """Write what Kino writes every second; raises `sqlite3.OperationalError` if it is locked out."""
    at = rfc3339(now)
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        connection.execute(_BEAT, (at,))
        connection.execute(_WATCH, (at,))
