"""A writer of the concurrency proof: `python -m tests.proof.writer FOLDER` commits without a pause.

It has the database open only while the household (see `tests.proof.household`) lets it, as a part of Kino
that its supervisor stops with the rest, and notes each of its commits: a process that is killed has noted all
but perhaps the last, of which its file says at its beginning that it was on its way.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from kino_backup_tui.demo.control import DATA_FOLDER
from kino_backup_tui.demo.schema import open_database
from tests.proof.ledger import add_next

OPEN, DOOR, NOTES = "open", "door", "writers"
"""In the household's folder: there while writers may write, and which period that is; what each of them
locks while it has the database open; the folder of their notes."""
_COMMIT = struct.Struct("<qqdd")
_POLL_SECONDS = 0.005


class Commit(NamedTuple):
    """One transaction; times are seconds of the clock on the wall."""

    period: int
    number: int
    began: float
    ended: float
    """When the commit had returned; 0 for one that a process died over, which may have happened or not."""


def read_notes(folder: Path) -> tuple[list[Commit], list[str]]:
    """What all writers have committed, and the errors that they had."""
    commits, errors = [], []
    for path in (folder / NOTES).iterdir():
        if path.suffix == ".errors":
            errors += path.read_text().splitlines()
            continue
        data = path.read_bytes()
        under_way, *done = (
            Commit(*_COMMIT.unpack_from(data, at))
            for at in range(0, len(data) - _COMMIT.size + 1, _COMMIT.size)
        )
        commits += done
        if under_way.number and (not done or done[-1].number != under_way.number):
            commits.append(under_way)
    return commits, errors


def period_of(folder: Path) -> int | None:
    """The current period; None while writers may not write."""
    try:
        return int((folder / OPEN).read_text())
    except FileNotFoundError:
        return None


def living(folder: Path) -> Iterator[int]:
    """The processes that write."""
    for path in (folder / NOTES).iterdir():
        if path.name.isdecimal():
            with path.open("rb") as notes:
                try:
                    fcntl.flock(notes.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    yield int(path.name)


@contextmanager
def locked(folder: Path, how: int) -> Iterator[None]:
    """Hold the lock of the door."""
    descriptor = os.open(folder / DOOR, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def main(folder: Path) -> None:
    """Write until the process that has started this one is gone."""
    parent = os.getppid()
    path = folder / NOTES / str(os.getpid())
    with path.open("wb", buffering=0) as notes, path.with_suffix(".errors").open("w", buffering=1) as errors:
        fcntl.flock(notes.fileno(), fcntl.LOCK_EX)
        notes.write(bytes(_COMMIT.size))
        while os.getppid() == parent:
            with locked(folder, fcntl.LOCK_SH):
                period = period_of(folder)
                if period is not None:
                    try:
                        _write(folder, period, notes, parent)
                    except sqlite3.Error as error:
                        errors.write(f"period {period}, {type(error).__name__}: {error}\n")
            time.sleep(_POLL_SECONDS)


def _write(folder: Path, period: int, notes: BinaryIO, parent: int) -> None:
    with closing(open_database(folder / DATA_FOLDER / "db.sqlite")) as connection:
        while (folder / OPEN).exists() and os.getppid() == parent:
            began = time.time()
            number = add_next(connection)
            os.pwrite(notes.fileno(), _COMMIT.pack(period, number, began, 0.0), 0)
            connection.execute("COMMIT")
            notes.write(_COMMIT.pack(period, number, began, time.time()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
