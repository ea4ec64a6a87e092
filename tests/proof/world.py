"""A Kino with a history, and what must be true of it whatever happened to an operation.

Below one folder lie a data path, another location and a folder of the admin's own. Each run begins with the
same bytes; as the cache knows archives by their inodes, it is told the new ones.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from kino_backup_tui.core.catalog.cache import fingerprint_of
from kino_backup_tui.core.kino.home import WORKING_FOLDER, Kino
from kino_backup_tui.core.models import BackupKind, BackupStatus
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.listing import list_backups
from kino_backup_tui.core.operations.settle import settle
from kino_backup_tui.core.operations.verify import verify_backup
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.restore.folders import OLD as OLD_SET
from kino_backup_tui.core.restore.folders import set_folder, transactions
from kino_backup_tui.core.workspace import workspace_of
from tests.core.restore.killing import leave_in_the_log, state_of, write_state
from tests.fakes import FakeClock
from tests.proof.points import Work, outcome_of

SETTINGS = "\n[backup]\nkeep = 2\n"
HOST = "nas01"
ARCHIVES = "kino-backup-*.tar.gz"
NOW = timedelta(days=1)
"""So long after the newest scheduled backup the next one is due."""


@dataclass(frozen=True)
class Scene:
    """An operation, what it begins with, and how it may end."""

    name: str
    work: Callable[[World], object]
    """The operation as its front ends call it; done again after it was interrupted, it comes to its end."""
    begin: Callable[[World], object] = lambda _world: None
    settles: bool = False
    """After an interruption `apply` has to settle it before anything else is judged."""
    again: Callable[[World], object] | None = None
    """The next run that does anything, if that is another one."""
    then: Callable[[World], object] | None = None
    """What has to be possible once the operation has said that it is done."""


@dataclass(frozen=True)
class Snapshot:
    """What there is to lose."""

    archives: Mapping[str, str]
    """SHA-256 by the file name, in whichever folder."""
    config: bytes
    state: str
    own: frozenset[str]
    """Names in the admin's own folder."""


@dataclass
class World:
    """The folder that a run changes, and how it began and should end."""

    base: Path
    proven: set[str] = field(default_factory=set)
    """SHA-256 of archives that were verified."""
    before: Snapshot = field(init=False)
    after: Snapshot = field(init=False)
    later: Snapshot = field(init=False)
    """After the next run."""

    @property
    def folder(self) -> Path:
        """Everything that a run changes."""
        return self.base / "world"

    @property
    def template(self) -> Path:
        """What each run begins with."""
        return self.base / "template"

    @property
    def kino(self) -> Kino:
        """The Kino."""
        return Kino(self.folder / "kino")

    @property
    def nas(self) -> Path:
        """Another location."""
        return self.folder / "nas"

    @property
    def own(self) -> Path:
        """A folder of the admin's, with an archive of another state."""
        return self.folder / "own"

    @property
    def foreign(self) -> Path:
        """The archive there."""
        return next(self.own.glob("*-v9.tar.gz"))

    @property
    def context(self) -> Context:
        """For operations: the same instant in each run."""
        clock = FakeClock()
        clock.instant += NOW
        return Context(self.kino, clock, host=HOST)

    def reset(self) -> None:
        """Begin again."""
        empty(self.folder)
        shutil.copytree(self.template, self.folder, dirs_exist_ok=True)
        teach_cache(self.kino)

    def snapshot(self) -> Snapshot:
        """What there is now."""
        archives = {path.name: digest(path) for path in self.archives()}
        data_path = self.kino.data_path
        config = data_path / "config.toml"
        settings = config.read_bytes() if config.exists() else b""
        own = frozenset(path.name for path in self.own.glob(ARCHIVES))
        return Snapshot(archives, settings, state_of(data_path), own)

    def archives(self) -> Iterator[Path]:
        """All files that look like backups."""
        for folder in (self.kino.default_location, self.nas, self.own):
            yield from sorted(folder.glob(ARCHIVES))


def build(base: Path, scene: Scene, padding: int = 0) -> World:
    """Write a world, and learn how the operation ends if nothing disturbs it.

    So many bytes that cannot be compressed are in each database.
    """
    world = World(base)
    world.nas.mkdir(parents=True)
    world.own.mkdir()
    data_path = world.kino.data_path
    write_state(data_path, "old", "abc", SETTINGS)
    _pad(world.kino.database, padding)
    leave_in_the_log(world.kino.database)
    clock = FakeClock()
    clock.advance(hours=-72)
    context = Context(world.kino, clock, host=HOST)
    for kind in (BackupKind.MANUAL, *[BackupKind.SCHEDULED] * 3):
        create_backup(context, Control(), kind=kind, version="1")
        clock.advance(hours=24)
    other = base / "other"
    write_state(other, "new", "abd", SETTINGS)
    _pad(Kino(other).database, padding)
    made = create_backup(Context(Kino(other), clock, host="nas02"), Control(), version="9").backup
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


