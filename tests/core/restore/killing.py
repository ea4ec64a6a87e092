"""Kill a restore at each of its calls that change something on disk, and see what settling makes of it.

`python -m tests.core.restore.killing` prints how many points there are and how each ended; they are those of
`tests.proof.points`.
"""

from __future__ import annotations

import itertools
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.gate import gate
from kino_backup_tui.core.operations.last_restore import interrupted
from kino_backup_tui.core.operations.plan import plan_restore, plan_rollback
from kino_backup_tui.core.operations.restoring import perform
from kino_backup_tui.core.operations.settle import settle
from kino_backup_tui.core.operations.task import Task
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.restore.journal import FINAL, UNTOUCHED, read_record
from kino_backup_tui.core.restore.plan import RestorePlan
from kino_backup_tui.core.workspace import workspace_of
from tests.proof.points import done, killed_at

OLD, NEW, BROKEN = "old", "new", "broken"
_WRITER = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("PRAGMA wal_autocheckpoint = 0")
connection.execute("INSERT INTO film (title) VALUES ('in the log')")
os.kill(os.getpid(), signal.SIGKILL)
"""


@dataclass(frozen=True)
class Bench:
    """A Kino as it was left by a crash, its rows still in the log, and an archive of another state."""

    folder: Path

    @property
    def template(self) -> Path:
        """What each run begins with."""
        return self.folder / "template"

    @property
    def kino(self) -> Kino:
        """The Kino of a run."""
        return Kino(self.folder / "kino")

    @property
    def context(self) -> Context:
        """The same, for operations."""
        return Context(self.kino, host="nas01")

    @property
    def archive(self) -> Path:
        """A backup of the new state."""
        return next((self.folder / "other" / "backups").glob("*.tar.gz"))

    def state(self) -> str:
        """Which of the two states the Kino of the run is in."""
        return state_of(self.kino.data_path)

    def reset(self, beginning: Path | None = None) -> None:
        """Put the data path back to its beginning; a file system that is mounted in it stays."""
        data_path = self.kino.data_path
        if data_path.exists():
            for entry in data_path.iterdir():
                if entry.is_mount():
                    _empty(entry)
                elif entry.is_dir():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()
        shutil.copytree(beginning or self.template, data_path, dirs_exist_ok=True)


def prepare(folder: Path) -> Bench:
    """Write both states."""
    bench = Bench(folder)
    write_state(bench.template, "old", ("a", "b", "c"))
    leave_in_the_log(bench.template / "db.sqlite")
    other = folder / "other"
    write_state(other, "new", ("a", "b", "d"))
    create_backup(Context(Kino(other)), Control())
    return bench


def prepare_rollback(bench: Bench) -> None:
    """Let each run begin with a Kino that was just restored, the replaced files kept."""
    bench.reset()
    assert done(restore(bench))
    shutil.rmtree(bench.template)
    shutil.copytree(bench.kino.data_path, bench.template)


def state_of(data_path: Path) -> str:
    """Whether the live files are wholly the old ones, wholly the new ones, or neither."""
    try:
        facts = (
            _titles(data_path),
            (data_path / "config.toml").read_text().partition("\n")[0],
            {path.name: path.read_text() for path in (data_path / "secrets").iterdir()},
        )
    except (OSError, sqlite3.Error) as error:
        return f"{BROKEN}: {error}"
    if facts == (["old", "in the log"], "# old", dict.fromkeys("abc", "old")):
        return OLD
    if facts == (["new"], "# new", dict.fromkeys("abd", "new")):
        return NEW
    return f"{BROKEN}: {facts}"


def restore(bench: Bench) -> Callable[[], None]:
    """What a worker does once the plan is confirmed."""
    plan = plan_restore(bench.context, bench.archive, Control())
    return lambda: perform(bench.context, _task(plan, kept_files=False), Control())


def rollback(bench: Bench) -> Callable[[], None]:
    """The same for the way back to the files of before."""
    plan = plan_rollback(bench.context, Control())
    return lambda: perform(bench.context, _task(plan, kept_files=True), Control())


def settling(bench: Bench) -> None:
    """What `apply` does."""
    settle(bench.context, Control())


def starting(bench: Bench) -> None:
    """What the gate does before Kino starts, and the start itself."""
    if not gate(bench.context, finish_later=False):
        raise AssertionError("the gate kept Kino from starting")


def _task(plan: RestorePlan, *, kept_files: bool) -> Task:
    return Task(
        job="20260426T030000-abcdef",
        operation=plan.operation,
        source=plan.source,
        kept_files=kept_files,
        fingerprint=plan.fingerprint,
        safety_backup=True,
        health_seconds=180.0,
        received=False,
    )


def _titles(data_path: Path) -> list[str]:
    """The rows, read from a copy: looking must not change what is looked at."""
    with tempfile.TemporaryDirectory() as scratch:
        for path in data_path.glob("db.sqlite*"):
            shutil.copy(path, scratch)
        connection = sqlite3.connect(Path(scratch) / "db.sqlite")
        try:
            (sound,) = connection.execute("PRAGMA integrity_check").fetchone()
            if sound != "ok":
                raise sqlite3.DatabaseError(sound)
            return [title for (title,) in connection.execute("SELECT title FROM film ORDER BY id")]
        finally:
            connection.close()


def leave_in_the_log(database: Path) -> None:
    """Let a Kino that writes to its database crash, its last row still in the log."""
    subprocess.run([sys.executable, "-c", _WRITER, database], check=False)


def write_state(data_path: Path, name: str, secrets: Sequence[str], settings: str = "") -> None:
    """Write a data path whose files all carry a name."""
    (data_path / "secrets").mkdir(parents=True)
    for secret in secrets:
        (data_path / "secrets" / secret).write_text(name)
    (data_path / "config.toml").write_text(f"# {name}\n{settings}")
    connection = sqlite3.connect(data_path / "db.sqlite")
    connection.executescript(
        f"""
        PRAGMA journal_mode = WAL;
        CREATE TABLE _sqlx_migrations (
            version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMP,
            success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL
        );
        INSERT INTO _sqlx_migrations VALUES (1, 'first', '', 1, x'aa', 1);
        CREATE TABLE film (id INTEGER PRIMARY KEY, title TEXT NOT NULL);
        INSERT INTO film (title) VALUES ('{name}');
        """
    )
    connection.close()


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def campaign(
    bench: Bench, work: Callable[[Bench], Callable[[], None]], recover: Callable[[Bench], None]
) -> Counter[str]:
    """Kill some work at each of its points and recover; how often each state came out of it."""
    outcomes: Counter[str] = Counter()
    for point in itertools.count():
        bench.reset()
        if not killed_at(point, work(bench)):
            return outcomes
        recovered = done(lambda: recover(bench))
        outcomes[bench.state() if recovered else f"{BROKEN}: recovery failed"] += 1
        if interrupted(bench.context) is not None and recover is settling:
            outcomes[f"{BROKEN}: not settled"] += 1
    raise AssertionError("unreachable")


def double_campaign(bench: Bench, work: Callable[[Bench], Callable[[], None]], stride: int) -> Counter[str]:
    """Kill some work while files are renamed, then the recovery at every `stride`th point, then recover."""
    outcomes: Counter[str] = Counter()
    pairs = 0
    for point in itertools.count():
        bench.reset()
        if not killed_at(point, work(bench)):
            return outcomes
        record = read_record(workspace_of(bench.kino))
        if record is None or record.phase in FINAL | UNTOUCHED:
            continue
        with tempfile.TemporaryDirectory() as kept:
            shutil.copytree(bench.kino.data_path, kept, dirs_exist_ok=True)
            for second in itertools.count():
                pairs += 1
                if pairs % stride:
                    continue
                bench.reset(Path(kept))
                if not killed_at(second, lambda: settling(bench)):
                    break
                recovered = done(lambda: settling(bench))
                outcomes[bench.state() if recovered else f"{BROKEN}: recovery failed"] += 1
    raise AssertionError("unreachable")


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        bench = prepare(Path(folder))
        for name, recover in (("apply", settling), ("gate", starting)):
            _print(f"restore killed, then {name}", campaign(bench, restore, recover))
        _print("restore killed, apply killed, then apply", double_campaign(bench, restore, stride=1))
        prepare_rollback(bench)
        _print("rollback killed, then apply", campaign(bench, rollback, settling))


def _print(what: str, outcomes: Counter[str]) -> None:
    sys.stdout.write(f"{what}: {sum(outcomes.values())} points, {dict(outcomes)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
