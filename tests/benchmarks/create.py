"""`create` against the same work by hand: sqlite3 .backup, PRAGMA integrity_check, tar czf.

    python -m tests.benchmarks.create [SIZE_IN_MB …]

By hand is one shell that runs sqlite3 twice and tar; `unverified` leaves the integrity check out, although
`create` does it, and reads the archive back besides. All archives hold the same files.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

from kino_backup_tui.core.kino.home import Kino
from tests.benchmarks import by_hand
from tests.benchmarks.databases import MB, temporary_kino
from tests.benchmarks.measure import Run, in_process, in_turns, print_table, quickest, say, whole_process

SIZES_MB = (5, 100, 1000)

Measured = tuple[Run, int]
"""A run, and the size of the archive it wrote."""


def create_whole(kino: Kino) -> Measured:
    """The command as an admin types it."""
    return whole_process(kino, "create"), _take_archive(kino)


def create_inside(kino: Kino) -> Measured:
    """The operation without the start of Python, as the screens run it."""
    return in_process(kino, "create"), _take_archive(kino)


def _take_archive(kino: Kino) -> int:
    (archive,) = kino.default_location.glob("*.tar.gz")
    size = archive.stat().st_size
    archive.unlink()
    return size


WAYS: dict[str, Callable[[Kino], Measured]] = {
    "by hand, verified": by_hand.create,
    "by hand, unverified": lambda kino: by_hand.create(kino, check=False),
    "create, in-process": create_inside,
    "create, whole process": create_whole,
}


def measure(kino: Kino, rounds: int) -> dict[str, Measured]:
    """The quickest run of each way."""
    runs = in_turns({name: partial(way, kino) for name, way in WAYS.items()}, rounds)
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
