"""Paths as Kino has written them down, and where that is on this host.

Kino stores absolute paths. In a container they are the container's; and those below a data path that was
moved since are of the former place. The data path that Kino has noted stands for the real one; other folders
are where the container has them mounted from.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple


class Mounted(NamedTuple):
    """A folder and what Kino calls it."""

    kino: str
    """Absolute, as Kino sees it."""
    host: Path
    """Absolute, on this host."""


Mounts = Callable[[], Sequence[Mounted]]
"""Asked only where the data path does not tell: to ask a container engine takes time."""


def no_mounts() -> Sequence[Mounted]:
    """For a Kino of which no container is known."""
    return ()


class PathMap(NamedTuple):
    """Translates the paths of one Kino in both directions."""

    noted_data_path: str
    """What Kino has noted as its data path; empty if nothing."""
    data_path: Path
    """Where it is."""
    mounts: Mounts = no_mounts

    @property
    def is_identity(self) -> bool:
        """Whether Kino calls its data path what this host calls it."""
        noted = self.noted_data_path
        return not noted.startswith("/") or posixpath.normpath(noted) == str(self.data_path)

    def to_host(self, path: str) -> Path:
        """Where a path of Kino's is; the path itself where nothing tells otherwise."""
        if self.is_identity:
            return Path(path)
        clean = posixpath.normpath(path)
        for mounted in self._by_length(clean, lambda each: each.kino):
            below = _below(clean, posixpath.normpath(mounted.kino))
            if below is not None:
                return mounted.host / below
        return Path(path)

    def to_kino(self, path: Path) -> str:
        """What Kino calls a folder of this host; the path itself where nothing tells otherwise."""
        if self.is_identity:
            return str(path)
        for mounted in self._by_length(str(path), lambda each: str(each.host)):
            below = _below(str(path), str(mounted.host))
            if below is not None:
                return posixpath.join(mounted.kino, below) if below else mounted.kino
        return str(path)

    def _by_length(self, path: str, name: Callable[[Mounted], str]) -> list[Mounted]:
        """The data path, and unless that is enough, every mount; the most particular first."""
        own = Mounted(self.noted_data_path, self.data_path)
        known = [own] if _below(path, posixpath.normpath(name(own))) is not None else [own, *self.mounts()]
        return sorted(known, key=lambda each: len(name(each)), reverse=True)


def _below(path: str, folder: str) -> str | None:
    """The rest of a path below a folder, empty for the folder itself; None if it is somewhere else."""
    if path == folder:
        return ""
    start = folder.rstrip("/") + "/"
    return path.removeprefix(start) if path.startswith(start) else None
