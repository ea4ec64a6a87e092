"""Unpacking an archive into the new set: read by the one bounded reader, hashed on the way.

Names come from the layout's table, modes and owners from the files that are replaced; the archive decides
neither.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from kino_backup_tui.core.archive.members import is_content_path
from kino_backup_tui.core.archive.verify import ReadArchive, read_archive
from kino_backup_tui.core.errors import ArchiveRefusedError
from kino_backup_tui.core.files import (
    PRIVATE_FILE,
    PRIVATE_FOLDER,
    Owner,
    create_private,
    sync_descriptor,
)
from kino_backup_tui.core.kino.home import Kino

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LABELS = ("security.selinux", "system.posix_acl_access", "system.posix_acl_default")
"""Extended attributes that decide who may use a file, see xattr(7)."""


class Looks(NamedTuple):
    """Owner, permissions and labels of a file that is replaced, for the one that replaces it."""

    owner: Owner
    mode: int
    labels: tuple[tuple[str, bytes], ...] = ()

    def put_on(self, descriptor: int) -> None:
        """Give them to an open file or folder; raises `OSError` if the owner or mode cannot be given."""
        if not self.owner.take(descriptor):
            raise PermissionError(errno.EPERM, "it cannot be given to Kino's user")
        os.fchmod(descriptor, self.mode)
        for name, value in self.labels:
            with contextlib.suppress(OSError):  # another kernel or file system than they came from
                os.setxattr(descriptor, name, value)


def unpack(
    archive: BinaryIO, kino: Kino, new: int, advance: Callable[[int], None], *, durable: bool
) -> ReadArchive:
    """Unpack an archive to its end into the open, empty folder of the new set; durable, if it is to be used.

    Raises `ArchiveDamagedError` and `ArchiveRefusedError` (what was written stays, for the caller to
    remove), `OSError` as the files do, and what `advance` raises.
    """
    folders: dict[PurePosixPath, None] = {}

    @contextlib.contextmanager
    def take(name: str, _size: int) -> Iterator[BinaryIO]:
        if not is_content_path(name):
            raise ArchiveRefusedError(f"The archive holds {name!r}, which no backup holds.")
        path = PurePosixPath(name)
        looks = looks_of(kino, name, folder=False)
        try:
            _make_folders(new, path, folders)
            with _below(new, path.parent) as folder:
                out = create_private(path.name, looks.owner, folder)
        except (FileExistsError, NotADirectoryError) as error:
            # The folder was empty and is ours alone.
            raise ArchiveRefusedError(f"The archive has {name!r} both as a file and as a folder.") from error
        with out:
            yield out
            out.flush()
            looks.put_on(out.fileno())
            if durable:
                # Before the journal says "staged": a power cut must not leave an empty file under its name.
                os.fsync(out.fileno())

    result = read_archive(archive, advance, take)
    # Only now, for one that may not be written to is filled first; the innermost first.
    for path in reversed(folders):
        with _below(new, path) as folder:
            looks_of(kino, str(path), folder=True).put_on(folder)
            if durable:
                sync_descriptor(folder)
    if durable:
        sync_descriptor(new)
    return result


def _make_folders(new: int, path: PurePosixPath, made: dict[PurePosixPath, None]) -> None:
    for folder in reversed(path.parents[:-1]):
        if folder not in made:
            with _below(new, folder.parent) as parent:
                os.mkdir(folder.name, PRIVATE_FOLDER, dir_fd=parent)
            made[folder] = None


@contextlib.contextmanager
def _below(new: int, path: PurePosixPath) -> Iterator[int]:
    """Open a folder below the new set, one step after the other and none of them a link."""
    descriptor = os.dup(new)
    try:
        for name in path.parts:
            parent, descriptor = descriptor, os.open(name, _FOLDER, dir_fd=descriptor)
            os.close(parent)
        yield descriptor
    finally:
        os.close(descriptor)


def looks_of(kino: Kino, name: str, *, folder: bool) -> Looks:
    """What the file of that name below the data path looks like; the usual ones if there is none."""
    path = kino.data_path / name
    usual = Looks(kino.owner, PRIVATE_FOLDER if folder else PRIVATE_FILE)
    if any((kino.data_path / above).is_symlink() for above in PurePosixPath(name).parents[:-1]):
        return usual  # what a link leads to is not what is replaced
    try:
        status = path.lstat()
    except OSError:
        return usual
    if not (stat.S_ISDIR if folder else stat.S_ISREG)(status.st_mode):
        return usual
    return Looks(Owner(status.st_uid, status.st_gid), stat.S_IMODE(status.st_mode) & 0o777, _labels(path))


def _labels(path: Path) -> tuple[tuple[str, bytes], ...]:
    if not hasattr(os, "getxattr"):
        return ()
    found = []
    for name in _LABELS:
        with contextlib.suppress(OSError):
            found.append((name, os.getxattr(path, name, follow_symlinks=False)))
    return tuple(found)
