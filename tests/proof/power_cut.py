"""Power cuts on real file systems: ext4, xfs and btrfs in images, copied while an operation stands still.

What the kernel has not written to an image when it is copied is what a power cut would take. Before each
change the operation is stopped, and the image copied as it is; or after an unrelated sync on the same file
system, which makes much of what was not synced durable, but not all of it. Each copy is mounted at the place
of the first, which lets the file system recover, and examined as `tests.proof.world` says. So is one that
was made after the operation had said that it is done. Points between which nothing was written to an image
are one copy.

`--only` names operations, disks ("ext4 + xfs": Kino's data and the working folder), or both. Images lie in
memory: a loop device writes to them, and nothing needs to reach a real disk.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from kino_backup_tui.core.kino.home import WORKING_FOLDER
from tests.proof.building import build
from tests.proof.examining import examine
from tests.proof.figures import Figures, Options
from tests.proof.places import disk_in_memory, folder_in_memory
from tests.proof.points import at_each_change, outcome_of
from tests.proof.scenes import each
from tests.proof.world import Scene, World

MAKERS = {
    "ext4": ["mkfs.ext4", "-q", "-F"],
    "xfs": ["mkfs.xfs", "-q", "-f"],
    "btrfs": ["mkfs.btrfs", "-q", "-f"],
}
_BYTES = 1024 * 1024 * 1024
"""More than is kept free for Kino; most of it is holes."""
LAYOUTS = (*((kind,) for kind in MAKERS), *itertools.product(MAKERS, repeat=2))
"""The file system of everything, and that of the working folder if it has one of its own."""
RECOVERED = {"restore", "rollback", "apply (back)", "apply (on)"}
"""What has a journal: at every point, on all disks."""
STRIDE = 5
"""For all others, which are tried on one disk."""


class ToolError(Exception):
    """A program that makes, copies or mounts an image has failed."""


class Copy(NamedTuple):
    """The images as they were at one moment."""

    label: str
    files: tuple[Path, ...]
    finished: bool
    written: tuple[int, ...]
    """When each of them was last written to."""
    points: int = 1


@dataclass(frozen=True)
class Disks:
    """The file systems of a world."""

    world: World
    kinds: tuple[str, ...]

    @property
    def images(self) -> tuple[Path, ...]:
        """Where they are."""
        return tuple(self.world.base / f"{number}-{kind}" for number, kind in enumerate(self.kinds))

    @property
    def places(self) -> tuple[Path, ...]:
        """Where they are mounted."""
        return (self.world.folder, self.world.kino.data_path / WORKING_FOLDER)[: len(self.kinds)]

    def make(self) -> None:
        """Make them, with the world on them."""
        for image, kind in zip(self.images, self.kinds, strict=True):
            _make(image, kind)
        with ExitStack() as stack:
            for image, place in zip(self.images, self.places, strict=True):
                place.mkdir(parents=True, exist_ok=True)
                stack.enter_context(mounted(image, place))
            self.world.reset()

    @contextmanager
    def attached(self, images: tuple[Path, ...]) -> Iterator[None]:
        """These, or copies of them, are mounted."""
        with ExitStack() as stack:
            for image, place in zip(images, self.places, strict=True):
                stack.enter_context(mounted(image, place))
            yield

    def copy(self, label: str, *, finished: bool = False) -> Copy:
        """Copy them as they are now."""
        files = tuple(image.with_name(f"{image.name} {label}") for image in self.images)
        written = []
        for image, file in zip(self.images, files, strict=True):
            # As it was at one moment: a copy during which the kernel has written is none.
            before = None
            while before != (before := image.stat().st_mtime_ns):
                _run("cp", "--sparse=always", str(image), str(file))
            written.append(before)
        return Copy(label, files, finished, tuple(written))

    def written(self) -> tuple[int, ...]:
        """When each image was last written to."""
        return tuple(image.stat().st_mtime_ns for image in self.images)


def run(options: Options) -> Figures:
    """Every scene on the disks it is tried on."""
    figures = Figures()
    if (problem := missing()) is not None:
        figures.skip(problem)
        return figures
    disks = {" + ".join(kinds): kinds for kinds in LAYOUTS}
    scenes = tuple(name for name in options.only if name not in disks)
    for where, kinds in disks.items():
        if len(scenes) < len(options.only) and where not in options.only:
            continue
        for scene, base in each(replace(options, only=scenes)):
            recovered = scene.name.partition(",")[0] in RECOVERED
            if len(kinds) > 1 and not recovered:
                continue
            cuts, images, broken = cut(base, scene, kinds, options.stride * (1 if recovered else STRIDE))
            broken_cuts = sum(broken.values())
            figures.add(disks=where, operation=scene.name, cuts=cuts, images=images, broken=broken_cuts)
            figures.blame(f"{where}, {scene.name}", broken, "images")
    return figures


def missing(*kinds: str) -> str | None:
    """Why this cannot be done here; None if it can."""
    if os.geteuid() != 0:
        return "only root may mount images"
    for kind in kinds or MAKERS:
        program = MAKERS[kind][0]
        if shutil.which(program) is None:
            return f"{program} is not installed"
        with folder_in_memory() as folder:
            image = folder / "image"
            _make(image, kind)
            (folder / "place").mkdir()
            try:
                with mounted(image, folder / "place"):
                    pass
            except ToolError as error:
                return f"an image of {kind} cannot be mounted here: {error}"
    return None


def cut(base: Path, scene: Scene, kinds: tuple[str, ...], stride: int = 1) -> tuple[int, int, Counter[str]]:
    """Cut the power at the points of an operation: how many cuts, in how many images, and what was wrong."""
    world = _build(base, scene, apart=len(kinds) > 1)
    disks = Disks(world, kinds)
    cuts = images = 0
    broken: Counter[str] = Counter()
    # An unrelated sync changes what follows, so each way of flushing is a run of its own.
    for flushed in range(len(kinds) + 1):
        disks.make()
        with disks.attached(disks.images):
            copies = _copies(disks, scene, stride, disks.places[:flushed])
        for copy in copies:
            with disks.attached(copy.files):
                wrong = examine(world, scene, finished=copy.finished)
            for file in copy.files:
                file.unlink()
            cuts += copy.points
            images += 1
            broken.update(wrong)
    return cuts, images, broken


def _build(base: Path, scene: Scene, *, apart: bool) -> World:
    """With a restore that began on two disks, if there are two: it keeps the files of each where they are."""
    with ExitStack() as stack:
        if apart:
            work = World(base, scene.layout).kino.data_path / WORKING_FOLDER
            work.mkdir(parents=True)
            stack.enter_context(disk_in_memory(work, _BYTES))
        world = build(base, scene)
    shutil.rmtree(world.folder)
    return world


def _copies(disks: Disks, scene: Scene, stride: int, flushed: tuple[Path, ...]) -> list[Copy]:
    """Do the operation, standing still before each `stride`th change for a copy to be made."""
    copies: list[Copy] = []

    def stand_still(number: int, _name: str) -> None:
        if number % stride == 0:
            os.kill(os.getpid(), signal.SIGSTOP)

    def work() -> None:
        at_each_change(stand_still)
        scene.work(disks.world)

    def watch(child: int) -> None:
        while _stands_still(child):
            _sync_something(flushed)
            if copies and copies[-1].written == disks.written():
                copies[-1] = copies[-1]._replace(points=copies[-1].points + 1)
            else:
                copies.append(disks.copy(f"point {len(copies)}"))
            os.kill(child, signal.SIGCONT)

    ending = outcome_of(work, watch)
    assert ending.well, ending
    return [*copies, disks.copy("done", finished=True)]


def _stands_still(child: int) -> bool:
    """Wait until a child has stopped, or has ended: that is for others to take note of."""
    state = os.waitid(os.P_PID, child, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    if state is None or state.si_code != os.CLD_STOPPED:
        return False
    os.waitid(os.P_PID, child, os.WSTOPPED)
    return True


def _sync_something(places: tuple[Path, ...]) -> None:
    """Somebody else syncs a file of his own there."""
    for place in places:
        with (place / "unrelated").open("ab") as stream:
            stream.write(b"x")
            stream.flush()
            os.fsync(stream.fileno())


@contextmanager
def mounted(image: Path, place: Path) -> Iterator[None]:
    """An image is mounted there."""
    _run("mount", "-o", "loop", str(image), str(place))
    try:
        yield
    finally:
        _run("umount", str(place))


def _make(image: Path, kind: str) -> None:
    with image.open("wb") as stream:
        stream.truncate(_BYTES)
    _run(*MAKERS[kind], str(image))


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise ToolError(f"{' '.join(command)}: {done.stderr.strip()}")
