"""A small server that stands in for Kino: `python -m kino_backup_tui.demo.server --data-path PATH`.

It does to its data path what Kino does: refuses settings that are not valid and a database it does not know,
migrates one that is older, drops old scrobbles, keeps the database open, records what somebody watches, and
answers two questions over HTTP. Once it is ready it says where it listens on standard output; what goes wrong
is said on standard error.
"""

from __future__ import annotations

import argparse
import os
import select
import signal
import sqlite3
import sys
import threading
import tomllib
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.demo.http import Api, JsonRequest
from kino_backup_tui.demo.playback import Viewer
from kino_backup_tui.demo.schema import migrate, open_database
from kino_backup_tui.demo.signals import signal_pipe
from kino_backup_tui.demo.story import stamp

VERSION = "0.4.2"
_SCROBBLE_LIFETIME = timedelta(hours=24)
_TICK_SECONDS = 1.0
_USUAL_PORT = 8080
_LAST_PORT = 65535
_ANSWERS = {
    "/api/v1/status": {
        "version": VERSION,
        "status": "ok",
        "first_time_setup": False,
        "setup_required": False,
        "warnings": [],
        "install_kind": None,
    },
    "/api/v1/health": {"status": "ok"},
}


class _Request(JsonRequest):
    """The questions that need no key."""

    def get(self, path: str) -> tuple[int, object]:
        return (200, _ANSWERS[path]) if path in _ANSWERS else super().get(path)


def serve(data_path: Path, port: int, parent_pid: int | None) -> None:
    """Serve until SIGTERM, SIGINT or the end of the parent, then close the database.

    Raises `IncompatibleError`, `sqlite3.Error`, `OSError` or `ValueError` (config.toml) if it cannot start.
    """
    _check_settings(data_path / "config.toml")
    with (
        signal_pipe(signal.SIGTERM, signal.SIGINT) as signals,
        closing(open_database(data_path / "db.sqlite")) as connection,
        Api(port, _Request) as api,
    ):
        now = datetime.now(UTC)
        migrate(connection, now)
        connection.execute(
            "DELETE FROM scrobble_queue WHERE queued_at < ?", (stamp(now - _SCROBBLE_LIFETIME),)
        )
        threading.Thread(target=api.serve_forever, args=(0.1,), daemon=True).start()
        say(sys.stdout, f"listening on 127.0.0.1:{api.server_address[1]}")
        viewer = Viewer(connection)
        while parent_pid is None or os.getppid() == parent_pid:
            _watch(viewer)
            if select.select([signals], [], [], _TICK_SECONDS)[0]:
                break
        api.shutdown()


def _check_settings(config: Path) -> None:
    server = tomllib.loads(config.read_text(encoding="utf-8")).get("server", {})
    port = server.get("port", _USUAL_PORT) if isinstance(server, dict) else None
    if type(port) is not int or not 1 <= port <= _LAST_PORT:
        raise ValueError(f"{config}: [server] port must be a number from 1 to {_LAST_PORT}, not {port!r}")


def _watch(viewer: Viewer) -> None:
    try:
        viewer.tick(datetime.now(UTC))
    except sqlite3.OperationalError as error:
        say(sys.stderr, f"watch progress was not recorded: {error}")


def say(stream: TextIO, text: str) -> None:
    """Write one line that is read at once."""
    stream.write(f"{text}\n")
    stream.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server; 1 and a reason on standard error if it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m kino_backup_tui.demo.server")
    parser.add_argument("--data-path", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    parser.add_argument("--parent-pid", type=int, help="end when this process is no longer the parent")
    options = parser.parse_args(arguments)
    try:
        serve(options.data_path, options.port, options.parent_pid)
    except (KinoBackupError, sqlite3.Error, OSError, ValueError) as error:
        say(sys.stderr, f"cannot start: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
