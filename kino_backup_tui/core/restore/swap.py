"""The renames of a restore, forth and back.

The old set leaves whole, a database with its side files, before anything new arrives: a new database that
met an old write-ahead log would be silently wrong (https://www.sqlite.org/howtocorrupt.html, 1.4). Going back
needs no space and asks only what is where, so it can be repeated after it was interrupted at any point.
Nothing is ever deleted or overwritten here.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from kino_backup_tui.core.errors import ServiceError, UndecidedError
from kino_backup_tui.core.files import sync_descriptor
from kino_backup_tui.core.kino.home import Layout
from kino_backup_tui.core.restore.folders import Sets, inode, moved_names


def present_names(sets: Sets, layout: Layout) -> tuple[str, ...]:
    """What is in the data path now of all that a restore replaces."""
    return tuple(name for name in moved_names(layout) if sets.has(sets.data, name))


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
    # Where the sets lie on another file system than the journal, nothing else makes these durable.
    sync_descriptor(sets.old)
    sync_descriptor(sets.data)
    for name in reversed(arriving):
        _move(name, sets.new, sets.data)
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
    sync_descriptor(sets.data)
    sync_descriptor(sets.failed)
    for name in leaving:
        if sets.has(sets.old, name):
            _move(name, sets.old, sets.data)
    sync_descriptor(sets.data)
    sync_descriptor(sets.old)


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
