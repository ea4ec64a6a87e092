"""How fast it is, and how much memory it takes, as databases and lists grow; against the same work by hand.

By hand is one shell: `sqlite3 .backup`, `PRAGMA integrity_check` and `tar czf` (or with pigz) for a backup;
`gzip -t`, `tar x`, `sha256sum -c` and the check for a verification; all of these, and `mv`, for a restore.
The bound is what a backup cannot do without on two processors: the longer of compressing alone, and of
copying and checking alone. All ways take turns, and the quickest run of each counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from kino_backup_tui.core.kino.home import Kino
from tests.benchmarks import by_hand
from tests.benchmarks.create import create_inside, create_whole
from tests.benchmarks.databases import MB, temporary_kino
from tests.benchmarks.listing import furnish
from tests.benchmarks.measure import Run, in_process, in_turns, quickest, whole_process
from tests.proof.figures import Figures, Options, Row

SIZES_MB = (1, 10, 100, 1000, 2000)
COUNTS = (10, 100, 1000, 10_000)
_LARGE_MB = 100
"""From here on, the time is that of the work, and no longer that of starting programs."""
_MOST_BY_HAND = 1000
"""Archives that a shell lists one by one while somebody waits."""
_FEWEST_QUICKER = {"create": 3.0, "verify": 1.5}
_MOST_OF_BOUND = 1.3
_MOST_TO_LIST = 0.3

Ways = Mapping[str, Callable[[], Run]]


def run(options: Options) -> Figures:
    """Measure each size and number; what falls short of its target is noted."""
    figures = Figures()
    for size in SIZES_MB:
        names = [name for name in ("create", "verify", "restore") if options.wants(f"{name} {size} MB")]
        if names:
            for row in by_size(size, names, rounds=_rounds(size)):
                _add(figures, row, large=size >= _LARGE_MB)
    for count in COUNTS:
        if options.wants(f"list {count}"):
            _add(figures, by_count(count, rounds=5), large=True)
    return figures


def by_size(size: int, names: list[str], rounds: int) -> Iterator[Row]:
    """A row for each of the operations on a database of so many MB."""
    with temporary_kino(size * MB) as kino:
        for name in names:
            if rounds > 1:
                # The first run fills the page cache and makes the working folder.
                in_turns(_WAYS[name](kino), 1)
            yield _row(f"{name} {size} MB", in_turns(_WAYS[name](kino), rounds))


def by_count(count: int, rounds: int) -> Row:
    """The row of listing so many small archives."""
    with temporary_kino(0) as kino:
        first = furnish(kino, count)
        ways: dict[str, Callable[[], Run]] = {
            "whole": lambda: whole_process(kino, "list", "--json"),
            "inside": lambda: in_process(kino, "list"),
        }
        if count <= _MOST_BY_HAND:
            ways["hand"] = lambda: by_hand.list_archives(kino)
        return _row(f"list {count}", in_turns(ways, rounds)) | {"first time": _seconds(first)}


def _creations(kino: Kino) -> Ways:
    return {
        "whole": lambda: create_whole(kino)[0],
        "inside": lambda: create_inside(kino)[0],
        "hand": lambda: by_hand.create(kino)[0],
        "pigz": lambda: by_hand.create(kino, packer="pigz")[0],
        "isal": lambda: in_process(kino, "isal"),
        "sqlite": lambda: in_process(kino, "sqlite"),
    }


def _verifications(kino: Kino) -> Ways:
    archive = _archive(kino)
    return {
        "whole": lambda: whole_process(kino, "verify", archive.name),
        "inside": lambda: in_process(kino, "verify"),
        "hand": lambda: by_hand.verify(kino, archive),
    }


def _restores(kino: Kino) -> Ways:
    archive = _archive(kino)

    def restore() -> Run:
        # Its work is done by a process of its own, so the memory of this one says nothing.
        seconds = whole_process(kino, "restore", archive.name, "--yes").seconds
        for saved in set(kino.default_location.glob("*.tar.gz")) - {archive}:
            saved.unlink()
        return Run(seconds, 0)

    return {"whole": restore, "hand": lambda: by_hand.restore(kino, archive)}


_WAYS: dict[str, Callable[[Kino], Ways]] = {
    "create": _creations,
    "verify": _verifications,
    "restore": _restores,
}


def _archive(kino: Kino) -> Path:
    """The one backup there is, made now if there is none."""
    found = list(kino.default_location.glob("*.tar.gz"))
    if not found:
        whole_process(kino, "create")
        found = list(kino.default_location.glob("*.tar.gz"))
    return found[0]


def _rounds(size: int) -> int:
    return 1 if size >= 1000 else 5 if size >= _LARGE_MB else 9


def _row(case: str, runs: Mapping[str, list[Run]]) -> dict[str, str | int | float]:
    best = {name: quickest(several) for name, several in runs.items()}
    ours = best["whole"].seconds
    inside = best["inside"].seconds if "inside" in best else None
    row: dict[str, str | int | float] = {"case": case, "command": _seconds(ours)}
    if inside is not None:
        row["in-process"] = _seconds(inside)
    if "hand" in best:
        row |= {"by hand": _seconds(best["hand"].seconds), "× by hand": _ratio(best["hand"].seconds / ours)}
    if "pigz" in best:
        row |= {"pigz": _seconds(best["pigz"].seconds), "× pigz": _ratio(best["pigz"].seconds / ours)}
    if "isal" in best and inside is not None:
        bound = max(best["isal"].seconds, best["sqlite"].seconds)
        row |= {"bound": _seconds(bound), "of bound": _ratio(inside / bound)}
    if best["whole"].peak_bytes:
        row["peak MB"] = round(max(one.peak_bytes for one in runs["whole"]) / MB)
    return row


def _add(figures: Figures, row: Row, *, large: bool) -> None:
    figures.add(**row)
    if not large:
        return
    name = str(row["case"]).split()[0]
    fewest = _FEWEST_QUICKER.get(name)
    if fewest is not None and float(row["× by hand"]) < fewest:
        figures.notes.append(f"{row['case']}: {row['× by hand']} times as quick as by hand, not {fewest}")
    if float(row.get("of bound", 0)) > _MOST_OF_BOUND:
        figures.notes.append(f"{row['case']}: {row['of bound']} of the bound, not {_MOST_OF_BOUND}")
    if name == "list" and float(str(row["in-process"]).split()[0]) > _MOST_TO_LIST:
        figures.notes.append(f"{row['case']}: {row['in-process']} from the cache, not {_MOST_TO_LIST} s")


def _seconds(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds < 100 else f"{seconds:.0f} s"


def _ratio(value: float) -> float:
    return round(value, 2)
