"""Each operation is killed (SIGKILL) before each of its changes on disk, and what is left is examined.

A killed process loses nothing that it has handed to the kernel: whether that reaches the disk is for
`tests.proof.power_loss`.
"""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

from tests.proof.building import build
from tests.proof.examining import examine
from tests.proof.figures import Figures, Options
from tests.proof.points import killed_at
from tests.proof.scenes import each
from tests.proof.world import Scene

MOST_POINTS = 5000


def run(options: Options) -> Figures:
    """Every scene."""
    figures = Figures()
    for scene, base in each(options):
        points, broken = kill(base, scene, options.stride)
        figures.add(operation=scene.name, points=points, broken=sum(broken.values()))
        figures.blame(scene.name, broken, "points")
    return figures


def kill(base: Path, scene: Scene, stride: int = 1) -> tuple[int, Counter[str]]:
    """Kill one operation at its points: how many there were, and how often what was wrong afterwards."""
    world = build(base, scene)
    broken: Counter[str] = Counter()
    for count, point in enumerate(itertools.count(step=stride)):
        world.reset()
        if not killed_at(point, lambda: scene.work(world)):
            return count, broken
        broken.update(examine(world, scene))
        assert count < MOST_POINTS
    raise AssertionError("unreachable")
