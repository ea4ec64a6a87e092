"""The torrents that Kino's downloader remembers, in `librqbit/session.json` below the data path.

The file is that of ikatson/rqbit, `session_persistence/json.rs`.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from kino_backup_tui.core.files import open_regular
from kino_backup_tui.core.kino.home import Kino

_LARGEST_FILE = 32 << 20


class Torrent(NamedTuple):
    """One that is downloaded or seeded."""

    info_hash: str
    """In lower-case hexadecimal."""
    output_folder: str
    """Where its files are, as Kino itself sees it."""


def read_torrents(kino: Kino) -> tuple[Torrent, ...] | None:
    """Those of the session, none if there is no such file; None if it cannot be read."""
    try:
        with open_regular(kino.data_path / "librqbit" / "session.json", follow=True) as stream:
            entries = json.loads(stream.read(_LARGEST_FILE))["torrents"]
        return tuple(
            Torrent(str(entry["info_hash"]).lower(), str(entry.get("output_folder") or ""))
            for entry in entries.values()
        )
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
