"""Operations that are killed: a short cut of `python -m tests.proof crash`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.proof.building import build
from tests.proof.crash import kill
from tests.proof.examining import examine
from tests.proof.places import folder_in_memory
from tests.proof.points import Work
from tests.proof.scenes import SCENES, SHIPPED_SCENES

STRIDES = {
    "restore": 19,
    "restore (first)": 41,
    "rollback": 17,
    "apply (back)": 7,
    "apply (on)": 5,
    "move": 5,
    "run-due": 5,
}
"""Some are as long as all others together; the tests of a restore kill it everywhere."""
LONG = {"restore", "restore (first)", "rollback"}
"""Of those on Kino 0.3; `tests.shipped` kills a restore everywhere, too."""


@pytest.mark.parametrize("name", SCENES)
def test_killed_anywhere_an_operation_loses_nothing_and_the_next_run_cleans_up(name: str) -> None:
    """Backups, live files and settings are whole, and nothing lies about after the next run."""
    with folder_in_memory() as base:
        points, broken = kill(base, SCENES[name], STRIDES.get(name, 2))

    assert not broken
    assert points >= 4


@pytest.mark.parametrize("name", SHIPPED_SCENES)
def test_killed_anywhere_on_kino_0_3_an_operation_leaves_a_list_that_can_be_brought_in_step(
    name: str,
) -> None:
    """There the settings and the list of backups are in the database, and neither is ever half written."""
    with folder_in_memory() as base:
        points, broken = kill(base, SHIPPED_SCENES[name], 23 if name.partition(",")[0] in LONG else 5)

    assert not broken
    assert points >= 2


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
        ("the settings are", lambda: (data_path / "config.toml").write_text("")),
        ("the live files are", (world.kino.secrets / "a").unlink),
        ("lies about", (data_path / ".x.partial").touch),
    )
    for told, damage in damages:
        world.reset()
        assert examine(world, scene) == []
        world.reset()
        damage()
        assert told in " ".join(examine(world, scene))


def test_the_examination_finds_a_list_of_kino_0_3_that_is_not_right(tmp_path: Path) -> None:
    """One that lacks what was promised, one that `reindex` cannot mend, and settings that nobody saved."""
    scene = SHIPPED_SCENES["create, Kino 0.3"]
    world = build(tmp_path, scene)
    damages = (
        ("is not in Kino's list", "DELETE FROM backup"),
        ("reindex: incompatible", "DROP TABLE backup"),
        ("the settings are", "UPDATE config SET backup_retention_count = 5"),
    )
    for told, damage in damages:
        world.reset()
        scene.work(world)
        assert examine(world, scene, finished=True) == []
        world.reset()
        scene.work(world)
        with closing(sqlite3.connect(world.kino.database)) as connection, connection:
            connection.execute(damage)
        assert told in " ".join(examine(world, scene, finished=True))
