"""What the tests of a restore do inside of a throw-away machine: a Kino of systemd, two states of it.

The state in the backup says "backup" in its database, its settings and its secrets, the live one "live".
"""

from __future__ import annotations

import contextlib
import json
import os
import pty
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kino_backup_tui.core.archive.verify import read_archive
from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.jobs.lock import current_holder
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.running import observe
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.restore.journal import Phase, read_record
from kino_backup_tui.core.workspace import workspace_of
from tests.systemd.machine import ON_THE_WAY

KINO = Kino(Path("/var/lib/kino"))
OTHER = Kino(Path("/var/lib/other"))
UNITS = Path("/etc/systemd/system")
DROP_IN = UNITS / "kino.service.d/zz-kino-backup-tui.conf"
NO_CHANGE: Mapping[str, str] = MappingProxyType({})
BACKUP, LIVE = "backup", "live"
SERVER = f"{sys.executable} -m kino_backup_tui.demo.server --data-path /var/lib/kino"
"""The command of a usual Kino."""

HOLD = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT count(*) FROM film").fetchone()
time.sleep(1000)
"""
"""A program that holds a database open."""
DEAF = """
import signal, sys
from kino_backup_tui.demo import server
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
sys.exit(server.main(sys.argv[1:]))
"""
"""A Kino that ignores the request to stop."""

_PATIENCE_SECONDS = 60.0
_SLOW = """
import os, sys, time
def slow(event, arguments):
    if event == "os.rename" and arguments[0] == arguments[1]:
        time.sleep({seconds})
if any(word.startswith("kino_backup_tui.core.operations.worker") for word in sys.orig_argv):
    sys.addaudithook(slow)
"""


def until(condition: Callable[[], object], what: str = "it") -> None:
    """Wait for something, for a minute at most."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what} did not happen; Kino is {systemctl('is-active', 'kino')}")
        time.sleep(0.01)


def systemctl(*words: str) -> str:
    """What systemctl answers."""
    return subprocess.run(["systemctl", *words], capture_output=True, text=True, check=False).stdout.strip()


def shown(name: str, unit: str = "kino.service") -> str:
    """A property of a unit."""
    return systemctl("show", "--value", "-p", name, unit)


def furnish(settings: Mapping[str, str] = NO_CHANGE) -> Path:
    """Set up Kino with both states, stopped; return the archive of the one that is not live."""
    subprocess.run(["useradd", "--system", "--home-dir", KINO.data_path, "kino"], check=True)
    for folder in ON_THE_WAY:  # this machine's files are thrown away
        folder.chmod(folder.stat().st_mode | 0o1)
    cli("demo", str(KINO.data_path))
    set_state(KINO, BACKUP)
    archive = create_backup(Context(KINO), Control()).backup.path
    set_state(KINO, LIVE)
    KINO.config_file.chmod(0o644)
    (KINO.data_path / "secrets").chmod(0o750)
    give(KINO.data_path)
    write_unit("kino.service", settings=settings)
    return archive


def give(folder: Path) -> None:
    """Make the user kino the owner of all that is there."""
    subprocess.run(["chown", "-R", "kino:", folder], check=True)


def write_unit(name: str, *, kino: Kino = KINO, settings: Mapping[str, str] = NO_CHANGE) -> None:
    """Install a service in a sandbox, as a package of Kino does; settings of [Service] may be replaced."""
    merged = {
        "User": "kino",
        "ProtectSystem": "strict",
        "ReadWritePaths": str(kino.data_path),
        "ExecStart": SERVER.replace("/var/lib/kino", str(kino.data_path)),
        "Restart": "on-failure",
        "RestartSec": "200ms",
        "SuccessExitStatus": "75",
        "StandardOutput": "journal",
    } | dict(settings)
    lines = "".join(f"{key}={value}\n" for key, value in merged.items())
    # However slow the machine: the sixth start in a row is one too many, whatever starts it.
    (UNITS / name).write_text(f"[Unit]\nStartLimitIntervalSec=1h\nStartLimitBurst=6\n[Service]\n{lines}")
    systemctl("daemon-reload")


