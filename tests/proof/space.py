"""Each operation on a disk that has so many KiB free, for every number around what it needs.

The file system is a small one in memory. It lies about its free space, as thin volumes do, or as others make
it do who write at the same time: otherwise nothing would begin for which there is no room.
"""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.proof.building import build
from tests.proof.errors import wrong_ending
from tests.proof.examining import broken_archives, examine, leftovers, lost
from tests.proof.figures import Figures, Options
from tests.proof.places import NotMountedError, disk_in_memory
from tests.proof.points import outcome_of
from tests.proof.scenes import each
from tests.proof.world import Scene

STEP = 4096
BUDGETS = 288
PADDING = 200 * 1024
"""Of the databases, so that no operation needs more than there are budgets."""
_SIZE = 16 * 1024 * 1024
_FILLER = "filler"


def run(options: Options) -> Figures:
    """Every scene."""
    figures = Figures()
    try:
        for scene, base in each(options):
            ends, broken = squeeze(base, scene, range(0, BUDGETS, options.stride))
            endings = ", ".join(f"{count} {end}" for end, count in sorted(ends.items()))
            budgets = sum(ends.values())
            figures.add(operation=scene.name, budgets=budgets, broken=sum(broken.values()), endings=endings)
            figures.blame(scene.name, broken, "budgets")
    except NotMountedError as error:
        figures.skip(str(error))
    return figures


def squeeze(base: Path, scene: Scene, budgets: range) -> tuple[Counter[str], Counter[str]]:
    """Do an operation with each number of steps free: how it ended, and what was wrong how often."""
    world = build(base, scene, PADDING)
    ends: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    with disk_in_memory(world.folder, _SIZE), _believed_empty():
        for budget in budgets:
            world.reset()
            _fill(world.folder, budget * STEP)
            ending = outcome_of(lambda: scene.work(world))
            ends[ending.code or "ok"] += 1
            wrong = wrong_ending(ending, full=True)
            wrong += [
                f"while it is full: {found}" for found in (*broken_archives(world), *lost(world, world.after))
            ]
            if not ending.well and not scene.settles:
                wrong += [f"while it is full: {found}" for found in leftovers(world)]
            (world.folder / _FILLER).unlink()
            wrong += examine(world, scene, finished=ending.well, refused=not ending.well, warned=True)
            broken.update(wrong)
    return ends, broken


@contextmanager
def _believed_empty() -> Iterator[None]:
    """To this process and its children every file system says that there is plenty of room."""
    ask = os.statvfs

    def lie(path: Any) -> os.statvfs_result:
        true = list(ask(path))
        true[2] = true[3] = true[4] = 2**30
        return os.statvfs_result(true)

    os.statvfs = lie
    try:
        yield
    finally:
        os.statvfs = ask


def _fill(folder: Path, leave: int) -> None:
    said = subprocess.run(
        ["stat", "--file-system", "--format=%a %S", folder], capture_output=True, check=True
    )
    blocks, size = map(int, said.stdout.split())
    with (folder / _FILLER).open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, blocks * size - leave)
