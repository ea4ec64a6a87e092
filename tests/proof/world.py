"""A Kino with a history, and an operation on it.

Below one folder lie a data path, another location and a folder of the admin's own. Each run begins with the
same bytes; as the cache knows archives by their inodes, it is told the new ones.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from kino_backup_tui.core.catalog.cache import fingerprint_of
from kino_backup_tui.core.kino.home import DOCUMENTED, WORKING_FOLDER, Kino, Layout
from kino_backup_tui.core.operations.context import Context
from tests.core.restore.killing import state_of
from tests.fakes import FakeClock
from tests.proof import shipped

KEEP = 2
"""Scheduled backups; one less than there are."""
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
    layout: Layout = DOCUMENTED


@dataclass(frozen=True)
class Snapshot:
    """What there is to lose."""

    archives: Mapping[str, str]
    """SHA-256 by the file name, in whichever folder."""
    settings: bytes | None
    """Of the schedule; of a Kino as documented, config.toml as a whole."""
    state: str
    own: frozenset[str]
    """Names in the admin's own folder."""
    listed: frozenset[str]
    """Names in Kino's own list, if it has one."""


@dataclass
class World:
    """The folder that a run changes, and how it began and should end."""

    base: Path
    layout: Layout = DOCUMENTED
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
        return Kino(self.folder / "kino", self.layout)

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
        own = frozenset(path.name for path in self.own.glob(ARCHIVES))
        state, settings, listed = self.contents()
        return Snapshot(archives, settings, state, own, frozenset(name for name, _, _ in listed))

    def contents(self) -> shipped.Contents:
        """What the live files say."""
        data_path = self.kino.data_path
        if self.layout.keeps_index:
            return shipped.read(data_path)
        config = data_path / "config.toml"
        settings = config.read_bytes() if config.exists() else None
        return shipped.Contents(state_of(data_path), settings, ())

    def archives(self) -> Iterator[Path]:
        """All files that look like backups."""
        for folder in (self.kino.default_location, self.nas, self.own):
            yield from sorted(folder.glob(ARCHIVES))


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
