"""Writing a world, and learning how an operation in it ends if nothing disturbs it."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.progress import Control
from tests.core.restore.killing import leave_in_the_log, write_state
from tests.fakes import FakeClock
from tests.proof import shipped
from tests.proof.examining import broken_archives, leftovers
from tests.proof.world import HOST, KEEP, Scene, World


def build(base: Path, scene: Scene, padding: int = 0) -> World:
    """Write a world, and learn how the operation ends if nothing disturbs it.

    So many bytes that cannot be compressed are in each database.
    """
    world = World(base, scene.layout)
    world.nas.mkdir(parents=True)
    world.own.mkdir()
    _write(world.kino, "old", padding)
    _crash(world.kino)
    clock = FakeClock()
    clock.advance(hours=-72)
    context = Context(world.kino, clock, host=HOST)
    for kind in (BackupKind.MANUAL, *[BackupKind.SCHEDULED] * 3):
        create_backup(context, Control(), kind=kind, version="1")
        clock.advance(hours=24)
    other = Kino(base / "other", scene.layout)
    _write(other, "new", padding)
    made = create_backup(Context(other, clock, host="nas02"), Control(), version="9").backup
    shutil.copy(made.path, world.own)
    scene.begin(world)
    shutil.copytree(world.folder, world.template)
    world.reset()
    world.before = world.snapshot()
    world.proven |= set(world.before.archives.values())
    # Here, so that what the work imports is there in each fork of this process.
    scene.work(world)
    world.after = world.later = world.snapshot()
    if scene.again is not None:
        scene.again(world)
        world.later = world.snapshot()
        world.proven |= set(world.later.archives.values())
    wrong = [*broken_archives(world), *leftovers(world)]
    assert not wrong, wrong
    return world


def _write(kino: Kino, title: str, padding: int) -> None:
    data_path = kino.data_path
    if kino.layout.keeps_index:
        # Kino starts on no database whose films are gone.
        shipped.write_state(data_path, data_path.parent / "library", title, keep=KEEP)
    else:
        secrets = "abc" if title == "old" else "abd"
        write_state(data_path, title, secrets, f"\n[backup]\nkeep = {KEEP}\n")
    with closing(sqlite3.connect(kino.database)) as connection, connection:
        connection.execute("CREATE TABLE poster (picture BLOB)")
        picture = random.Random(0).randbytes(padding)  # noqa: S311 - no secret
        connection.execute("INSERT INTO poster VALUES (?)", (picture,))


def _crash(kino: Kino) -> None:
    if kino.layout.keeps_index:
        shipped.crash(kino.data_path)
    else:
        leave_in_the_log(kino.database)
