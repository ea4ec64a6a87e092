"""What has been read of each archive, so that it need not be read again.

An entry holds for one state of one file: inode, size, and both times to the nanosecond. The cache can be
deleted at any time; archives are unverified then until they are read again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from kino_backup_tui.core.archive.manifest import Manifest
from kino_backup_tui.core.catalog.garbage import no_search_for_garbage
from kino_backup_tui.core.catalog.shapes import Shapes
from kino_backup_tui.core.models import BackupStatus
from kino_backup_tui.core.progress import CancelToken
from kino_backup_tui.core.workspace import Workspace, best_effort, write_json

_VERSION = 2
_POLL_SECONDS = 0.1
_GATHERING_SECONDS = 1.0
_STATUSES = {status.value: status for status in BackupStatus}

Fingerprint = tuple[int, int, int, int]


class Known(NamedTuple):
    """What is known of an archive file in one state."""

    fingerprint: Fingerprint
    status: BackupStatus = BackupStatus.UNVERIFIED
    manifest: Manifest | None = None
    checksum_sha256: str | None = None
    verified_at: datetime | None = None
    problem: str = ""


def fingerprint_of(status: os.stat_result) -> Fingerprint:
    """What changes when a file is replaced or altered."""
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


class Cache:
    """The catalogue's memory, kept in catalog.json."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._gathered: list[tuple[Path, Known]] = []
        self._write_at: float | None = None
        self._load()

    def get(self, folder: str, name: str, fingerprint: Fingerprint) -> Known | None:
        """What is known of a file, if it has not changed since."""
        known = self._decode(self._entries.get(folder, {}).get(name))
        return known if known is not None and known.fingerprint == fingerprint else None

    def remember(self, known: Iterable[tuple[Path, Known]], *, glimpsed: bool = False) -> None:
        """Add entries and write the file; what other processes added meanwhile stays. Best effort.

        `glimpsed` entries come from a listing: they give way to what is known of the same state of the file,
        as what does not say that it is verified always does to what says so.
        """
        if self._write_at is None or glimpsed:
            self._write(list(known), glimpsed=glimpsed)
            return
        self._gathered += known
        if time.monotonic() >= self._write_at:
            self._write_gathered()

    @contextlib.contextmanager
    def gathering(self) -> Iterator[None]:
        """Write what is remembered meanwhile once a second and at the end, whatever ends it.

        For whoever reads many archives: it is the whole file that is written each time. Not before does `get`
        tell of it.
        """
        self._write_gathered()
        try:
            yield
        finally:
            self._write_gathered()
            self._write_at = None

    def _write_gathered(self) -> None:
        gathered, self._gathered = self._gathered, []
        self._write(gathered)
        self._write_at = time.monotonic() + _GATHERING_SECONDS

    def _write(self, fresh: Sequence[tuple[Path, Known]], *, glimpsed: bool = False) -> None:
        if not fresh:
            return
        with best_effort():
            self._workspace.ensure()
            with _alone(self._workspace):
                self._load()
                for path, entry in fresh:
                    entries = self._entries.setdefault(str(path.parent), {})
                    present = self._decode(entries.get(path.name))
                    if not (present and _gives_way(entry, present, glimpsed=glimpsed)):
                        entries[path.name] = self._encode(entry)
                self._save()

    def forget_missing(self, location: Path, present: set[str]) -> None:
        """Drop entries of files that are no longer in a location. Best effort.

        If none of the files is there, another disk is mounted in its place, or none: it will be back.
        """
        known = self._entries.get(str(location), {}).keys()
        if known <= present or not known & present:
            return
        with best_effort(), _alone(self._workspace):
            self._load()
            entries = self._entries.get(str(location), {})
            self._entries[str(location)] = {name: entries[name] for name in entries.keys() & present}
            self._save()

    @no_search_for_garbage()
    def _load(self) -> None:
        document = self._workspace.read(self._workspace.catalog_file.name)
        locations = document.get("locations")
        if document.get("version") != _VERSION or not isinstance(locations, dict):
            locations = {}
        self._shapes = Shapes(document.get("shapes"))
        self._entries: dict[str, dict[str, Any]] = {
            path: entries for path, entries in locations.items() if isinstance(entries, dict)
        }

    def _save(self) -> None:
        used = (fields for entries in self._entries.values() for fields in entries.values())
        document = {
            "version": _VERSION,
            "shapes": self._shapes.stored(map(_manifest_of, used)),
            "locations": self._entries,
        }
        write_json(self._workspace.catalog_file, document, self._workspace.owner, durable=False)

    def _encode(self, known: Known) -> dict[str, Any]:
        fields: dict[str, Any] = {"f": list(known.fingerprint), "s": known.status.value}
        if known.manifest is not None:
            fields["m"] = self._shapes.encode(known.manifest)
        if known.checksum_sha256 is not None:
            fields["c"] = known.checksum_sha256
        if known.verified_at is not None:
            fields["v"] = known.verified_at.isoformat()
        if known.problem:
            fields["p"] = known.problem
        return fields

    def _decode(self, fields: Any) -> Known | None:
        """An entry as it was remembered; None if there is none, or it is garbage."""
        try:
            return Known(
                fingerprint=tuple(fields["f"]),
                status=_STATUSES[fields["s"]],
                manifest=self._shapes.decode(fields["m"]) if "m" in fields else None,
                checksum_sha256=fields.get("c"),
                verified_at=datetime.fromisoformat(fields["v"]) if "v" in fields else None,
                problem=fields.get("p", ""),
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            return None


def _gives_way(entry: Known, present: Known, *, glimpsed: bool) -> bool:
    """Whether what is known already stays: it may have been found out since the archive was looked at."""
    proven = present.status is BackupStatus.VERIFIED and entry.status is BackupStatus.UNVERIFIED
    return entry.fingerprint == present.fingerprint and (glimpsed or proven)


def _manifest_of(fields: Any) -> Any:
    return fields.get("m") if isinstance(fields, dict) else None


@contextlib.contextmanager
def reading_alone(workspace: Workspace, cancel: CancelToken) -> Iterator[None]:
    """Wait until no other process reads archives for the cache, and keep others from it. Best effort.

    What is not known yet may be known after the wait. Raises `OperationCancelledError`.
    """
    with contextlib.ExitStack() as stack:
        descriptor = None
        with best_effort():
            workspace.ensure()
            descriptor = _open_lock(workspace, ".reading")
            stack.callback(os.close, descriptor)
        while descriptor is not None and not _taken(descriptor):
            cancel.raise_if_cancelled()
            time.sleep(_POLL_SECONDS)
        yield


def _taken(lock: int) -> bool:
    """Whether the lock is ours, or cannot be anybody's; False as long as somebody else has it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


@contextlib.contextmanager
def _alone(workspace: Workspace) -> Iterator[None]:
    """Keep other processes from writing the cache between our reading and writing it."""
    descriptor = _open_lock(workspace, ".lock")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _open_lock(workspace: Workspace, suffix: str) -> int:
    path = workspace.catalog_file.with_suffix(suffix)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    workspace.owner.take(descriptor)
    return descriptor