def set_state(kino: Kino, word: str) -> None:
    """Write a word into everything that a restore replaces."""
    with contextlib.closing(sqlite3.connect(kino.database)) as connection, connection:
        connection.execute("DELETE FROM tag WHERE name LIKE 'state %'")
        connection.execute(
            "INSERT INTO tag (name, created_at) VALUES (?, '2026-01-01T00:00:00Z')", (f"state {word}",)
        )
    lines = [line for line in kino.config_file.read_text().splitlines() if "# state " not in line]
    kino.config_file.write_text("\n".join([*lines, f"# state {word}", ""]))
    (kino.data_path / "secrets/state").write_text(word)
    # What only one of the states has.
    for name in (BACKUP, LIVE):
        (kino.data_path / f"secrets/only-{name}").unlink(missing_ok=True)
    (kino.data_path / f"secrets/only-{word}").write_text(word)


def state(kino: Kino = KINO) -> str:
    """The word that all of it says now; how it is broken, if it says more than one."""
    try:
        with contextlib.closing(sqlite3.connect(kino.database, timeout=20)) as connection:
            (sound,) = connection.execute("PRAGMA integrity_check").fetchone()
            tags = connection.execute("SELECT substr(name, 7) FROM tag WHERE name LIKE 'state %'").fetchall()
    except sqlite3.Error as error:
        return f"broken: {error}"
    said = [word for (word,) in tags]
    said += [line[8:] for line in kino.config_file.read_text().splitlines() if line.startswith("# state ")]
    said.append((kino.data_path / "secrets/state").read_text())
    said += [path.name[5:] for path in (kino.data_path / "secrets").glob("only-*")]
    return said[0] if sound == "ok" and len(said) == 4 and len(set(said)) == 1 else f"broken: {sound} {said}"


def looks() -> dict[str, tuple[int, int, int]]:
    """Owner, group and mode of what a restore replaces."""
    names = ("db.sqlite", "config.toml", "secrets", "secrets/state")
    found = {name: (KINO.data_path / name).stat() for name in names}
    return {name: (stat.st_uid, stat.st_gid, stat.st_mode & 0o7777) for name, stat in found.items()}


def command(*words: str) -> list[str]:
    """The command line of this program for this Kino."""
    return [sys.executable, "-m", "kino_backup_tui", "--data-path", str(KINO.data_path), *words]


def cli(*words: str, environ: Mapping[str, str] = os.environ) -> tuple[int, dict[str, Any]]:
    """Run it to its end; the exit code, and the last line of its output as JSON if it is that."""
    words = words if words[0] == "demo" else (*words, "--json")
    done = subprocess.run(command(*words), capture_output=True, text=True, check=False, env=environ)
    if done.stderr:
        sys.stderr.write(f"{done.stderr}\n" if words[0] != "demo" else "")
    with contextlib.suppress(ValueError, IndexError):
        return done.returncode, json.loads(done.stdout.splitlines()[-1])
    return done.returncode, {}


def start() -> None:
    """Start Kino and wait until it answers."""
    systemctl("start", "kino.service")
    until(answers, "an answer of Kino")


def answers() -> bool:
    """Whether this very Kino answers by HTTP."""
    return observe(KINO).version is not None


def phase() -> Phase | None:
    """What the journal of the restore says."""
    with contextlib.suppress(KinoBackupError):
        record = read_record(workspace_of(KINO))
        return record.phase if record else None
    return None


def worker() -> int:
    """The process id of the restore that runs; 0 if none does."""
    holder = current_holder(workspace_of(KINO))
    return holder.pid if holder else 0


def end_worker() -> None:
    """End it as the kernel does when memory is short, and wait until it is gone."""
    pid = worker()
    os.kill(pid, signal.SIGKILL)
    until(lambda: not worker(), "the worker's end")


