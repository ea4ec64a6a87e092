"""The real command, run as a process of its own against a real data path."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-m", "kino_backup_tui")
TIMEOUT_SECONDS = 60
CONFIG = """\
# The household's Kino
[server]
port = 8080

[backup]
keep = 3 # a week is too much for this disk
"""


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[Any]:
        """Standard output as one JSON value a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def json(self) -> Any:
        """The last line of standard output: the result."""
        return self.lines[-1]


@dataclass(frozen=True, slots=True)
class Cli:
    """A data path with a small Kino in it, and the command that works on it."""

    data_path: Path

    @property
    def location(self) -> Path:
        """Where its backups go."""
        return self.data_path / "backups"

    @property
    def archives(self) -> list[Path]:
        """The files in that folder that have an archive's name."""
        return sorted(self.location.glob("kino-backup-*.tar.gz"))

    @property
    def unfinished(self) -> list[Path]:
        """Everything an interrupted run could have left: partial archives, working copies."""
        scratch = self.data_path / ".kino-backup" / "scratch"
        return [*self.location.glob(".*partial*"), *(scratch.iterdir() if scratch.is_dir() else ())]

    def arguments(self, *verb: str) -> list[str]:
        """The whole command line of a verb."""
        return [*COMMAND, "--data-path", str(self.data_path), *verb]

    def command(self, *verb: str) -> str:
        """How a hint writes it: this Kino is none that is found by default."""
        return shlex.join(["kino-backup-tui", "--data-path", str(self.data_path), *verb])

    def run(self, *verb: str, stdin: bytes | None = None, **environ: str) -> Result:
        """Run a verb to its end; without `stdin` there is nobody to answer."""
        return run([*self.arguments(*verb)], stdin=stdin, **environ)

    @contextlib.contextmanager
    def running(
        self,
        *verb: str,
        stdin: int = subprocess.DEVNULL,
        environ: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Iterator[subprocess.Popen[str]]:
        """Run a verb during the block with pipes on its outputs; a test that fails leaves no process."""
        process = subprocess.Popen(
            self.arguments(*verb),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environ(**(environ or {})),
            **options,
        )
        with process:
            try:
                yield process
            finally:
                process.kill()

    @contextlib.contextmanager
    def creating(self, **options: Any) -> Iterator[subprocess.Popen[str]]:
        """Have a backup being made: during the block it has begun, and it reports every event."""
        with self.running("create", "--json", "--progress", **options) as process:
            assert event_of(process)["event"] == "start"
            yield process

    def create(self) -> Path:
        """Make a backup and return its path."""
        result = self.run("create")
        assert result.code == 0, result.err
        return Path(result.out.strip())


def event_of(process: subprocess.Popen[str]) -> Any:
    """The next line of a running command, as JSON."""
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def end_of(process: subprocess.Popen[str]) -> tuple[int, list[Any], str]:
    """Wait for a running command: its exit code, the rest of its lines, and its talk."""
    out, err = process.communicate(timeout=TIMEOUT_SECONDS)
    return process.returncode, [json.loads(line) for line in out.splitlines()], err


def run(arguments: Sequence[str], *, stdin: bytes | None = None, **environ: str) -> Result:
    """Run a program with a clean, English, UTC environment."""
    done = subprocess.run(
        arguments,
        input=stdin if stdin is not None else b"",
        capture_output=True,
        timeout=TIMEOUT_SECONDS,
        env=clean_environ(**environ),
        check=False,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def clean_environ(**extra: str) -> dict[str, str]:
    """The environment without what the developer's own Kino or shell may have put there."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("KINO_", "_KINO_", "LC_"))
    }
    return {**kept, "LANG": "C.UTF-8", "TZ": "Europe/Berlin", **extra}


def write_kino(data_path: Path, *, padding_megabytes: int = 0) -> Cli:
    """Write a small Kino with settings and a secret; padding makes its database slow to pack."""
    (data_path / "secrets").mkdir(parents=True)
    (data_path / "secrets" / "trakt.json").write_text('{"token": "s3cret"}')
    (data_path / "config.toml").write_text(CONFIG)
    connection = sqlite3.connect(data_path / "db.sqlite")
    connection.executescript(
        """
        PRAGMA journal_mode = WAL;
        CREATE TABLE _sqlx_migrations (
            version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMP,
            success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL
        );
        INSERT INTO _sqlx_migrations VALUES (1, 'first', '', 1, x'aa', 1), (2, 'second', '', 1, x'bb', 1);
        CREATE TABLE film (id INTEGER PRIMARY KEY, title TEXT NOT NULL, artwork BLOB);
        INSERT INTO film (title) VALUES ('The Lighthouse Keeper'), ('Über den Dächern');
        """
    )
    for _ in range(padding_megabytes):
        connection.execute("INSERT INTO film (title, artwork) VALUES ('', randomblob(1048576))")
    connection.commit()
    connection.close()
    return Cli(data_path)
