"""Where backups are kept, and the proof that a location is the one we know.

A location carries a marker file with a random id. An unmounted disk leaves an empty folder of the same path;
without the marker, backups would silently fill the disk below it (home-assistant/core#119980).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from kino_backup_tui.core.errors import (
    KinoBackupError,
    LocationError,
    NotPermittedError,
    UnknownLocationError,
)
from kino_backup_tui.core.files import (
    Owner,
    is_read_only,
    make_private_folder,
    open_regular,
    storage_errors,
    sync_folder,
    user_name,
)
from kino_backup_tui.core.workspace import Workspace

MARKER = ".kino-backup-location"
_MARKER_MODE = 0o644
_LONGEST_MARKER = 256
_STATE_KEY = "locations"
_ACCEPT = "If this is the right place, say so with --accept-location."


class KnownLocation(NamedTuple):
    """A location this installation has used, and the id in its marker file."""

    path: Path
    marker: str


def known_locations(workspace: Workspace) -> tuple[KnownLocation, ...]:
    """The locations used so far, from state.json."""
    entries: Any = workspace.read_state().get(_STATE_KEY)
    if not isinstance(entries, list):
        return ()
    return tuple(
        KnownLocation(Path(entry["path"]), entry["marker"])
        for entry in entries
        if isinstance(entry, dict)
        and isinstance(entry.get("path"), str)
        and isinstance(entry.get("marker"), str)
    )


def is_known(workspace: Workspace, location: Path) -> bool:
    """Whether this installation has used a location before."""
    return any(known.path == location for known in known_locations(workspace))


def read_marker(location: Path) -> str | None:
    """The id in a location's marker file; None if there is none, or it is empty.

    Raises `NotPermittedError` or `LocationError` if there is one that cannot be read.
    """
    path = location / MARKER
    with storage_errors(path, "read"):
        try:
            with open_regular(path) as stream:
                return _marker_in(stream)
        except FileNotFoundError:
            return None
        except PermissionError as error:
            raise NotPermittedError(
                f"{path} cannot be read by {user_name()}, so nothing is known of the backup location.",
                hint="Make that file readable for all (chmod a+r); it holds no secret.",
            ) from error


def access_problem(location: Path) -> KinoBackupError | None:
    """Why nothing can be written there now: missing, not a folder, read-only, not permitted."""
    missing = _missing(location)
    if missing is not None:
        return missing
    return None if os.access(location, os.W_OK | os.X_OK) else _not_writable(location)


def location_problem(location: Path, workspace: Workspace, default: Path) -> KinoBackupError | None:
    """Why a backup could not be put there now, as an error to show or raise; None if it could."""
    known = {entry.path: entry.marker for entry in known_locations(workspace)}.get(location)
    if location == default and not os.path.lexists(location):
        if known is None:
            return None  # the first backup creates it
        return UnknownLocationError(
            f"The backup location {location} was there before and is gone.",
            hint="Is its disk mounted? To begin with an empty one, say so with --accept-location.",
        )
    return access_problem(location) or _marker_problem(location, known, default)


def prepare_location(location: Path, workspace: Workspace, default: Path, *, accept: bool) -> None:
    """Make sure a location is there, writable and the one we know, and mark it on first use.

    The default location is created; any other must exist, for a missing one is most likely not mounted.
    `accept` adopts a location whose marker is missing or different.
    Raises `LocationError`, `NotPermittedError`, `NoSpaceError`.
    """
    problem = location_problem(location, workspace, default)
    if location == default and (problem is None or accept) and not os.path.lexists(location):
        with storage_errors(location, "create the backup location"):
            # Before anything says that it was there: it would be looked for in vain.
            make_private_folder(location, workspace.owner, durable=True)
    if accept:
        problem = access_problem(location)
    if problem is not None:
        raise problem
    marker = read_marker(location) or _mark(location, workspace.owner)
    known = known_locations(workspace)
    if KnownLocation(location, marker) not in known:
        others = [entry for entry in known if entry.path != location]
        entries = [*others, KnownLocation(location, marker)]
        workspace.update_state(
            **{_STATE_KEY: [{"path": str(entry.path), "marker": entry.marker} for entry in entries]}
        )


def _missing(location: Path) -> LocationError | None:
    try:
        mode = location.stat().st_mode
    except FileNotFoundError:
        return LocationError(
            f"The backup location {location} does not exist.",
            hint="Is its disk mounted? Otherwise create the folder, or choose another location.",
        )
    except OSError as error:
        return LocationError(f"The backup location {location} cannot be reached: {error.strerror}.")
    if not stat.S_ISDIR(mode):
        return LocationError(
            f"The backup location {location} is not a folder.", hint="Choose another location."
        )
    return None


def _not_writable(location: Path) -> KinoBackupError:
    with contextlib.suppress(OSError):
        if is_read_only(location):
            return LocationError(
                f"The backup location {location} is on a read-only file system.",
                hint="Remount it writable, or choose another location.",
            )
    return NotPermittedError(
        f"The backup location {location} is not writable for {user_name()}.",
        hint="Run as root or as Kino's own user.",
    )


def _marker_problem(location: Path, known: str | None, default: Path) -> KinoBackupError | None:
    try:
        found = read_marker(location)
    except KinoBackupError as error:
        return error
    if known is None:
        if found is not None or location == default:
            return None
        return UnknownLocationError(f"The backup location {location} has not been used before.", hint=_ACCEPT)
    if found == known:
        return None
    what = f"carries the id {found}" if found else "carries no id"
    return UnknownLocationError(
        f"The backup location {location} is not the one used so far: it {what}, expected was {known}. "
        "Another disk may be mounted there, or none.",
        hint=f"Mount the right one. {_ACCEPT}",
    )


def _mark(location: Path, owner: Owner) -> str:
    """Give a location an id, or return the one that another Kino has given it meanwhile.

    Everybody may read the marker: a Kino of another user knows the location by it, too.
    """
    import uuid  # a listing does without it

    path = location / MARKER
    with storage_errors(path, "mark the backup location with"):
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(os.open(path, flags, _MARKER_MODE), "r+b", buffering=0) as stream:
            with contextlib.suppress(OSError):  # not on every file system
                fcntl.flock(stream.fileno(), fcntl.LOCK_EX)
            marker = _marker_in(stream)
            if marker is None:
                marker = str(uuid.uuid4())
                owner.take(stream.fileno())
                with contextlib.suppress(OSError):
                    os.fchmod(stream.fileno(), _MARKER_MODE)
                stream.write(f"{marker}\n".encode())
                os.fsync(stream.fileno())
        sync_folder(location)
    return marker


def _marker_in(stream: BinaryIO) -> str | None:
    text = stream.read(_LONGEST_MARKER).decode("ascii", "backslashreplace").strip()
    return text or None
