"""The renames of a restore, forth and back.

The old set leaves whole, a database with its side files, before anything new arrives: a new database that
met an old write-ahead log would be silently wrong (https://www.sqlite.org/howtocorrupt.html, 1.4). Going back
needs no space and asks only what is where, so it can be repeated after it was interrupted at any point.
Nothing is ever deleted or overwritten here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from kino_backup_tui.core.errors import ServiceError, UndecidedError
from kino_backup_tui.core.files import sync_descriptor
from kino_backup_tui.core.kino.home import Layout
from kino_backup_tui.core.restore.folders import Sets, inode, moved_names


def present_in(folder: int, layout: Layout) -> tuple[str, ...]:
    """What is in an open folder of all that a restore replaces."""
    return tuple(name for name in moved_names(layout) if inode(folder, name) is not None)


def staged_inodes(sets: Sets, layout: Layout) -> dict[str, int]:
    """The names of the new set, with their inodes."""
    found = {name: inode(sets.new, name) for name in moved_names(layout)}
    return {name: number for name, number in found.items() if number is not None}


def swap(sets: Sets, leaving: Sequence[str], arriving: Sequence[str]) -> None:
    """Move the old set out, then the new one in; each half is durable before the next begins.

    The database arrives last, so that nothing half in place looks like a Kino. Raises `OSError`, and
    `ServiceError` if somebody has put a file where the new one belongs.
    """
    for name in leaving:
        _move(name, sets.data, sets.old)
    # The folder they went to first: without a journal a file system may make a rename durable by halves, and
    # a file that is in both folders is better than one that is in neither. The second would not be missed by
    # going back, which copes with any mixture; it keeps one from being on the disk.
    sync_descriptor(sets.old)
    sync_descriptor(sets.data)
    for name in reversed(arriving):
        _move(name, sets.new, sets.data)
    # As above; without the second a file might be in the new set as well, which nobody would mind.
    sync_descriptor(sets.data)
    sync_descriptor(sets.new)


def swap_back(sets: Sets, layout: Layout, leaving: Sequence[str], arriving: Sequence[str]) -> None:
    """Put the old set back, wherever `swap` or an earlier `swap_back` was interrupted.

    What is in its place goes to the set of the failed. Raises `OSError`, and `UndecidedError` before
    anything is moved if a file of the old set is in neither place.
    """
    for name in leaving:
        arrived = name in arriving and not sets.has(sets.new, name) and not sets.has(sets.failed, name)
        if not sets.has(sets.old, name) and (arrived or not sets.has(sets.data, name)):
            raise UndecidedError(f"{name} of the replaced files is neither put aside nor in its place.")
    for name in reversed(moved_names(layout)):
        kept_aside = sets.has(sets.old, name)
        # Without a copy aside, what is in place is the old file itself, or there was none.
        if (kept_aside or name not in leaving) and sets.has(sets.data, name):
            _put_aside(name, sets)
    # Before the old ones take these places. The data path is synced again below, and would do; the set of the
    # failed would not.
    sync_descriptor(sets.failed)
    sync_descriptor(sets.data)
    for name in leaving:
        if sets.has(sets.old, name):
            _move(name, sets.old, sets.data)
    # As above; without the second a file might be in the old set as well.
    sync_descriptor(sets.data)
    sync_descriptor(sets.old)


def swap_on(sets: Sets, layout: Layout, leaving: Sequence[str], inodes: Mapping[str, int]) -> None:
    """Put the new set in place, wherever `swap` or `swap_back` was interrupted.

    `inodes` are those of the new set, as far as they are known. Raises `OSError`, `ServiceError` as `swap`,
    and `UndecidedError` before anything is moved if a file of the new set is not there.
    """
    names = moved_names(layout)
    sources = {name: folder for folder in (sets.failed, sets.new) for name in names if sets.has(folder, name)}
    going = [
        name
        for name in leaving
        if not sets.has(sets.old, name) and inode(sets.data, name) not in (None, inodes.get(name))
    ]
    for name in {layout.database, *inodes}:
        if name not in sources and (name in going or not sets.has(sets.data, name)):
            raise UndecidedError(f"{name} of the restored files is neither in its place nor waiting for it.")
    for name in going:
        _move(name, sets.data, sets.old)
    sync_descriptor(sets.old)
    sync_descriptor(sets.data)
    for name in reversed(names):
        if name in sources:
            _move(name, sources[name], sets.data)
    sets.sync()


def old_names(sets: Sets, layout: Layout, began_ns: int) -> tuple[str, ...]:
    """The old set, told without the journal: what was put aside, and what is in its place untouched.

    `began_ns` is when the folder of the restore was made. What has arrived since was renamed since, which
    shows in the time of its last change of status (inode(7)); what is still to arrive has not.
    """

    def is_untouched(name: str) -> bool:
        if not sets.has(sets.data, name):
            return False
        if name.startswith(f"{layout.database}-"):
            # The last reader may have changed them; as long as no database is there, they are of the old one.
            return not sets.has(sets.data, layout.database)
        status = os.stat(name, dir_fd=sets.data, follow_symlinks=False)
        return sets.has(sets.new, name) or status.st_ctime_ns < began_ns

    names = moved_names(layout)
    return tuple(name for name in names if sets.has(sets.old, name) or is_untouched(name))


def lost_names(sets: Sets, leaving: Sequence[str], inodes: Mapping[str, int]) -> tuple[str, ...]:
    """What of the old set is neither put aside nor in its place."""
    return tuple(
        name
        for name in leaving
        if not sets.has(sets.old, name) and inode(sets.data, name) in (None, inodes.get(name))
    )


def _move(name: str, source: int, target: int) -> None:
    if inode(target, name) is not None:
        raise ServiceError(
            f"{name} appeared where a file was to be moved: Kino was started meanwhile.",
            hint="Stop whatever starts Kino, then retry.",
        )
    os.rename(name, name, src_dir_fd=source, dst_dir_fd=target)


def _put_aside(name: str, sets: Sets) -> None:
    free = name
    number = 1
    while sets.has(sets.failed, free):
        number += 1
        free = f"{name}~{number}"
    os.rename(name, free, src_dir_fd=sets.data, dst_dir_fd=sets.failed)
