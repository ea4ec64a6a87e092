"""Power cuts at each effect of each operation on disk, reconstructed from a record of its system calls.

`tests.proof.syscalls` tells why strace is the recorder, `tests.proof.disk` what a disk may hold then. Each
state is written to a folder, and looked at, settled and worked on as `tests.proof.world` says. After the last
effect, when the operation has said that it is done, what it has done must be there as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.proof.building import build
from tests.proof.disk import POLICIES, Disk, Tree
from tests.proof.effects import Recording, Synced, interpret, scan
from tests.proof.examining import examine
from tests.proof.figures import Figures, Options
from tests.proof.scenes import each_traced
from tests.proof.sites import note_syncs
from tests.proof.syscalls import record
from tests.proof.world import Scene, World, empty, teach_cache

RANDOM_STATES = 3
"""So many for each point."""


@dataclass
class Trial:
    """One operation with its record; what was found of states that were tried already is known."""

    world: World
    scene: Scene
    recording: Recording
    known: dict[tuple[bytes, bool], list[str]] = field(default_factory=dict)

    def verdict(self, tree: Tree, *, finished: bool) -> list[str]:
        """What is wrong with one state."""
        key = (tree.digest(), finished)
        if key not in self.known:
            empty(self.world.folder)
            places = tree.write(self.world.folder)
            teach_cache(self.world.kino, places)
            self.known[key] = examine(self.world, self.scene, finished=finished)
        return self.known[key]


def run(options: Options) -> Figures:
    """Every scene."""
    figures = Figures()
    for scene, base in each_traced(figures, options):
        try_states(figures, prepare(base, scene), options)
    return figures


def prepare(base: Path, scene: Scene) -> Trial:
    """Record one operation."""
    world = build(base, scene)
    world.reset()
    beginning = scan(world.folder)

    def noted() -> None:
        note_syncs()
        scene.work(world)

    ending, calls = record(noted)
    assert ending.well, ending
    return Trial(world, scene, interpret(world.folder, beginning, calls))


def states(
    disk: Disk, options: Options, policies: Sequence[str] = POLICIES, chances: int = RANDOM_STATES
) -> Iterator[tuple[int, str, Tree]]:
    """Every state that may be on the disk, with the point and what it is called."""
    for point in [*range(0, len(disk), options.stride), len(disk)]:
        for policy in policies:
            yield point, policy, disk.state(point, policy)
        for number in range(chances):
            yield point, f"random {options.seed + number}", disk.state(point, "random", options.seed + number)


def try_states(figures: Figures, trial: Trial, options: Options) -> None:
    """Try the states of one operation, and add a row."""
    disk = Disk(trial.recording)
    tried = 0
    broken: Counter[str] = Counter()
    for point, policy, tree in states(disk, options):
        tried += 1
        wrong = trial.verdict(tree, finished=point == len(disk))
        for text in wrong:
            broken[text] += 1
            if broken[text] == 1:
                where = f"first after {point} of {len(disk)} effects, {policy}"
                figures.broken.append(f"{trial.scene.name}: {text} ({where})")
    syncs = sum(isinstance(effect, Synced) for effect in trial.recording.effects)
    figures.add(
        operation=trial.scene.name,
        effects=len(disk),
        syncs=syncs,
        states=tried,
        distinct=len(trial.known),
        broken=sum(broken.values()),
    )
