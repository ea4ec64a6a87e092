"""A server that stands in for Kino 0.3: `python -m kino_backup_tui.demo.shipped.server --data-path PATH`.

It does to its data path what Kino does, good and bad: takes a lock but goes on without it, refuses a database
of another edition, settles downloads and library at its start, keeps the database open, makes scheduled
backups, and restores under its own feet. SIGINT ends it in good order; SIGTERM, which Kino does not handle,
at once. What a supervisor tells Kino by its environment it takes from there: `KINO_DATA_PATH`, `KINO_PORT`,
`KINO_RESTART_AFTER_RESTORE`, and `RUNTIME_DIRECTORY` (systemd.exec(5)) for the port it listens on.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import select
import signal
import sqlite3
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.demo.http import Api, JsonRequest
from kino_backup_tui.demo.schema import open_database
from kino_backup_tui.demo.server import say
from kino_backup_tui.demo.shipped import activity, scheduler, startup
from kino_backup_tui.demo.shipped.api import request_handler
from kino_backup_tui.demo.shipped.data_path import RELEASE
from kino_backup_tui.demo.shipped.schema import migrate
from kino_backup_tui.demo.signals import signal_pipe

LOCK = "kino-serve.lock"
_USUAL_PORT, _SECOND_PORT = 80, 8080
"""Where Kino listens if it may not listen on 80."""
_TICK_SECONDS = 1.0
_TICKS_BETWEEN_BACKUPS = 60


def serve(data_path: Path, port: int | None, parent_pid: int | None, *, scheduled: bool = True) -> None:
    """Serve until SIGINT or the end of the parent, then close the database.

    Raises `IncompatibleError`, `sqlite3.Error` or `OSError` if it cannot start.
    """
    data_path.mkdir(parents=True, exist_ok=True)
    with (
        signal_pipe(signal.SIGINT) as signals,
        _locked(data_path / LOCK),
        closing(open_database(data_path / "kino.db")) as connection,
    ):
        migrate(connection, RELEASE, datetime.now(UTC))
        startup.write_defaults(connection, data_path)
        startup.settle_downloads(connection, data_path)
        startup.drop_unknown_torrents(connection, data_path)
        startup.drop_missing_media(connection)
        library, listen_port = connection.execute(
            "SELECT media_library_path, listen_port FROM config"
        ).fetchone()
        handler = request_handler(data_path, first_time_setup=not library)
        with _listen(listen_port if port is None else port, handler) as api:
            threading.Thread(target=api.serve_forever, args=(0.1,), daemon=True).start()
            _tell_port(api.server_address[1])
            ticks = 0
            while parent_pid is None or os.getppid() == parent_pid:
                _work(connection, data_path, scheduled and ticks % _TICKS_BETWEEN_BACKUPS == 0)
                ticks += 1
                if select.select([signals], [], [], _TICK_SECONDS)[0]:
                    break
            api.shutdown()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock, or go on without it, as Kino does."""
    with path.open("ab") as lock:
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _listen(port: int, handler: type[JsonRequest]) -> Api:
    try:
        return Api(port, handler)
    except OSError:
        if port != _USUAL_PORT:
            raise
        return Api(_SECOND_PORT, handler)


def _tell_port(port: int) -> None:
    if folder := os.environ.get("RUNTIME_DIRECTORY"):
        (Path(folder) / "port").write_text(str(port))
        (Path(folder) / "url").write_text(f"http://127.0.0.1:{port}")
    say(sys.stdout, f"listening on 127.0.0.1:{port}")


def _work(connection: sqlite3.Connection, data_path: Path, may_back_up: bool) -> None:
    now = datetime.now(UTC)
    try:
        activity.tick(connection, now)
        if may_back_up:
            scheduler.run_if_due(connection, data_path, RELEASE, now)
    except sqlite3.Error as error:
        say(sys.stderr, f"database: {error}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server; 1 and a reason on standard error if it cannot start."""
    environ = os.environ
    parser = argparse.ArgumentParser(prog="python -m kino_backup_tui.demo.shipped.server")
    parser.add_argument("--data-path", type=Path, default=environ.get("KINO_DATA_PATH", "data"))
    parser.add_argument(
        "--port", type=int, default=environ.get("KINO_PORT"), help="0 takes any free one, not the configured"
    )
    parser.add_argument("--parent-pid", type=int, help="end when this process is no longer the parent")
    parser.add_argument("--no-schedule", action="store_true", help="make no backup by itself")
    options = parser.parse_args(arguments)
    try:
        serve(options.data_path, options.port, options.parent_pid, scheduled=not options.no_schedule)
    except (KinoBackupError, sqlite3.Error, OSError) as error:
        say(sys.stderr, f"cannot start: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
