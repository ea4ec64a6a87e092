"""Power cuts on images of real file systems: a short cut of `power-cut`."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.proof.places import folder_in_memory
from tests.proof.power_cut import cut, missing
from tests.proof.scenes import SCENES
from tests.proof.world import World

CASES = (
    ("create (first)", ("ext4",), 20),
    ("schedule set", ("xfs",), 6),
    ("delete", ("btrfs",), 4),
    ("restore", ("ext4",), 45),
    ("restore", ("ext4", "ext4"), 70),
    ("move", ("btrfs", "xfs"), 40),
    ("rollback", ("xfs", "ext4"), 90),
    ("apply (back)", ("ext4", "btrfs"), 25),
    ("apply (on)", ("btrfs",), 20),
)


@pytest.mark.parametrize(("name", "kinds", "stride"), CASES, ids=lambda value: str(value))
def test_a_power_cut_loses_nothing_that_was_there_or_was_promised(
    name: str, kinds: tuple[str, ...], stride: int
) -> None:
    """On one disk, and with the working folder on another."""
    if (problem := missing(*kinds)) is not None:
        pytest.skip(problem)
    with folder_in_memory() as base:
        cuts, _, broken = cut(base, SCENES[name], kinds, stride)

    assert not broken
    assert cuts >= 2 * (len(kinds) + 1)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs"])
def test_without_its_syncs_a_backup_is_lost(kind: str) -> None:
    """The copies of the images do lack what was not synced."""
    if (problem := missing(kind)) is not None:
        pytest.skip(problem)
    scene = SCENES["create"]

    def unsynced(world: World) -> object:
        sync = os.fsync
        os.fsync = lambda fd: None
        try:
            return scene.work(world)
        finally:
            os.fsync = sync

    with folder_in_memory() as base:
        _, _, broken = cut(base, replace(scene, work=unsynced), (kind,), stride=1000)

    assert any("is missing" in text or "is not whole" in text for text in broken), broken


def test_folders_in_memory_are_gone_afterwards() -> None:
    """Nothing of hundreds of images stays in memory."""
    with folder_in_memory() as base:
        kept = Path(base)

    assert not kept.exists()
