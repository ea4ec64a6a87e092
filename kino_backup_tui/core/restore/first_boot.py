"""What Kino is expected to do at its first start on a restored database, before it answers anybody.

Kino 0.3 takes the database for the truth: torrents and downloads it does not know of are removed with their
files, and media whose file is not there are forgotten. As Kino's documentation describes it, files of the
library are not looked for at a start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from kino_backup_tui.core.archive.apart import rows_apart
from kino_backup_tui.core.archive.snapshot import copy_as_found
from kino_backup_tui.core.errors import KinoBackupError, LibraryMissingError, OperationCancelledError
from kino_backup_tui.core.kino.home import Layout
from kino_backup_tui.core.kino.path_map import Mounted
from kino_backup_tui.core.kino.rows import Columns, Row, Rows, Wanted, live_rows
from kino_backup_tui.core.kino.torrents import Torrent
from kino_backup_tui.core.progress import CancelToken
from kino_backup_tui.core.restore.looking import Seen, look_at
from kino_backup_tui.core.workspace import Workspace

MOST_CHECKED = 1000
"""With more media than that, Kino looks for none of them at its start."""
OPTION = "--library-missing-ok"

_NAMED = 3
_PATIENCE_SECONDS = 3.0
_MOST_DOWNLOADS = 200_000
_BROKEN_OFF = {"grabbing", "importing"}
_SETTINGS = (
    "api_key",
    "listen_port",
    "base_url",
    "data_path",
    "media_library_path",
    "download_path",
    "backup_schedule",
    "backup_time",
    "backup_location_path",
    "backup_retention_count",
)
_WANTED: Wanted = {
    "config": Columns(_SETTINGS, 1),
    "download": Columns(("title", "state", "torrent_hash", "output_path"), _MOST_DOWNLOADS),
    "media": Columns(("file_path",), MOST_CHECKED + 1),
}


@dataclass(frozen=True, slots=True)
class Removal:
    """Files that Kino deletes."""

    title: str
    folder: Path | None
    """Where they are on this host; None for a place that only Kino's container has."""
    size_bytes: int | None
    """None if that is not known."""


@dataclass(frozen=True, slots=True)
class Library:
    """The files of the media that the database knows."""

    folder: str
    """As Kino calls it."""
    entries: int
    """Media in the database; one more than the most that Kino looks for stands for many."""
    missing: int
    """Those whose file is not there now."""
    examples: tuple[str, ...]
    """Some of these files, as Kino calls them."""
    problem: str
    """Why the library as a whole is not there, as a clause; empty if it is."""
    place: Path | None = None
    """Where the folder is on this host, if that is called otherwise."""

    @property
    def forgets(self) -> int:
        """How many of them Kino forgets."""
        return self.missing if self.entries <= MOST_CHECKED else 0


@dataclass(frozen=True, slots=True)
class FirstBoot:
    """What Kino does, as far as it can be told."""

    torrents: tuple[Removal, ...] | None = ()
    """Removed because no download of the database names them; None if the session cannot be read."""
    downloads: tuple[Removal, ...] = ()
    """Files of downloads that the database has as finished."""
    broken_off: int = 0
    """Downloads in the middle of something, or waiting for a torrent that is gone: they count as failed."""
    library: Library | None = None
    """None if no media are known, or no library is set."""


class Host(NamedTuple):
    """This host, as Kino sees it."""

    mounts: Sequence[Mounted] = ()
    """Folders of Kino's container; without any, it sees what we see."""

    def path(self, stored: object) -> Path | None:
        """Where a path of Kino's is on this host; None if it is nowhere."""
        if not isinstance(stored, str) or not stored.startswith("/"):
            return None
        if not self.mounts:
            return Path(stored)
        over = [each for each in self.mounts if Path(stored).is_relative_to(each.kino)]
        nearest = max(over, key=lambda each: len(each.kino), default=None)
        return nearest.host / Path(stored).relative_to(nearest.kino) if nearest else None


def wanted_rows(layout: Layout) -> Wanted:
    """What of a database has to be read for all this; nothing where Kino does nothing of the kind."""
    return _WANTED if layout.tidies_at_start else {}


def foresee(
    rows: Rows, torrents: Sequence[Torrent] | None, host: Host, cancel: CancelToken
) -> FirstBoot | None:
    """Tell it from those rows and the torrents of the session; None without rows.

    Looks for the files on the disks, which may take half a minute. Raises `OperationCancelledError`.
    """
    if not rows:
        return None
    downloads = rows.get("download", [])
    known = {_hash(row) for row in downloads}
    unknown = [torrent for torrent in torrents or () if torrent.info_hash not in known]
    in_session = {torrent.info_hash for torrent in torrents or ()}
    finished = _finished(downloads, in_session)
    media, folder = rows.get("media", []), _library_path(rows)
    files = [host.path(row.get("file_path")) for row in media] if folder else []
    outputs = [host.path(row["output_path"]) for row in finished]
    places = [host.path(torrent.output_folder) for torrent in unknown]
    seen = look_at(host.path(folder), [*files, *outputs], [*places, *outputs], cancel)
    sizes = seen.sizes if seen else (None,) * len([*places, *outputs])
    gone = {place - len(files) for place in seen.missing} if seen else set()
    removed = (
        Removal(_title(torrent.output_folder) or torrent.info_hash, place, size)
        for torrent, place, size in zip(unknown, places, sizes, strict=False)
    )
    deleted = (
        Removal(str(row.get("title") or _title(row["output_path"])), place, size)
        for row, place, size in zip(finished, outputs, sizes[len(places) :], strict=True)
    )
    return FirstBoot(
        torrents=None if torrents is None else tuple(removed),
        downloads=tuple(each for number, each in enumerate(deleted) if seen and number not in gone),
        broken_off=sum(_is_broken_off(row, in_session) for row in downloads),
        library=_library(folder, host, media, seen) if folder and media else None,
    )


