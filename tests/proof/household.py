"""A Kino that never rests: the sample server and writers at full speed, supervised as one service.

`python -m tests.proof.household ORDER FOLDER` is the stop and the start command of it. A stop ends the server
and returns once no writer has the database open any more. Every other time the writers are killed for that,
and so leave a write-ahead log with their last transactions. Each start begins a new period.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import tomli_w

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.tool_config import CONFIG_VARIABLE
from kino_backup_tui.demo.control import DATA_FOLDER, send_order
from kino_backup_tui.demo.data_path import furnish_data_path
from kino_backup_tui.demo.library import Library
from kino_backup_tui.demo.schema import migrate, open_database
from kino_backup_tui.demo.supervisor_process import supervised_server
from tests.proof import ledger
from tests.proof.writer import NOTES, OPEN, living, locked, period_of

KEEP = 3
_PERIOD = "period"
_MB = 1_000_000
_LOOK_SECONDS = 0.01


class Household:
    """One such Kino, for as long as `running` runs."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.kino = Kino(folder / DATA_FOLDER, url=url)
        self._writers: list[subprocess.Popen[bytes]] = []

    @property
    def environ(self) -> dict[str, str]:
        """What a process needs to find the commands that stop and start it."""
        return {CONFIG_VARIABLE: str(self.folder / "kino-backup-tui.toml")}

    @property
    def log_bytes(self) -> int:
        """The size of the database's write-ahead log."""
        try:
            return self.kino.database.with_name("db.sqlite-wal").stat().st_size
        except FileNotFoundError:
            return 0

    def period(self) -> int:
        """How often it was started, but for the first time."""
        return int((self.folder / _PERIOD).read_text())

    def kill_server(self) -> bool:
        """Kill the sample server, which its supervisor starts again; False if it does not run just now."""
        # In a process of its own, for it changes its working folder.
        order = [sys.executable, "-m", "kino_backup_tui.demo.control", "state", str(self.folder)]
        state = subprocess.run(order, capture_output=True, text=True, check=True).stdout.split()
        if state[:1] != ["running"]:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(state[-1]), signal.SIGKILL)
        return True

    def kill_writer(self, number: int) -> None:
        """Kill a writer in whatever it does; another one takes its place."""
        self._writers[number].kill()

    def rest(self) -> None:
        """Stop all of it, as a restore does; for good."""
        _stop(self.folder)

    def _write(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "tests.proof.writer", str(self.folder)])

    @contextmanager
    def writing(self, writers: int) -> Iterator[None]:
        """Have so many writers during the block, however often they are killed."""
        over = threading.Event()

        def replace() -> None:
            while not over.wait(_LOOK_SECONDS):
                for number, writer in enumerate(self._writers):
                    if writer.poll() is not None:
                        self._writers[number] = self._write()

        self._writers += [self._write() for _ in range(writers)]
        replacing = threading.Thread(target=replace)
        replacing.start()
        try:
            yield
        finally:
            over.set()
            replacing.join()
            for writer in self._writers:
                writer.kill()
                writer.wait()


@contextmanager
def running(folder: Path, *, writers: int, megabytes: int = 0) -> Iterator[Household]:
    """Run one in an empty folder, with a database of the sample's size or about so much larger."""
    _furnish(folder / DATA_FOLDER, megabytes)
    (folder / NOTES).mkdir()
    with supervised_server(folder / DATA_FOLDER, folder) as server:
        _open(folder)
        household = Household(folder, server.url)
        order = [sys.executable, "-m", "tests.proof.household"]
        commands = {f"{name}_command": [*order, name, str(folder)] for name in ("stop", "start")}
        config = folder / "kino-backup-tui.toml"
        config.touch(0o600)
        settings = {"data_path": str(household.kino.data_path), "kino_url": server.url, **commands}
        config.write_text(tomli_w.dumps(settings))
        with household.writing(writers):
            yield household


def _furnish(data_path: Path, megabytes: int) -> None:
    furnish_data_path(data_path)
    now = datetime.now(UTC)
    config = data_path / "config.toml"
    config.write_text(config.read_text().replace("keep = 7\n", f"keep = {KEEP}\n"))
    with closing(open_database(data_path / "db.sqlite")) as connection:
        migrate(connection, now)
        Library(now).write(connection, now)
        ledger.create(connection)
        connection.execute("CREATE TABLE poster (picture BLOB)")
        for _ in range(megabytes):
            # Half of it can be packed.
            connection.execute("INSERT INTO poster VALUES (randomblob(?1 / 2) || zeroblob(?1 / 2))", (_MB,))


def _open(folder: Path) -> None:
    counter = folder / _PERIOD
    period = int(counter.read_text()) + 1 if counter.exists() else 0
    counter.write_text(str(period))
    (folder / "opening").write_text(str(period))
    (folder / "opening").rename(folder / OPEN)


def _stop(folder: Path) -> None:
    if (period_of(folder) or 0) % 2:
        (folder / OPEN).unlink(missing_ok=True)
        send_order("stop", folder)
    else:
        send_order("stop", folder)
        for pid in living(folder):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        (folder / OPEN).unlink(missing_ok=True)
    with locked(folder, fcntl.LOCK_EX):
        pass  # every writer has closed the database


def _start(folder: Path) -> None:
    send_order("start", folder)
    if period_of(folder) is None:
        _open(folder)


if __name__ == "__main__":
    {"stop": _stop, "start": _start}[sys.argv[1]](Path(sys.argv[2]))
