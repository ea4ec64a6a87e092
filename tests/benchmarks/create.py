"""`create` against the same work by hand: sqlite3 .backup, PRAGMA integrity_check, tar czf.

    python -m tests.benchmarks.create [SIZE_IN_MB …]

By hand is one shell that runs sqlite3 twice and tar; `unverified` leaves the integrity check out, although
`create` does it, and reads the archive back besides. All archives hold the same files.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable

from kino_backup_tui.core.kino.home import Kino
from tests.benchmarks.databases import MB, temporary_kino
from tests.benchmarks.measure import COMMAND, Run, print_table, quickest, run, say

SIZES_MB = (5, 100, 1000)
_BY_HAND = """
set -e
sqlite3 "$1/db.sqlite" ".backup '$2/db.sqlite'"
{check}
tar czf "$2/archive.tar.gz" -C "$1" config.toml secrets -C "$2" db.sqlite
"""
_CHECK = """test "$(sqlite3 "$2/db.sqlite" 'PRAGMA integrity_check')" = ok"""
_IN_PROCESS = """
import sys, time
from pathlib import Path
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.progress import Control
began = time.perf_counter()
create_backup(Context(Kino(Path(sys.argv[1]))), Control(), version="0.4.2")
print(time.perf_counter() - began)
"""

Measured = tuple[Run, int]
"""A run, and the size of the archive it wrote."""


def by_hand(kino: Kino, *, check: bool) -> Measured:
    """The three commands in one shell."""
    work = kino.data_path.parent / "by-hand"
    work.mkdir()
    script = _BY_HAND.format(check=_CHECK if check else "")
    result = run(["sh", "-c", script, "sh", str(kino.data_path), str(work)])
    size = (work / "archive.tar.gz").stat().st_size
    shutil.rmtree(work)
    return result, size


def whole_process(kino: Kino) -> Measured:
    """The command as an admin types it."""
    data_path = str(kino.data_path)
    return run([COMMAND, "--data-path", data_path, "create"]), _take_archive(kino)


def in_process(kino: Kino) -> Measured:
    """The operation without the start of Python, as the screens run it."""
    result = run([sys.executable, "-c", _IN_PROCESS, str(kino.data_path)])
    return Run(float(result.output), result.peak_bytes), _take_archive(kino)


def _take_archive(kino: Kino) -> int:
    (archive,) = kino.default_location.glob("*.tar.gz")
    size = archive.stat().st_size
    archive.unlink()
    return size


WAYS: dict[str, Callable[[Kino], Measured]] = {
    "by hand, verified": lambda kino: by_hand(kino, check=True),
    "by hand, unverified": lambda kino: by_hand(kino, check=False),
    "create, in-process": in_process,
    "create, whole process": whole_process,
}


def measure(kino: Kino, rounds: int) -> dict[str, Measured]:
    """The quickest run of each way; they take turns, so that all have the same neighbours."""
    runs: dict[str, list[Measured]] = {name: [] for name in WAYS}
    for _ in range(rounds):
        for name, way in WAYS.items():
            runs[name].append(way(kino))
    return {name: (quickest([one for one, _ in several]), several[0][1]) for name, several in runs.items()}


def report(size: int, measured: dict[str, Measured]) -> None:
    """Print one size's table; factors above 1 mean that `create` is quicker or the archive larger."""
    verified, unverified = measured["by hand, verified"], measured["by hand, unverified"]
    rows = []
    for name, (result, archive) in measured.items():
        rows.append(
            (
                name,
                f"{result.seconds:.2f} s",
                f"{verified[0].seconds / result.seconds:.2f}",
                f"{unverified[0].seconds / result.seconds:.2f}",
                f"{archive / MB:.2f} MB",
                f"{100 * (archive / verified[1] - 1):+.1f} %",
                f"{result.peak_bytes / MB:.0f} MB",
            )
        )
    head = ("", "time", "× verified", "× unverified", "archive", "larger", "peak memory")
    print_table(f"Database of {size} MB", head, rows)


def main() -> None:
    """Measure each size."""
    sizes = [int(argument) for argument in sys.argv[1:]] or SIZES_MB
    for size in sizes:
        say(f"writing a database of {size} MB …")
        with temporary_kino(size * MB) as kino:
            # The first run fills the page cache and makes the working folder.
            measure(kino, 1)
            report(size, measure(kino, 2 if size >= 500 else 5 if size >= 50 else 30))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
