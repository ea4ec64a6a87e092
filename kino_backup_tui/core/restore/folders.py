"""Where the two sets of files wait during a restore, reached by open folders only.

Everything that moves is renamed inside one file system. Others may be able to write in the data path, so no
link is followed below it, and no path comes from a file: the names are the layout's own.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from kino_backup_tui.core.errors import LocationError
from kino_backup_tui.core.files import (
    PRIVATE_FOLDER,
    make_private_folder,
    mounts,
    storage_errors,
    sync_descriptor,
)
from kino_backup_tui.core.kino.home import SIDE_FILES, WORKING_FOLDER, Kino, Layout
from kino_backup_tui.core.workspace import Workspace

NEW, OLD, FAILED = "new", "old", "failed"
"""The set that arrives, the set it replaces, and what a restore that was undone had put in its place."""

_ON_OTHER_FILE_SYSTEM = ".kino-restore"
_TRANSACTION = re.compile("[0-9a-f]{16}")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def moved_names(layout: Layout) -> tuple[str, ...]:
    """Everything below the data path that a restore may replace, the database with its side files first."""
    family = tuple(layout.database + end for end in ("", *SIDE_FILES))
    return (*family, *(name for name in (layout.config, layout.secrets) if name))


def restore_folder(workspace: Workspace) -> Path:
    """Where the journal is: always with Kino's files, also once their disk was remounted read-only."""
    return workspace.data_path / WORKING_FOLDER / "restore"


def work_folder(workspace: Workspace) -> Path:
    """Where the sets wait: beside the journal, or in the data path if that is another file system."""
    beside = restore_folder(workspace)
    there = (folder for folder in (beside, beside.parent) if os.path.exists(folder))  # noqa: PTH110 - a Path may raise
    nearest = next(there, None)
    if nearest is None or nearest.stat().st_dev == workspace.data_path.stat().st_dev:
        return beside
    return workspace.data_path / _ON_OTHER_FILE_SYSTEM


def new_transaction() -> str:
    """A name for one restore's folder."""
    return os.urandom(8).hex()


def is_transaction(name: object) -> bool:
    """Whether this can be the name of one."""
    return isinstance(name, str) and _TRANSACTION.fullmatch(name) is not None


def transactions(workspace: Workspace) -> list[str]:
    """The restores whose folders are still there, by when these were made, the newest last."""
    try:
        found = [entry for entry in work_folder(workspace).iterdir() if is_transaction(entry.name)]
        return [entry.name for entry in sorted(found, key=lambda entry: entry.stat().st_mtime_ns)]
    except OSError:
        return []


class Sets(NamedTuple):
    """The open folders of one restore."""

    data: int
    new: int
    old: int
    failed: int

    def has(self, folder: int, name: str) -> bool:
        """Whether something has that name there."""
        return inode(folder, name) is not None

    def sync(self) -> None:
        """Make every rename so far survive a power cut."""
        for folder in self:
            sync_descriptor(folder)


def inode(folder: int, name: str) -> int | None:
    """The inode number of what has that name in an open folder; None if nothing has."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_ino
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def open_sets(workspace: Workspace, transaction: str, previous: str = "") -> Iterator[Sets]:
    """Open the folders of a restore, creating those that are not there.

    With `previous`, the files an earlier restore has replaced are the new set, and if they have to leave
    again, they go back to where they were.
    Raises `LocationError`, `NotPermittedError`, `NoSpaceError`.
    """
    work = work_folder(workspace)
    with contextlib.ExitStack() as stack, storage_errors(work, "use the folder of the restore"):

        def opened(name: str | Path, parent: int | None = None) -> int:
            descriptor = os.open(name, _FOLDER, dir_fd=parent)
            stack.callback(os.close, descriptor)
            return descriptor

        def made(name: str, parent: int) -> int:
            try:
                os.mkdir(name, PRIVATE_FOLDER, dir_fd=parent)
            except FileExistsError:
                return opened(name, parent)
            sync_descriptor(parent)
            descriptor = opened(name, parent)
            workspace.owner.take(descriptor)  # Kino's user may want to go back, too, or to tidy up
            return descriptor

        data = opened(workspace.data_path)
        parent = data
        for name in work.relative_to(workspace.data_path).parts:
            parent = made(name, parent)
        own = made(transaction, parent)
        old = made(OLD, own)
        if previous:
            new = made(OLD, made(previous, parent))
            yield Sets(data, new, old, failed=new)
        else:
            yield Sets(data, made(NEW, own), old, made(FAILED, own))


def ensure_restore_folder(workspace: Workspace) -> None:
    """Create the folder of the journal; raises `LocationError`, `NotPermittedError`, `NoSpaceError`."""
    workspace.require_writable()
    workspace.ensure()
    with storage_errors(restore_folder(workspace), "create"):
        make_private_folder(restore_folder(workspace), workspace.owner, durable=True)


def set_folder(workspace: Workspace, transaction: str, name: str) -> Path:
    """The path of one set, for messages and for reading; renames go by open folders."""
    return work_folder(workspace) / transaction / name


def remove_transaction(workspace: Workspace, transaction: str) -> None:
    """Delete a restore's folder with all that is in it. Best effort: what stays is swept later."""
    shutil.rmtree(work_folder(workspace) / transaction, ignore_errors=True)


def movability_problem(kino: Kino) -> LocationError | None:
    """Why renames could not replace Kino's files; None if they can.

    A file or folder that is a mount point of its own cannot be renamed (rename(2), EBUSY, EXDEV).
    """
    mounted = {point for point, _type in mounts()}
    device = kino.data_path.stat().st_dev
    for name in moved_names(kino.layout):
        path = kino.data_path / name
        try:
            status = path.lstat()
        except OSError:
            continue
        # Files, unlike folders, of an overlay have the device numbers of its layers (kernel's overlayfs.rst).
        telling = stat.S_ISDIR(status.st_mode) or (stat.S_ISREG(status.st_mode) and not mounted)
        if str(path) in mounted or (telling and status.st_dev != device):
            return LocationError(
                f"{path} is mounted on its own, so it cannot be replaced together with the rest.",
                hint=f"Mount {kino.data_path} as a whole instead, then retry.",
            )
    return None
