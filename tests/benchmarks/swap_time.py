"""How long Kino's files are away during a restore, for a small database and a large one.

    python -m tests.benchmarks.swap_time [SIZE_IN_MB ...]

From the moment at which Kino is known to be stopped, as the job's journal tells, until the new database has
its place, as the kernel noted when it was renamed. Proving what is in place comes after that.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime

from kino_backup_tui.core.kino.home import Kino
from tests.benchmarks.databases import MB, temporary_kino
from tests.benchmarks.measure import print_table, say

_RUNS = 5
_RESTORE = ("restore", "latest", "--yes")


@dataclass(frozen=True, slots=True)
class Times:
    """Of one restore, in seconds."""

    swap: float
    proof: float
    whole: float


def restore(kino: Kino) -> Times:
    """Restore the newest backup, and read when what happened."""
    _run(kino, *_RESTORE)
    placed = kino.database.stat().st_ctime
    journal = max((kino.data_path / ".kino-backup/jobs").iterdir(), key=lambda path: path.stat().st_mtime)
    events = [json.loads(line) for line in journal.read_text().splitlines()]
    stopped = next(_at(event) for event in events if event["stage"] == "swapping")
    ended = _at(events[-1])
    return Times(placed - stopped, ended - placed, ended - _at(events[0]))


def _at(event: dict[str, str]) -> float:
    return datetime.fromisoformat(event["at"]).timestamp()


def _run(kino: Kino, *words: str) -> None:
    command = [sys.executable, "-m", "kino_backup_tui", "--data-path", str(kino.data_path), *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main(sizes: list[int]) -> None:
    """Measure with each size."""
    rows = []
    for size in sizes:
        with temporary_kino(size * MB) as kino:
            _run(kino, "create")
            times = [restore(kino) for _ in range(_RUNS)]
        middle = _RUNS // 2
        swaps, proofs, wholes = (
            sorted(getattr(one, name) for one in times) for name in ("swap", "proof", "whole")
        )
        rows.append(
            (
                f"{size} MB",
                f"{swaps[middle] * 1000:.0f} ms",
                f"{swaps[-1] * 1000:.0f} ms",
                f"{proofs[middle]:.2f} s",
                f"{wholes[middle]:.1f} s",
            )
        )
    say("Kino stopped -> files in place; then the proof of what is in place; the whole restore")
    head = ("database", "swap, median", "longest", "proof, median", "whole, median")
    print_table(f"{_RUNS} restores each", head, rows)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [5, 1000])
