"""What the tests of a restore share: states of a Kino that can be told apart, and archives of odd ones."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from kino_backup_tui.core.jobs.lock import current_holder
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.workspace import workspace_of
from tests.cli.harness import Cli, write_kino

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
