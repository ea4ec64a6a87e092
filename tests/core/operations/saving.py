"""What the tests of making backups share: taking one as a restore does, damage, and what is on disk then."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kino_backup_tui.core.jobs.job import Job, run_job
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.safety import SafetyTaken, take_raw_backup, take_safety_backup
from kino_backup_tui.core.operations.session import Session, open_session
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.workspace import workspace_of


def files_below(folder: Path) -> set[str]:
    """Every file below a folder, by relative path."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def left_behind(kino: Kino) -> set[str]:
    """Files in the location and the scratch folder that are neither a backup nor the location's marker."""
    places = (kino.default_location, kino.data_path / ".kino-backup" / "scratch")
    names = {name for place in places if place.is_dir() for name in files_below(place)}
    return {name for name in names if name != ".kino-backup-location"}


def damage_index(database: Path) -> None:
    """Swap two keys of an index, which SQLite reads without complaint until it checks."""
    data = bytearray(database.read_bytes())
    first = data.rfind(b"Film 11")
    data[first : first + 7] = b"Film 99"
    database.write_bytes(data)


@contextlib.contextmanager
def restoring(context: Context, control: Control | None = None) -> Iterator[tuple[Session, Job]]:
    """A restore that has come to its safety backup."""
    with run_job(workspace_of(context.kino), "restore", context.clock, control or Control()) as job:
        yield open_session(context), job


def take(context: Context, *, raw_now: bool = False, control: Control | None = None) -> SafetyTaken:
    """The safety backup while Kino may run, or with nobody there any more."""
    with restoring(context, control) as (session, job):
        return take_safety_backup(context, session, job, version="0.4.2", allow_raw_now=raw_now)


def take_raw(context: Context) -> SafetyTaken:
    """The one after the stop."""
    with restoring(context) as (session, job):
        return take_raw_backup(context, session, job, version="0.4.2")


def made(taken: SafetyTaken) -> Backup:
    """The backup that was made."""
    assert taken.problem is None, taken.problem
    assert taken.backup is not None
    return taken.backup


def unpacked(backup: Backup) -> dict[str, bytes]:
    """What an archive holds, by the standard library's reader."""
    with tarfile.open(backup.path) as archive:
        files = {member.name: archive.extractfile(member) for member in archive}
        return {name: stream.read() for name, stream in files.items() if stream is not None}


def as_found(kino: Kino) -> dict[str, bytes]:
    """The files of the database, config and secrets."""
    names = [path for path in kino.data_path.glob("db.sqlite*") if path.is_file()]
    files = [*names, kino.config_file, *(path for path in kino.secrets.rglob("*") if path.is_file())]
    return {str(path.relative_to(kino.data_path)): path.read_bytes() for path in files}


def overwrite_pages(kino: Kino) -> None:
    """Garbage over the page of the schema."""
    data = bytearray(kino.database.read_bytes())
    data[100:4096] = b"\xa5" * 3996
    kino.database.write_bytes(data)


def truncate(kino: Kino) -> None:
    """The second half is gone, as after a crash of the file system."""
    os.truncate(kino.database, kino.database.stat().st_size // 2)


def not_a_database(kino: Kino) -> None:
    """Something else under its name."""
    kino.database.write_bytes(b"<html>502 Bad Gateway</html>" * 300)


def empty(kino: Kino) -> None:
    """0 bytes."""
    kino.database.write_bytes(b"")


def damaged_inside(kino: Kino) -> None:
    """Only a check of the index shows it."""
    connection = sqlite3.connect(kino.database)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    damage_index(kino.database)


VISIBLE = [overwrite_pages, not_a_database, empty]
DAMAGE = [*VISIBLE, truncate, damaged_inside]
damages = pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)


def crash(kino: Kino) -> None:
    """Leave the files of a Kino that was killed in the middle of its work: log, its index, a journal."""
    writer = sqlite3.connect(kino.database, isolation_level=None)
    writer.execute("INSERT INTO film (title) VALUES ('only in the log')")
    killed = {end: kino.database.with_name(f"db.sqlite{end}").read_bytes() for end in ("", "-wal", "-shm")}
    writer.close()
    for end, data in {**killed, "-journal": b""}.items():
        kino.database.with_name(f"db.sqlite{end}").write_bytes(data)
