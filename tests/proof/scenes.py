"""Every operation that writes, as a scene: what it begins with, and how it is called."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from kino_backup_tui.core.errors import UsageError
from kino_backup_tui.core.kino.home import KINO_0_3, WORKING_FOLDER
from kino_backup_tui.core.kino.settings import Frequency
from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.delete import delete_backup
from kino_backup_tui.core.operations.export import export_backup
from kino_backup_tui.core.operations.import_ import import_backup
from kino_backup_tui.core.operations.listing import LATEST, find_backup, list_backups
from kino_backup_tui.core.operations.move import move_backups
from kino_backup_tui.core.operations.plan import plan_restore, plan_rollback
from kino_backup_tui.core.operations.prune import prune
from kino_backup_tui.core.operations.restoring import perform
from kino_backup_tui.core.operations.run_due import run_due
from kino_backup_tui.core.operations.schedule import read_schedule, save_schedule
from kino_backup_tui.core.operations.settle import settle
from kino_backup_tui.core.operations.task import Task
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.restore.journal import Phase
from kino_backup_tui.core.restore.plan import RestorePlan
from kino_backup_tui.core.workspace import workspace_of
from tests.core.restore.interrupting import die_in
from tests.core.restore.killing import NEW
from tests.proof.figures import Figures, Options
from tests.proof.places import folder_in_memory
from tests.proof.syscalls import has_strace
from tests.proof.world import NOW, Scene, World, digest, empty


def _create(world: World) -> None:
    create_backup(world.context, Control(), version="1", use_reserve=True)


def _forget_all(world: World) -> None:
    """As an admin finds it who has just installed us: no working folder, and no backup yet."""
    work = world.kino.data_path / WORKING_FOLDER
    empty(work)
    if not work.is_mount():
        work.rmdir()
    shutil.rmtree(world.kino.default_location)


def _import(world: World) -> None:
    import_backup(world.context, world.foreign, Control(), use_reserve=True)


def _export(world: World) -> None:
    backup = find_backup(world.context, LATEST)
    try:
        export_backup(world.context, backup, world.own, Control())
    except UsageError:
        # It was all but done when it was interrupted.
        if digest(world.own / backup.filename) != digest(backup.path):
            raise


def _delete(world: World) -> None:
    for backup in list_backups(world.context, kind=BackupKind.MANUAL).backups:
        delete_backup(world.context, backup, Control())


def _prune(world: World) -> None:
    prune(world.context, Control())


def _set_schedule(world: World) -> None:
    settings = replace(read_schedule(world.context), frequency=Frequency.WEEKLY, location=str(world.nas))
    save_schedule(world.context, settings, Control())


def _save_elsewhere(world: World) -> None:
    _set_schedule(world)
    _create(world)


def _set_other_location(world: World) -> None:
    """Neither the default location nor the one so far: what is in that is found by our own notes alone."""
    save_schedule(world.context, replace(read_schedule(world.context), location=str(world.own)), Control())


def _run_due(world: World) -> None:
    run = run_due(world.context, Control())
    if run.problem is not None:
        raise run.problem


def _next_night(world: World) -> None:
    _run_due(world)
    run = run_due(world.context, Control(), now=world.context.clock.now() + NOW)
    if run.problem is not None:
        raise run.problem


def _restore(world: World) -> None:
    _perform(world, plan_restore(world.context, world.foreign, Control()))


def _roll_back(world: World) -> None:
    if world.contents().state == NEW:
        _perform(world, plan_rollback(world.context, Control()))


def _roll_back_and_save(world: World) -> None:
    _roll_back(world)
    _create(world)


def _apply(world: World) -> None:
    settle(world.context, Control())


def _move(world: World) -> None:
    move_backups(world.context, Control())


def _perform(world: World, plan: RestorePlan) -> None:
    if plan.blockers:
        raise plan.blockers[0]
    task = Task(
        job="20260426T030000-abcdef",
        operation=plan.operation,
        source=plan.source,
        kept_files=plan.operation == "rollback" and not plan.archive_sha256,
        fingerprint=plan.fingerprint,
        safety_backup=True,
        health_seconds=180.0,
        received=False,
    )
    perform(world.context, task, Control())


def _die_before_the_end(world: World) -> None:
    # On Kino 0.3 the database alone is replaced, by two renames.
    moved = 1 if world.layout.keeps_index else 7
    die_in(workspace_of(world.kino), Phase.SWAPPING, lambda: _restore(world), moved=moved)


def _die_after_the_swap(world: World) -> None:
    die_in(workspace_of(world.kino), Phase.SWAPPED, lambda: _restore(world))


_DOCUMENTED = (
    Scene("create", _create),
    Scene("create (first)", _create, begin=_forget_all),
    Scene("import", _import),
    Scene("export", _export),
    Scene("delete", _delete),
    Scene("prune", _prune),
    Scene("schedule set", _set_schedule, then=_create),
    Scene("schedule set (away)", _set_other_location, begin=_save_elsewhere),
    Scene("run-due", _run_due, again=_next_night),
    Scene("move", _move, begin=_set_schedule),
    Scene("restore", _restore, settles=True),
    Scene("restore (first)", _restore, begin=_forget_all, settles=True),
    Scene("rollback", _roll_back, begin=_restore, settles=True, again=_roll_back_and_save),
    Scene("apply (back)", _apply, begin=_die_before_the_end, settles=True, again=_create),
    Scene("apply (on)", _apply, begin=_die_after_the_swap, settles=True, again=_create),
)
SCENES: Mapping[str, Scene] = {scene.name: scene for scene in _DOCUMENTED}
"""By name, on a Kino as it is documented."""
SHIPPED_SCENES: Mapping[str, Scene] = {
    f"{scene.name}, Kino 0.3": replace(scene, name=f"{scene.name}, Kino 0.3", layout=KINO_0_3)
    for scene in _DOCUMENTED
}
"""The same on Kino 0.3, whose settings and list of backups are in its database."""
ALL_SCENES: Mapping[str, Scene] = {**SCENES, **SHIPPED_SCENES}


def each(options: Options) -> Iterator[tuple[Scene, Path]]:
    """Every scene that is asked for, with a folder in memory of its own."""
    for scene in ALL_SCENES.values():
        if options.wants(scene.name):
            with folder_in_memory() as base:
                yield scene, base


def each_traced(figures: Figures, options: Options) -> Iterator[tuple[Scene, Path]]:
    """The same for those who record calls; none where that is not possible."""
    if has_strace():
        yield from each(options)
    else:
        figures.skip("there is no strace here, or it may not trace")
