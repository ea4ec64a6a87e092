"""What the tests of a restore share: performing one in this process, and what is on disk before and after."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from kino_backup_tui.core.jobs.job import new_job_id
from kino_backup_tui.core.kino.home import WORKING_FOLDER, Kino
from kino_backup_tui.core.models import Backup
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.plan import RestoreOptions, plan_restore, plan_rollback
from kino_backup_tui.core.operations.restore import read_result
from kino_backup_tui.core.operations.restoring import perform
from kino_backup_tui.core.operations.task import Task
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.restore.plan import RestorePlan, RestoreResult

Facts = tuple[str, int, int, int, int, int]
"""Digest, mode, owner, group, size, time of the last change of its data in nanoseconds."""


def do(
    context: Context,
    plan: RestorePlan,
    options: RestoreOptions | None = None,
    control: Control | None = None,
) -> RestoreResult:
    """Do what a plan says as the worker does it, but in this process; raises what `perform` raises."""
    assert plan.blockers == (), plan.blockers
    options = options or RestoreOptions()
    job = new_job_id(context.clock)
    task = Task(
        job=job,
        operation=plan.operation,
        source=plan.source,
        kept_files=plan.operation == "rollback" and not plan.archive_sha256,
        fingerprint=plan.fingerprint,
        safety_backup=options.safety_backup,
        health_seconds=options.health_seconds,
        received=False,
        library_missing_ok=options.library_missing_ok,
    )
    perform(context, task, control or Control())
    result = read_result(context, job)
    assert result is not None
    return result


def restore(context: Context, source: Backup | Path, options: RestoreOptions | None = None) -> RestoreResult:
    """Plan and do."""
    options = options or RestoreOptions()
    return do(context, plan_restore(context, source, Control(), options), options)


def rollback(context: Context, options: RestoreOptions | None = None) -> RestoreResult:
    """Plan and do the way back."""
    options = options or RestoreOptions()
    return do(context, plan_rollback(context, Control(), options), options)


def tree(folder: Path, *, without: tuple[str, ...] = (WORKING_FOLDER,)) -> dict[str, Facts]:
    """Everything below a folder; by default without our own working folder.

    Without what the last reader of a database in WAL mode leaves beside it, too: an index, an empty log.
    """
    found = {str(path.relative_to(folder)): facts(path) for path in _walk(folder)}
    return {
        name: fact
        for name, fact in found.items()
        if name.partition("/")[0] not in without
        and not name.endswith("-shm")
        and not (name.endswith("-wal") and fact[4] == 0)
    }


def facts(path: Path) -> Facts:
    """What must not change unseen."""
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        digest = str(path.readlink())
    else:
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    size = status.st_size if path.is_file() else 0
    return digest, status.st_mode, status.st_uid, status.st_gid, size, status.st_mtime_ns


def films(kino: Kino) -> list[str]:
    """The titles in the live database."""
    with closing(sqlite3.connect(kino.database)) as connection:
        return [title for (title,) in connection.execute("SELECT title FROM film ORDER BY id")]


def change(kino: Kino, title: str = "Made after the backup") -> None:
    """Change all that a restore replaces: a film, a setting, a secret more and one less."""
    execute(kino, f"INSERT INTO film (title) VALUES ('{title}')")
    kino.config_file.write_text(f"# {title}\n")
    (kino.secrets / f"{title}.json").write_text("{}")
    (kino.secrets / "trakt.json").unlink(missing_ok=True)


def execute(kino: Kino, *statements: str) -> None:
    """Change the live database, and leave no connection."""
    with closing(sqlite3.connect(kino.database)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def state(kino: Kino) -> dict[str, object]:
    """What belongs to a backup, by its contents."""
    files = [kino.config_file, *(path for path in kino.secrets.rglob("*"))]
    found: dict[str, object] = {
        str(path.relative_to(kino.data_path)): path.read_bytes() for path in files if path.is_file()
    }
    if kino.database.exists():
        found["films"] = films(kino)
    return found


def leftovers(kino: Kino) -> list[str]:
    """What a restore that changed nothing must not leave in the working folder, or in the data path."""
    work = kino.data_path / WORKING_FOLDER
    found = [
        *(work / "scratch").glob("*"),
        *(work / "restore").glob("*"),
        *kino.data_path.glob(".kino-restore"),
    ]
    return [path.name for path in found if path.name != "journal.json"]


@contextmanager
def mounted(path: Path, *options: str) -> Iterator[None]:
    """A path is mounted on itself."""
    with _mount(["--bind", str(path), str(path)], path):
        if options:
            subprocess.run(["mount", "-o", f"remount,bind,{','.join(options)}", path], check=True)
        yield


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[None]:
    """A file system of so many KiB is mounted there."""
    folder.mkdir(exist_ok=True)
    with _mount(["-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)], folder):
        yield


@contextmanager
def _mount(arguments: list[str], path: Path) -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("needs root to mount")
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


def _walk(folder: Path) -> Iterator[Path]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        yield Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))
