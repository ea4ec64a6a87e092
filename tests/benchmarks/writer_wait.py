"""How long another process that writes to the database has to wait while a backup is made.

    python -m tests.benchmarks.writer_wait [SIZE_IN_MB]

The writer makes a small transaction every few milliseconds, as a media server does with watch progress, and
notes the longest one: alone, beside `create`, and beside `sqlite3 DB .backup`.
"""

from __future__ import annotations

import select
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.demo.schema import open_database
from tests.benchmarks.databases import MB, temporary_kino
from tests.benchmarks.measure import print_table, say

_ALONE_SECONDS = 5.0
_PAUSE_SECONDS = 0.005
_PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Waits:
    """How long transactions took, in milliseconds."""

    count: int
    median: float
    longest: float


def write_until_told(database: Path) -> None:
    """The writer: transactions until standard input ends; then their number, median and longest, in ms."""
    taken: list[float] = []
    with closing(open_database(database)) as connection:
        say("ready")
        while not select.select([sys.stdin], [], [], _PAUSE_SECONDS)[0]:
            began = time.perf_counter()
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "INSERT OR REPLACE INTO watch_progress (user_id, media_file_id, position_ms, updated_at)"
                " VALUES (1, 1 + ? % 600, ?, datetime())",
                (len(taken), len(taken)),
            )
            connection.execute("COMMIT")
            taken.append((time.perf_counter() - began) * 1000)
    taken.sort()
    say(f"{len(taken)} {taken[len(taken) // 2]} {taken[-1]}")


def waits_beside(kino: Kino, work: Callable[[], object]) -> Waits:
    """What the writer had to wait while something else was done."""
    command = [sys.executable, "-m", "tests.benchmarks.writer_wait", "--writer", str(kino.database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdin is not None
        writer.stdout.readline()
        work()
        writer.stdin.close()
        count, median, longest = writer.stdout.read().split()
    return Waits(int(count), float(median), float(longest))


def create(kino: Kino) -> None:
    """Make a backup."""
    command = [sys.executable, "-m", "kino_backup_tui", "--data-path", str(kino.data_path), "create"]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def backup_by_hand(kino: Kino) -> None:
    """Copy with SQLite's own program, which begins again after every write of another process."""
    copy = kino.data_path.parent / "copy.sqlite"
    try:
        subprocess.run(["sqlite3", str(kino.database), f".backup '{copy}'"], check=True, timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        say(f"sqlite3 .backup did not come to an end in {_PATIENCE:.0f} s")
    copy.unlink()


def main() -> None:
    """Measure on one database, 100 MB by default."""
    size = int(sys.argv[1]) if sys.argv[1:] else 100
    with temporary_kino(size * MB) as kino:
        measured = {
            "alone, 5 s": waits_beside(kino, lambda: time.sleep(_ALONE_SECONDS)),
            "beside create": waits_beside(kino, lambda: create(kino)),
            "beside sqlite3 .backup": waits_beside(kino, lambda: backup_by_hand(kino)),
        }
    rows = [
        (name, str(waits.count), f"{waits.median:.2f} ms", f"{waits.longest:.1f} ms")
        for name, waits in measured.items()
    ]
    head = ("", "transactions", "median", "longest")
    print_table(f"A writer on a database of {size} MB (SQLite {sqlite3.sqlite_version})", head, rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--writer"]:
        write_until_told(Path(sys.argv[2]))
    else:
        main()
