"""How long a listing takes: 1,000 archives in-process, and `list --json` as a whole process.

    python -m tests.benchmarks.listing

The whole process is compared with one that only imports what any such program imports.
"""

from __future__ import annotations

import shutil
import sys
import time
from datetime import UTC, datetime, timedelta

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.listing import list_backups
from kino_backup_tui.core.progress import Control
from tests.benchmarks.databases import MB, temporary_kino
from tests.benchmarks.measure import COMMAND, print_table, quickest, run, say

ARCHIVES = 1000
_ROUNDS = 25
_IMPORTS = "import click, tomllib, hashlib, json"
_NEWEST = datetime(2026, 4, 26, 3, 0, tzinfo=UTC)


def fill(kino: Kino, count: int) -> None:
    """Make one backup and copies of it under the names of other nights, until there are `count`."""
    made = create_backup(Context(kino), Control(), version="0.4.2").backup.path
    for night in range(1, count):
        stamp = f"{_NEWEST - timedelta(days=night):%Y-%m-%dT%H-%M-%S}"
        shutil.copyfile(made, made.with_name(f"kino-backup-scheduled-{stamp}-v0.4.2.tar.gz"))


def seconds_to_list(kino: Kino, count: int) -> float:
    """List once in this process."""
    began = time.perf_counter()
    found = len(list_backups(Context(kino)).backups)
    seconds = time.perf_counter() - began
    if found != count:
        raise RuntimeError(f"{found} backups were listed, not {count}")
    return seconds


def in_process() -> None:
    """1,000 archives: nothing known of them, and everything cached."""
    with temporary_kino(5 * MB) as kino:
        say(f"writing {ARCHIVES} archives …")
        fill(kino, ARCHIVES)
        first = seconds_to_list(kino, ARCHIVES)
        cached = min(seconds_to_list(kino, ARCHIVES) for _ in range(5))
    rows = [("first", f"{first * 1000:.0f} ms"), ("cached", f"{cached * 1000:.0f} ms")]
    print_table(f"{ARCHIVES} archives, in-process", ("", "time"), rows)


def whole_process() -> None:
    """`list --json` with ten archives; the two programs take turns."""
    with temporary_kino(5 * MB) as kino:
        fill(kino, 10)
        imports = [sys.executable, "-c", _IMPORTS]
        listing = [COMMAND, "--data-path", str(kino.data_path), "list", "--json"]
        pairs = [(run(imports), run(listing)) for _ in range(_ROUNDS)]
    base, ours = quickest([pair[0] for pair in pairs]), quickest([pair[1] for pair in pairs])
    rows = [
        (f'python -c "{_IMPORTS}"', f"{base.seconds * 1000:.0f} ms", "1.00"),
        (
            "kino-backup-tui list --json",
            f"{ours.seconds * 1000:.0f} ms",
            f"{ours.seconds / base.seconds:.2f}",
        ),
    ]
    print_table(f"10 archives, whole process, best of {_ROUNDS}", ("", "time", "ratio"), rows)


if __name__ == "__main__":
    in_process()
    whole_process()
