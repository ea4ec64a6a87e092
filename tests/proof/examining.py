"""What must be true of a world, whatever happened to an operation in it."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from kino_backup_tui.core.kino.home import WORKING_FOLDER
from kino_backup_tui.core.models import BackupStatus
from kino_backup_tui.core.operations.listing import list_backups
from kino_backup_tui.core.operations.reindex import reindex
from kino_backup_tui.core.operations.schedule import read_schedule
from kino_backup_tui.core.operations.settle import settle
from kino_backup_tui.core.operations.verify import verify_backup
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.restore.folders import OLD as OLD_SET
from kino_backup_tui.core.restore.folders import set_folder, transactions
from kino_backup_tui.core.workspace import workspace_of
from tests.proof.points import Work, outcome_of
from tests.proof.world import ARCHIVES, HOST, Scene, Snapshot, World, digest


def examine(
    world: World, scene: Scene, *, finished: bool = False, refused: bool = False, warned: bool = False
) -> list[str]:
    """What is wrong after an interruption; empty if nothing is.

    Looks, settles, looks again, repeats the operation and looks once more. One that is `finished` had said
    that it was done, one that was `refused` that it was not, and will not be tried again before its time.
    One that was `warned` may have left Kino's own list behind, which `reindex` then has to mend.
    """
    wrong = [*broken_archives(world), *lost(world, world.after), *wrong_settings(world)]
    if scene.settles:
        wrong += _step("apply", lambda: settle(world.context, Control()))
        wrong += wrong_settings(world)
    if not wrong:
        wrong += unfinished(world, world.after) if finished else wrong_state(world)
        wrong += not_in_step(world) if finished and not warned else []
    if finished and scene.then is not None:
        wrong += _step("then", partial(scene.then, world))
    wrong += _step("again", lambda: (scene.again or scene.work)(world))
    if scene.layout.keeps_index:
        wrong += _step("reindex", lambda: reindex(world.context, Control()))
    if not wrong:
        wrong = [*broken_archives(world), *lost(world, world.later)]
        # A night that was given up is made up for by no other.
        wrong += [] if refused and scene.again is not None else unfinished(world, world.later)
        wrong += [*leftovers(world), *wrong_list(world)]
        wrong = [f"after the next run: {text}" for text in wrong]
    return wrong


def broken_archives(world: World) -> list[str]:
    """Files under the name of a backup that are none, and what a listing says of those that it shows."""
    wrong = []
    ending = outcome_of(lambda: list_backups(world.context))
    if not ending.well:
        return [f"it cannot be listed: {ending.code} {ending.text}"]
    listed = {backup.path: backup for backup in list_backups(world.context).backups}
    for path in world.archives():
        backup = listed.get(path)
        if backup is None and path.parent != world.own:
            wrong.append(f"{path.name} is not listed")
        if digest(path) in world.proven:
            continue
        if backup is None:
            wrong.append(f"{path.name} is not whole")
            continue
        claimed = backup.status.value
        try:
            verify_backup(world.context, backup, Control())
        except Exception as error:  # whatever it is, this is no backup
            wrong.append(f"{path.name}, shown as {claimed}, is not whole: {error}")
        else:
            world.proven.add(digest(path))
    instance = workspace_of(world.kino).instance()
    for each in listed.values():
        if each.status in (BackupStatus.DAMAGED, BackupStatus.UNREADABLE):
            wrong.append(f"{each.filename} is {each.status.value}")
        # Retention would never count it again.
        if each.manifest is not None and each.manifest.host == HOST and each.manifest.instance != instance:
            wrong.append(f"{each.filename} is taken for that of another installation")
    return wrong


def lost(world: World, end: Snapshot) -> list[str]:
    """Archives from before that are gone or changed, and were not to be removed."""
    there = {(path.name, digest(path)) for path in world.archives()}
    kept = world.before.archives.keys() & end.archives.keys()
    return [f"{name} is lost" for name in sorted(kept) if (name, world.before.archives[name]) not in there]


def wrong_settings(world: World) -> list[str]:
    """The settings, unless they are the old or the new ones; none at all are of a state that is none."""
    settings = world.contents().settings
    if settings is None or settings in (world.before.settings, world.after.settings):
        return []
    return [f"the settings are {settings[:80]!r}"]


def wrong_state(world: World) -> list[str]:
    """The live files, unless they are wholly the old or the new ones."""
    state = world.contents().state
    return [] if state in (world.before.state, world.after.state) else [f"the live files are {state}"]


def unfinished(world: World, end: Snapshot) -> list[str]:
    """What an operation that said it was done has not done."""
    now = world.snapshot()
    wrong = [f"{name} is missing" for name in end.archives.keys() - now.archives.keys()]
    wrong += [f"{name} is missing where it was exported to" for name in end.own - now.own]
    gone = world.before.archives.keys() - end.archives.keys()
    if not _has_unverified(world):
        wrong += [f"{name} is still there" for name in gone & now.archives.keys()]
    if now.settings != end.settings:
        wrong.append("the settings are not as they were to be")
    if now.state != end.state:
        wrong.append(f"the live files are {now.state}")
    return wrong


def not_in_step(world: World) -> list[str]:
    """What Kino's own list does not say that it said after the operation that nothing disturbed."""
    now, end = world.snapshot().listed, world.after.listed
    wrong = [f"{name} is not in Kino's list" for name in end - now]
    return wrong + [f"{name} is still in Kino's list" for name in (world.before.listed - end) & now]


def wrong_list(world: World) -> list[str]:
    """Where Kino's own list, once it is brought in step, does not describe the files of the location."""
    if not world.layout.keeps_index:
        return []
    location = Path(read_schedule(world.context).location or world.kino.default_location)
    there = {(path.name, path.stat().st_size, digest(path)) for path in location.glob(ARCHIVES)}
    listed = world.contents().listed
    wrong = [f"{name} is listed twice" for name, *_ in listed if sum(name == row[0] for row in listed) > 1]
    return wrong + [f"{name} is not listed as it is" for name, *_ in there.symmetric_difference(listed)]


def leftovers(world: World) -> list[str]:
    """What lies about that nobody will look for."""
    wrong = [str(path.relative_to(world.folder)) for path in world.folder.rglob("*.partial")]
    work = world.kino.data_path / WORKING_FOLDER
    wrong += [str(path.relative_to(world.folder)) for path in (work / "scratch").glob("*")]
    workspace = workspace_of(world.kino)
    kept = [name for name in transactions(workspace) if _is_empty(set_folder(workspace, name, OLD_SET))]
    wrong += [f"restore/{name}" for name in kept]
    return [f"{re.sub('[0-9a-f]{8,}', '*', name)} lies about" for name in wrong]


def _step(name: str, work: Work) -> list[str]:
    ending = outcome_of(work)
    return [] if ending.well else [f"{name}: {ending.code} {ending.text}"]


def _has_unverified(world: World) -> bool:
    """Whether a backup was published by a process that died before it could say that it is verified.

    Retention does not count such a one, and so keeps another for it.
    """
    return any(each.status is BackupStatus.UNVERIFIED for each in list_backups(world.context).backups)


def _is_empty(folder: Path) -> bool:
    return not folder.is_dir() or not any(folder.iterdir())
