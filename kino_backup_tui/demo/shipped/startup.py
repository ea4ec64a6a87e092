"""What Kino 0.3 does to its library and its torrents at every start, before it listens.

It takes the database for the truth: what that does not know of is removed, files included.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from uuid import uuid4

_MOST_CHECKED = 1000
"""With more files than that in the library, none is looked for."""
_BROKEN_OFF = "UPDATE download SET state = 'failed' WHERE state IN ('grabbing', 'importing')"


def write_defaults(connection: sqlite3.Connection, data_path: Path) -> None:
    """Give a new database its settings, among them a new key; leave the settings of an old one alone."""
    connection.execute(
        "INSERT OR IGNORE INTO config (id, api_key, data_path, backup_location_path) VALUES (1, ?, ?, ?)",
        (str(uuid4()), str(data_path), str(data_path / "backups")),
    )


def settle_downloads(connection: sqlite3.Connection, data_path: Path) -> None:
    """End downloads that were broken off, and delete what downloads have left behind (phase 4a)."""
    torrents = set(_session(data_path))
    connection.execute(_BROKEN_OFF)
    rows = connection.execute("SELECT id, state, lower(torrent_hash), output_path FROM download").fetchall()
    for row, state, torrent, output in rows:
        has_torrent = torrent in torrents
        if state == "stalled" and not has_torrent:
            _set_state(connection, row, "failed")
        elif state == "seeding" and not has_torrent:
            _set_state(connection, row, "imported")
            _delete(output)
        elif state == "imported" and output and Path(output).exists():
            _delete(output)
            _set_state(connection, row, "cleaned_up")


def drop_unknown_torrents(connection: sqlite3.Connection, data_path: Path) -> None:
    """Remove every torrent that no download names, with its files (phase 4b)."""
    known = {value for (value,) in connection.execute("SELECT lower(torrent_hash) FROM download")}
    torrents = _session(data_path)
    unknown = torrents.keys() - known
    for value in unknown:
        _delete(torrents.pop(value)["output_folder"])
    if unknown:
        left = {str(number): torrent for number, torrent in enumerate(torrents.values())}
        _session_file(data_path).write_text(json.dumps({"torrents": left}))


def drop_missing_media(connection: sqlite3.Connection) -> None:
    """Forget every file of the library that is not there (phase 5)."""
    (library,) = connection.execute("SELECT media_library_path FROM config WHERE id = 1").fetchone()
    rows = connection.execute("SELECT id, file_path FROM media").fetchall()
    if library and len(rows) <= _MOST_CHECKED:
        gone = [(row,) for row, path in rows if not Path(path).exists()]
        connection.executemany("DELETE FROM media WHERE id = ?", gone)


def _session_file(data_path: Path) -> Path:
    return data_path / "librqbit" / "session.json"


def _session(data_path: Path) -> dict[str, dict[str, str]]:
    """The torrents by their hash in lower case; none without a session."""
    try:
        torrents = json.loads(_session_file(data_path).read_text())["torrents"]
    except FileNotFoundError:
        return {}
    return {torrent["info_hash"].lower(): torrent for torrent in torrents.values()}


def _set_state(connection: sqlite3.Connection, row: int, state: str) -> None:
    connection.execute("UPDATE download SET state = ? WHERE id = ?", (state, row))


def _delete(path: str | None) -> None:
    if path and Path(path).is_dir():
        shutil.rmtree(path)
    elif path:
        Path(path).unlink(missing_ok=True)