def slow_renames(seconds: float) -> dict[str, str]:
    """An environment in which the worker takes its time with each rename of Kino's files."""
    folder = Path("/root/slow")
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(_SLOW.format(seconds=seconds))
    return {**os.environ, "PYTHONPATH": str(folder)}


def begin(*words: str, environ: Mapping[str, str] = os.environ) -> subprocess.Popen[str]:
    """Run the program in the background."""
    return subprocess.Popen(command(*words), text=True, env=environ, stdout=subprocess.PIPE)


def half_swapped() -> bool:
    """Whether the old database has left and the new one is not there yet."""
    old = KINO.data_path.glob(".kino-backup/restore/*/old/db.sqlite")
    return not KINO.database.exists() and any(old)


def last_line(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait until a program ends; its result."""
    found: dict[str, Any] = json.loads(process.communicate()[0].splitlines()[-1])
    return found


def hang_up_when(condition: Callable[[], object], *words: str, environ: Mapping[str, str]) -> None:
    """Run the program at a terminal of its own, and take that away once the condition holds."""
    pid, terminal = pty.fork()
    if pid == 0:
        line = command(*words)
        os.execve(line[0], line, environ)  # noqa: S606 - the child is this program
    until(condition)
    os.close(terminal)
    os.waitpid(pid, 0)


def archive_of(change: Callable[[Kino], object]) -> Path:
    """An archive of the state "backup" with something odd in it."""
    odd = Kino(Path("/root/odd"))
    shutil.copytree(KINO.data_path, odd.data_path, ignore=shutil.ignore_patterns(".kino-backup", "backups"))
    set_state(odd, BACKUP)
    change(odd)
    return create_backup(Context(odd), Control()).backup.path


def execute(kino: Kino, statement: str) -> None:
    """Change a database."""
    with contextlib.closing(sqlite3.connect(kino.database)) as connection, connection:
        connection.execute(statement)


def replace_in(path: Path, old: str, new: str) -> None:
    """Change a text file."""
    path.write_text(path.read_text().replace(old, new))


def furnish_other() -> None:
    """A second Kino, which kino.service serves from now on."""
    shutil.copytree(KINO.data_path, OTHER.data_path, ignore=shutil.ignore_patterns(".kino-backup"))
    give(OTHER.data_path)
    write_unit("kino.service", kino=OTHER)


def write_program(name: str, text: str) -> Path:
    """Install a program for everybody."""
    path = Path("/usr/local/bin") / name
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(0o755)
    return path


def rows_differ(archive: Path) -> list[str]:
    """The tables of the live database with other rows than the archive tells, but for those Kino writes."""
    with archive.open("rb") as stream:
        told = dict(
            read_archive(stream, lambda _: None, lambda *_: contextlib.nullcontext()).manifest.tables or {}
        )
    for name in ("watch_event", "watch_progress", "scrobble_queue", "playback_device"):
        told.pop(name)
    with contextlib.closing(sqlite3.connect(KINO.database)) as connection:
        return [
            name
            for name, count in told.items()
            if connection.execute(f"SELECT count(*) FROM {name}").fetchone() != (count,)
        ]


def nothing_left() -> bool:
    """Whether there is neither a gate nor a service of a restore."""
    until(lambda: not worker(), "the worker's end")
    # Its process, and with it its unit, ends a moment after it has given the lock back.
    until(lambda: not systemctl("list-units", "--all", "--no-legend", "kino-backup-tui*"), "its unit's end")
    return not (DROP_IN.parent.exists() or "kino-backup" in shown("DropInPaths"))


def log_of(unit: str) -> list[str]:
    """What the journal has of a unit."""
    asked = ["journalctl", "--output=cat", "--no-pager", f"--unit={unit}"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.splitlines()


def sets_kept() -> int:
    """How many restores have left files."""
    return len([path for path in KINO.data_path.glob(".kino-backup/restore/*") if path.is_dir()])
