"""What the tests of a restore share: states of a Kino that can be told apart, and archives of odd ones."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from kino_backup_tui.core.jobs.journal import journal_path
from kino_backup_tui.core.jobs.lock import current_holder
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.workspace import workspace_of
from tests.cli.harness import TIMEOUT_SECONDS, Cli, event_of, write_kino

_HOLD_OPEN = (
    "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); "
    "c.execute('SELECT count(*) FROM film').fetchone(); print('open', flush=True); sys.stdin.read()"
)


def films(kino: Cli) -> list[str]:
    """The titles in the live database."""
    with contextlib.closing(sqlite3.connect(kino.data_path / "db.sqlite")) as connection:
        return [row[0] for row in connection.execute("SELECT title FROM film ORDER BY id")]


def change(kino: Cli, title: str = "Made after the backup") -> None:
    """Change all that a restore replaces: a film, a setting, a secret."""
    execute(kino, f"INSERT INTO film (title) VALUES ('{title}')")
    (kino.data_path / "config.toml").write_text(f"[backup]\nkeep = 5 # {title}\n")
    (kino.data_path / "secrets" / "later.json").write_text("{}")


def execute(kino: Cli, statement: str) -> None:
    """Change the live database, and leave no connection."""
    with contextlib.closing(sqlite3.connect(kino.data_path / "db.sqlite")) as connection, connection:
        connection.execute(statement)


def state(kino: Cli) -> dict[str, str]:
    """Digests of everything that belongs to a backup; the database's by what is in it."""
    files = [kino.data_path / "config.toml", *sorted((kino.data_path / "secrets").rglob("*"))]
    found = {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.is_file()}
    if (kino.data_path / "db.sqlite").exists():
        found["films"] = "\n".join(films(kino))
    return found


def leftovers(kino: Cli) -> list[Path]:
    """What a restore that changed nothing must not leave: unpacked sets, received archives, copies."""
    folder = kino.data_path / ".kino-backup" / "restore"
    inside = [path for path in folder.iterdir() if path.name != "journal.json"] if folder.is_dir() else []
    return [*inside, *kino.unfinished]


def archive_of(folder: Path, *statements: str) -> Path:
    """An archive of another Kino, whose database the statements have changed."""
    other = write_kino(folder)
    for statement in statements:
        execute(other, statement)
    return other.create()


@contextlib.contextmanager
def kino_by_hand(kino: Cli) -> Iterator[subprocess.Popen[bytes]]:
    """A process started at a shell that has the database open; it ends with its standard input."""
    with subprocess.Popen(["sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        assert shell.stdin is not None
        assert shell.stdout is not None
        try:
            shell.stdin.write(f'"{sys.executable}" -c "{_HOLD_OPEN}" "{kino.data_path}/db.sqlite"\n'.encode())
            shell.stdin.flush()
            assert shell.stdout.readline() == b"open\n"
            yield shell
        finally:
            shell.stdin.close()
            shell.wait()


@contextlib.contextmanager
def no_worker_left(kino: Cli) -> Iterator[None]:
    """End a worker that a failed test has left waiting."""
    try:
        yield
    finally:
        holder = current_holder(workspace_of(Kino(kino.data_path)))
        if holder is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(holder.pid, signal.SIGKILL)


def configured(folder: Path, **settings: list[str]) -> str:
    """A configuration for `KINO_BACKUP_TUI_CONFIG`; TOML writes such lists as JSON does."""
    path = folder / "tool.toml"
    path.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items()))
    path.chmod(0o600)
    return str(path)


def reach(process: subprocess.Popen[str], stage: str) -> str:
    """Read events of the job until it is in that stage; return the job's id."""
    while (event := event_of(process))["event"] != "start":
        pass
    while event_of(process)["stage"] != stage:
        pass
    return str(event["job"])


def freeze_worker(kino: Cli, stage: str) -> int:
    """Stop the worker in the middle of a stage, so that it cannot be too far when the signal comes."""
    workspace = workspace_of(Kino(kino.data_path))
    sign = f'"stage":"{stage}"'.encode()
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        holder = current_holder(workspace)
        if holder is not None and sign in journal_bytes(journal_path(workspace, holder.job)):
            os.kill(holder.pid, signal.SIGSTOP)
            return holder.pid
        time.sleep(0.001)
    raise AssertionError(f"the worker did not reach {stage}")


def journal_bytes(path: Path) -> bytes:
    """What is in a journal; nothing if it is not there yet."""
    return path.read_bytes() if path.exists() else b""


def thaw_once_asked_to_stop(worker: int) -> None:
    """Let it go on as soon as SIGTERM waits for it, see proc(5)."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        status = Path(f"/proc/{worker}/status").read_text()
        pending = next(line for line in status.splitlines() if line.startswith("ShdPnd:"))
        if int(pending.split()[1], 16) & 1 << signal.SIGTERM - 1:
            os.kill(worker, signal.SIGCONT)
            return
        time.sleep(0.01)
    raise AssertionError("nobody has asked the worker to stop")
