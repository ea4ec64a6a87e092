"""Each system call by which an operation changes something fails in turn, with each error a disk may give.

The operation may go on without what has failed, if it was not needed, or ends with the error of its class;
nothing is lost, nothing lies about, and the next run succeeds. What is injected is what the kernel answers,
by `tests.proof.syscalls`, so it reaches SQLite and buffered files, too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from kino_backup_tui.cli.exit_codes import EXIT_CODES, INTERNAL, exit_code
from kino_backup_tui.core.errors import KinoBackupError, UsageError, error_type
from tests.proof.building import build
from tests.proof.examining import examine, leftovers, unfinished
from tests.proof.figures import Figures, Options
from tests.proof.points import Ending
from tests.proof.scenes import each_traced
from tests.proof.syscalls import Call, descriptor_path, failing, record, text
from tests.proof.world import Scene, World

FULL = ("ENOSPC", "EDQUOT")
ERRORS = (*FULL, "EIO", "EROFS")
_CHANGES = {
    "openat",
    "write",
    "pwrite64",
    "ftruncate",
    "rename",
    "renameat",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "rmdir",
    "mkdir",
    "mkdirat",
    "fchmod",
    "fchown",
    "fsync",
    "fdatasync",
}
_WRITES = ("O_WRONLY", "O_RDWR", "O_CREAT")
_TRIES = 5
_REMOVES = {"unlink", "unlinkat", "rmdir"}
_FULL_CODES = {6, 9, 14}
"""No space; of a restore that has replaced files by then, that it was rolled back, or cannot be for now."""
_THROUGH_SQLITE = re.compile(r"/(db\.sqlite|kino\.db)(-wal|-shm|-journal)?$")
"""SQLite tells of some full disks as of bad ones, and has no name for a quota (sqlite.org/rescode.html).
A disk that is really full is asked, which `tests.proof.space` shows; here it has room again."""
_BAD_DISK_CODES = set(EXIT_CODES.values()) - {INTERNAL, 2, 3, 5, 7, 10, 130}
"""What may be said of a disk that fails: anything but that it is a bug, or the fault of the user."""


class Spot(NamedTuple):
    """One call of an operation."""

    name: str
    number: int
    """It is the n-th of its name."""
    rank: int
    """And among those that change something, counted from 0: looking at processes may take more or fewer."""
    path: str


def run(options: Options) -> Figures:
    """Every scene."""
    figures = Figures()
    for scene, base in each_traced(figures, options):
        cases, ends, broken = fail(base, scene, ERRORS, options.stride)
        endings = ", ".join(f"{count} {end}" for end, count in sorted(ends.items()))
        figures.add(operation=scene.name, cases=cases, broken=sum(broken.values()), endings=endings)
        figures.blame(scene.name, broken, "cases")
    return figures


def fail(
    base: Path, scene: Scene, errors: Sequence[str], stride: int = 1
) -> tuple[int, Counter[str], Counter[str]]:
    """Let every call of an operation fail: how many cases, how they ended, and what was wrong how often."""
    world = build(base, scene)
    world.reset()
    _, calls = record(lambda: scene.work(world))
    spots = list(spots_in(calls, world.folder))
    ends: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    cases = 0
    for number, spot in enumerate(spots):
        for error in errors if number % stride == 0 else ():
            ending = _failed(world, scene, spot, error)
            if ending is None:
                ends["another call"] += 1
                continue
            cases += 1
            ends[ending.code or "ok"] += 1
            where = f"{error} of {spot.name} {Path(spot.path).name}"
            broken.update(f"{wrong} [{where}]" for wrong in judge(world, scene, spot, error, ending))
    return cases, ends, broken


def _failed(world: World, scene: Scene, spot: Spot, error: str) -> Ending | None:
    """How an operation ends in which one call fails; None if others have failed in its place each time."""
    number = spot.number
    for _ in range(_TRIES):
        world.reset()
        ending, found = failing(lambda: scene.work(world), spot.name, number, f"error={error}")
        changes = [place for place, call in enumerate(found, 1) if _changes(call, world.folder)]
        hit = next((place for place, call in enumerate(found, 1) if call.injected), None)
        if hit in changes and changes.index(hit) == spot.rank:
            return ending
        if len(changes) > spot.rank:
            number = changes[spot.rank]
    return None


def judge(world: World, scene: Scene, spot: Spot, error: str, ending: Ending) -> list[str]:
    """What is wrong after one call has failed."""
    through_sqlite = _THROUGH_SQLITE.search(spot.path) is not None
    wrong = wrong_ending(ending, full=error in FULL and not through_sqlite)
    if scene.settles and through_sqlite and ending.code == UsageError.code:
        # A live database that cannot be read any more is not what was confirmed: look at it again.
        wrong = []
    removes = spot.name in _REMOVES
    if not removes and not scene.settles:
        wrong += [f"at once: {found}" for found in leftovers(world)]
    if ending.well and not scene.settles:
        # It says that retention was left out.
        kept = " is still there" if scene.name == "run-due" else "nothing"
        left = [found for found in unfinished(world, world.after) if not found.endswith(kept)]
        wrong += [f"it said ok: {found}" for found in left]
    sweeps = removes or spot.path.endswith(".partial")
    found = examine(world, scene, refused=not ending.well)
    # What of a journal could not be opened or removed is swept by the next one that is written.
    return wrong + [text for text in found if not (sweeps and "restore/.journal.json" in text)]


def wrong_ending(ending: Ending, *, full: bool) -> list[str]:
    """What is wrong with the error an operation has ended with."""
    if ending.well:
        return []
    kind = error_type(ending.code)
    known = kind is not KinoBackupError
    if known and exit_code(kind) in (_FULL_CODES if full else _BAD_DISK_CODES):
        return []
    return [f"it ends with {ending.code} ({ending.text})"]


def spots_in(calls: Sequence[Call], folder: Path) -> Iterator[Spot]:
    """The calls of the first process that change something below a folder."""
    numbers: Counter[str] = Counter()
    ranks: Counter[str] = Counter()
    for call in calls:
        if call.pid != calls[0].pid:
            continue
        numbers[call.name] += 1
        if _changes(call, folder):
            yield Spot(call.name, numbers[call.name], ranks[call.name], _path(call))
            ranks[call.name] += 1


def _changes(call: Call, folder: Path) -> bool:
    """Whether a call has changed something below a folder, or was kept from it."""
    if call.name not in _CHANGES or (call.result < 0 and not call.injected):
        return False
    if call.name == "openat" and not any(flag in each for flag in _WRITES for each in call.arguments):
        return False
    return _path(call).startswith(f"{folder}/")


def _path(call: Call) -> str:
    if call.path:
        return call.path
    base = descriptor_path(call.arguments[0]) if "<" in call.arguments[0] else ""
    names = [text(argument) for argument in call.arguments if argument.startswith('"')]
    if not names or call.name in ("write", "pwrite64"):
        return base
    return str(Path(base, names[0]))