def examine(world: World, scene: Scene, *, finished: bool = False, refused: bool = False) -> list[str]:
    """What is wrong after an interruption; empty if nothing is.

    Looks, settles, looks again, repeats the operation and looks once more. One that is `finished` had said
    that it was done, one that was `refused` that it was not, and will not be tried again before its time.
    """
    wrong = [*broken_archives(world), *lost(world, world.after), *wrong_settings(world)]
    if scene.settles:
        wrong += _step("apply", lambda: settle(world.context, Control()))
        wrong += wrong_settings(world)
    if not wrong:
        wrong += unfinished(world, world.after) if finished else wrong_state(world)
    if finished and scene.then is not None:
        wrong += _step("then", partial(scene.then, world))
    wrong += _step("again", lambda: (scene.again or scene.work)(world))
    if not wrong:
        wrong = [*broken_archives(world), *lost(world, world.later)]
        # A night that was given up is made up for by no other.
        wrong += [] if refused and scene.again is not None else unfinished(world, world.later)
        wrong += leftovers(world)
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
    """config.toml, unless it is the old one or the new one."""
    allowed = (world.before.config, world.after.config)
    config = world.kino.data_path / "config.toml"
    if config.exists() and config.read_bytes() not in allowed:
        return [f"config.toml is {config.read_bytes()[:80]!r}"]
    return []


def wrong_state(world: World) -> list[str]:
    """The live files, unless they are wholly the old or the new ones."""
    state = state_of(world.kino.data_path)
    return [] if state in (world.before.state, world.after.state) else [f"the live files are {state}"]


def unfinished(world: World, end: Snapshot) -> list[str]:
    """What an operation that said it was done has not done."""
    now = world.snapshot()
    wrong = [f"{name} is missing" for name in end.archives.keys() - now.archives.keys()]
    wrong += [f"{name} is missing where it was exported to" for name in end.own - now.own]
    gone = world.before.archives.keys() - end.archives.keys()
    if not _has_unverified(world):
        wrong += [f"{name} is still there" for name in gone & now.archives.keys()]
    if now.config != end.config:
        wrong.append("config.toml is not as it was to be")
    if now.state != end.state:
        wrong.append(f"the live files are {now.state}")
    return wrong


def leftovers(world: World) -> list[str]:
    """What lies about that nobody will look for."""
    wrong = [str(path.relative_to(world.folder)) for path in world.folder.rglob("*.partial")]
    work = world.kino.data_path / WORKING_FOLDER
    wrong += [str(path.relative_to(world.folder)) for path in (work / "scratch").glob("*")]
    workspace = workspace_of(world.kino)
    kept = [name for name in transactions(workspace) if _is_empty(set_folder(workspace, name, OLD_SET))]
    wrong += [f"restore/{name}" for name in kept]
    return [f"{re.sub('[0-9a-f]{8,}', '*', name)} lies about" for name in wrong]


def teach_cache(kino: Kino, inodes: Mapping[int, Path] | None = None) -> None:
    """Tell the cache the inodes of copied files; with `inodes`, where each of those it knows is now."""
    catalog = kino.data_path / WORKING_FOLDER / "catalog.json"
    try:
        document: dict[str, Any] = json.loads(catalog.read_bytes())
    except (OSError, ValueError):
        return
    for folder, entries in document["locations"].items():
        for name, entry in entries.items():
            path = Path(folder, name)
            if inodes is not None and inodes.get(entry["f"][0]) != path:
                continue
            if path.exists() and path.stat().st_size == entry["f"][1]:
                entry["f"] = fingerprint_of(path.lstat())
    catalog.write_text(json.dumps(document))


def empty(folder: Path) -> None:
    """Remove what is in a folder; file systems mounted below it stay."""
    if not folder.exists():
        folder.mkdir()
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            if path.is_mount() or any(below.is_mount() for below in path.iterdir() if below.is_dir()):
                empty(path)
            else:
                shutil.rmtree(path)
        else:
            path.unlink()


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _pad(database: Path, size: int) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE poster (picture BLOB)")
        connection.execute("INSERT INTO poster VALUES (?)", (random.Random(0).randbytes(size),))  # noqa: S311


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