def library_problem(boot: FirstBoot | None) -> LibraryMissingError | None:
    """Why Kino must not start on that database now, unless the admin says so; None if it may."""
    library = boot.library if boot else None
    if library is None or not library.problem:
        return None
    if library.entries <= MOST_CHECKED:
        what = f"would forget {library.missing:,} of its {library.entries:,} media at its start"
    else:
        what = "would start without its library"
    here = f" ({library.place} on this host)" if library.place else ""
    return LibraryMissingError(
        f"The library {library.folder}{here} {library.problem}: Kino {what}.",
        hint=f"Mount it, then try again; or let Kino start without it, with {OPTION}.",
    )


def is_set_up(rows: Rows) -> bool:
    """Whether the database is that of a Kino that was set up; with an empty one, it asks for that."""
    return bool(_library_path(rows))


def rows_at_rest(database: Path, layout: Layout, workspace: Workspace, cancel: CancelToken) -> Rows:
    """What `foresee` needs of a database that nobody uses; nothing of one that cannot be read.

    Read as if it were hostile, unless it has a log: such a one was Kino's own, and is read beside its log.
    With the journal of half a transaction it cannot be read before that is rolled back, which is done to a
    copy. Raises `OperationCancelledError`.
    """
    wanted = wanted_rows(layout)
    if not wanted:
        return {}
    try:
        if _is_filled(database.with_name(f"{database.name}-journal")):
            with workspace.scratch_folder() as scratch:
                copy_as_found(database, scratch / database.name, cancel.raise_if_cancelled)
                return rows_apart(scratch / database.name, wanted, cancel)
        if _is_filled(database.with_name(f"{database.name}-wal")):
            return live_rows(database, wanted, _PATIENCE_SECONDS)
        return rows_apart(database, wanted, cancel)
    except OperationCancelledError:
        raise
    except (KinoBackupError, OSError):
        return {}  # what is wrong with it, others say


def _is_filled(log: Path) -> bool:
    return log.exists() and bool(log.stat().st_size)


def look_for_library(rows: Rows, host: Host, cancel: CancelToken) -> LibraryMissingError | None:
    """The same, from the rows alone and without anything else: for the moment before a start."""
    return library_problem(foresee({**rows, "download": []}, (), host, cancel) if rows else None)


def differing_settings(now: Row, then: Row) -> list[tuple[str, object, object]]:
    """Settings of the row `config` by which Kino is reached, or finds its files, and that differ."""
    return [
        (name, now.get(name), then.get(name))
        for name in _SETTINGS
        if name in then and now.get(name) != then.get(name)
    ]


def _hash(row: Row) -> str:
    return str(row.get("torrent_hash") or "").lower()


def _is_broken_off(row: Row, torrents: set[str]) -> bool:
    state = row.get("state")
    return state in _BROKEN_OFF or (state == "stalled" and _hash(row) not in torrents)


def _finished(downloads: Sequence[Row], torrents: set[str]) -> list[Row]:
    """Downloads whose output Kino deletes: imported ones, and seeding ones that have no torrent any more."""

    def is_finished(row: Row) -> bool:
        state = row.get("state")
        return state == "imported" or (state == "seeding" and _hash(row) not in torrents)

    return [row for row in downloads if row.get("output_path") and is_finished(row)]


def _library_path(rows: Rows) -> str:
    config = rows.get("config") or [{}]
    return str(config[0].get("media_library_path") or "")


def _title(path: object) -> str:
    return str(path).rstrip("/").rpartition("/")[2]


def _library(folder: str, host: Host, media: Sequence[Row], seen: Seen | None) -> Library:
    checked, place = len(media), host.path(folder)
    elsewhere = place if place != Path(folder) else None
    if seen is None:
        return Library(folder, checked, checked, (), "does not answer", elsewhere)
    missing = [str(media[place].get("file_path")) for place in seen.missing if place < checked]
    if place is None:
        problem = "is not mounted into Kino's container"
    elif seen.problem and missing:
        problem = seen.problem
    elif len(missing) * 2 > checked:
        problem = f"holds {'none' if len(missing) == checked else 'less than half'} of its files"
    else:
        problem = ""
    return Library(folder, checked, len(missing), tuple(missing[:_NAMED]), problem, elsewhere)
