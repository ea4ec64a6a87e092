"""Operations that are killed: a short cut of `python -m tests.proof crash`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proof.building import build
from tests.proof.crash import kill
from tests.proof.examining import examine
from tests.proof.places import folder_in_memory
from tests.proof.points import Work
from tests.proof.scenes import SCENES

STRIDES = {"restore": 19, "rollback": 17, "apply (back)": 7, "apply (on)": 5, "move": 5, "run-due": 5}
"""Some are as long as all others together; the tests of a restore kill it everywhere."""


@pytest.mark.parametrize("name", SCENES)
def test_killed_anywhere_an_operation_loses_nothing_and_the_next_run_cleans_up(name: str) -> None:
    """Backups, live files and settings are whole, and nothing lies about after the next run."""
    with folder_in_memory() as base:
        points, broken = kill(base, SCENES[name], STRIDES.get(name, 2))

    assert not broken
    assert points >= 4


def test_the_examination_finds_what_is_broken(tmp_path: Path) -> None:
    """A proof that cannot fail proves nothing: each kind of damage is told."""
    scene = SCENES["create"]
    world = build(tmp_path, scene)

    world.reset()
    archive = next(world.kino.default_location.glob("*manual*"))
    data_path = world.kino.data_path
    damages: tuple[tuple[str, Work], ...] = (
        ("is lost", archive.unlink),
        ("is not whole", lambda: archive.write_bytes(archive.read_bytes()[:-9])),
        ("config.toml is", lambda: (data_path / "config.toml").write_text("")),
        ("the live files are", (world.kino.secrets / "a").unlink),
        ("lies about", (data_path / ".x.partial").touch),
    )
    for told, damage in damages:
        world.reset()
        assert examine(world, scene) == []
        world.reset()
        damage()
        assert told in " ".join(examine(world, scene))
