"""Where the backups go: whether anything can be written there, by whom, and how much."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from kino_backup_tui.core.errors import KinoBackupError, NoSpaceError
from kino_backup_tui.core.files import free_bytes, mounts
from kino_backup_tui.core.kino.command import command_for
from kino_backup_tui.core.kino.home import SIDE_FILES
from kino_backup_tui.core.operations.checks.base import Check, Facts, failure, good, skipped, warned, warning
from kino_backup_tui.core.operations.safety import packed_share, small_bytes
from kino_backup_tui.core.operations.space import Space
from kino_backup_tui.core.sizes import size_text

_NETWORK = {
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "afs",
    "ceph",
    "fuse.sshfs",
    "fuse.rclone",
    "glusterfs",
}
_NETWORK |= {"fuse.glusterfs", "fuse.s3fs", "davfs", "fuse.davfs", "afpfs", "webdav", "virtiofs"}

_MOVE = ("schedule", "set", "--location", "FOLDER", "--move")


def check_location(facts: Facts) -> Iterator[Check]:
    """The disk that should be there is there, and this user can write to it."""
    name, location = "location", facts.status.location
    if facts.status.location_problem is not None:
        yield failure(name, facts.status.location_problem)
        return
    if not os.path.lexists(location):
        yield good(name, f"{location} is not there yet: the first backup makes it.")
        return
    kind = file_system_type(location)
    far = f" It is on a network file system ({kind})." if is_network(kind) else ""
    yield good(name, f"{location} is there, is the one used so far, and can be written.{far}")


def check_disk(facts: Facts) -> Iterator[Check]:
    """A disk that fails takes all that is on it."""
    name, place = "disk", _place(facts)
    if place is None:
        yield skipped(name, f"Nothing is known of the disk of {facts.status.location}.")
    elif place.stat().st_dev == facts.context.kino.data_path.stat().st_dev:
        yield warning(
            name,
            f"{facts.status.location} is on the same file system as Kino's data: a failing disk takes both.",
            f"Choose a folder on another disk: {command_for(facts.context.kino, *_MOVE)}",
        )
    else:
        yield good(name, f"{facts.status.location} is on another file system than Kino's data.")


def check_space(facts: Facts) -> Iterator[Check]:
    """Room for the next backup, and for a restore with its safety backup."""
    kino, place = facts.context.kino, _place(facts)
    contents = (
        small_bytes(kino)
        + _size(kino.database)
        + sum(_size(kino.database.with_name(kino.database.name + end)) for end in SIDE_FILES[:1])
    )
    if place is None:
        yield skipped("space", f"The free space of {facts.status.location} cannot be measured.")
        return
    packed = int(contents * packed_share(facts.session))
    if (problem := _no_room(kino.data_path, place, contents, packed, "A backup")) is not None:
        yield failure("space", problem)
    else:
        yield good("space", f"A backup needs about {size_text(packed)}; {_free(place)} are free in {place}.")
    # The unpacked set, a copy of the current database for the safety backup, and that backup.
    problem = _no_room(kino.data_path, place, 2 * contents, packed, "A restore of a backup of this size")
    if problem is not None:
        yield warned("restore_space", problem)
    else:
        yield good(
            "restore_space",
            f"A restore needs about {size_text(2 * contents)} in {kino.data_path}; "
            f"{_free(kino.data_path)} are free there.",
        )


def file_system_type(path: Path) -> str:
    """The type of the file system a path is on, as the kernel names it; empty if it does not say."""
    real, best, kind = Path(os.path.realpath(path)), -1, ""
    for point, its_type in mounts():
        # Of several on one point the last one is seen.
        if real.is_relative_to(point) and len(Path(point).parts) >= best:
            best, kind = len(Path(point).parts), its_type
    return kind


def is_network(kind: str) -> bool:
    """Whether a file system of this type is on another host."""
    return kind in _NETWORK


def _place(facts: Facts) -> Path | None:
    """A folder on the disk of the location; None if there is none to be seen."""
    place = facts.session.file_system_of(facts.status.location)
    try:
        return place if place.is_dir() else None
    except OSError:
        return None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _free(folder: Path) -> str:
    return size_text(free_bytes(folder))


def _no_room(data_path: Path, place: Path, copies: int, packed: int, what: str) -> KinoBackupError | None:
    """Why the copies do not fit beside Kino's data, or the archive into the location: a sum, on one disk."""
    space = Space(data_path, use_reserve=None)
    try:
        if place.stat().st_dev == data_path.stat().st_dev:
            space.require(place, copies + packed, what)
        else:
            space.require(data_path, copies, what)
            space.require(place, packed, what)
    except NoSpaceError as error:
        return error
    return None
