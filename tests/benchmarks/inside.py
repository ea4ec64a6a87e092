"""One piece of work in this process: prints how many seconds it took, without the start of Python.

    python -m tests.benchmarks.inside {create,verify,list,isal,sqlite} DATA_PATH

The first three are ours, as the screens run them. The other two are what a backup cannot do without, each on
one processor: compressing the bytes of the database, and copying and checking it.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from kino_backup_tui.core.archive.gzip_stream import gzip_compressor
from kino_backup_tui.core.archive.writer import CHUNK_BYTES
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.listing import find_backup, list_backups
from kino_backup_tui.core.operations.verify import verify_backup
from kino_backup_tui.core.progress import Control

VERSION = "0.4.2"


def create(kino: Kino) -> float:
    """Make a backup."""
    return _seconds(lambda: create_backup(Context(kino), Control(), version=VERSION))


def verify(kino: Kino) -> float:
    """Verify the newest backup."""
    context = Context(kino)
    backup = find_backup(context, "latest")
    return _seconds(lambda: verify_backup(context, backup, Control()))


def list_them(kino: Kino) -> float:
    """List all backups, when that has been done before."""
    list_backups(Context(kino))
    return _seconds(lambda: list_backups(Context(kino)))


def isal(kino: Kino) -> float:
    """Compress the database as an archive is, and throw it away."""

    def compress() -> None:
        compressor = gzip_compressor()
        with kino.database.open("rb", buffering=0) as stream:
            while piece := stream.read(CHUNK_BYTES):
                compressor.compress(piece)
        compressor.flush()

    return _seconds(compress)


def sqlite(kino: Kino) -> float:
    """Copy the database in one go, and check the copy."""
    copy = kino.data_path / "copy.sqlite"

    def copy_and_check() -> None:
        with closing(sqlite3.connect(kino.database)) as source, closing(sqlite3.connect(copy)) as target:
            target.execute("PRAGMA synchronous = OFF")
            source.backup(target)
            (answer,) = target.execute("PRAGMA integrity_check").fetchone()
            if answer != "ok":
                raise RuntimeError(answer)

    seconds = _seconds(copy_and_check)
    for path in kino.data_path.glob(f"{copy.name}*"):
        path.unlink()
    return seconds


WORK: dict[str, Callable[[Kino], float]] = {
    "create": create,
    "verify": verify,
    "list": list_them,
    "isal": isal,
    "sqlite": sqlite,
}


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.stdout.write(str(WORK[sys.argv[1]](Kino(Path(sys.argv[2])))))
