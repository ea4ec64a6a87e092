"""Copies of everything a backup holds, as they were at one moment, in a scratch folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from kino_backup_tui.core.archive.manifest import Content, LeftOut
from kino_backup_tui.core.archive.snapshot import (
    copy_as_found,
    copy_unwritable,
    database_size,
    found_files,
    snapshot_database,
)
from kino_backup_tui.core.errors import NotPermittedError
from kino_backup_tui.core.files import is_foreign_link, is_read_only, storage_errors
from kino_backup_tui.core.jobs.job import Job
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.operations.digest import digest_of
from kino_backup_tui.core.operations.small_files import copy_small_files
from kino_backup_tui.core.operations.space import Space
from kino_backup_tui.core.progress import Stage

_NEVER_SAVED = {
    "trickplay": "regenerated from the media files",
    "fingerprints": "regenerated from the media files",
    "transcode": "transcoder cache",
    "transcode-temp": "transcoder cache",
    "cache": "cache",
    "images": "cache",
    "librqbit": "torrents in progress, which belong to their files",
    "log": "logs",
    "logs": "logs",
}
"""Kino's documentation, "What is not included"."""


class Collected(NamedTuple):
    """Copies in a scratch folder, and what could not be copied."""

    scratch: Path
    paths: tuple[str, ...]
    """Names of the members, sorted; below `scratch` here, in the archive later."""
    database: Path
    left_out: tuple[LeftOut, ...]
    warnings: tuple[str, ...]


def collect(
    kino: Kino, scratch: Path, job: Job, space: Space, *, lenient: bool = False, raw: bool = False
) -> Collected:
    """Copy the database, config.toml and secrets/ into the scratch folder.

    A link, device or oddly named file among the secrets is left out, which is noted and warned of; if
    `lenient`, an unreadable one, too. With `raw` the database is not read by SQLite but copied as it is,
    with the files beside it; nobody may have it open then.
    Raises `NotFoundError`, `NotPermittedError`, `NoSpaceError`, `BusyError` (a file that keeps changing),
    `DatabaseDamagedError`, `OperationCancelledError`.
    """
    left_out: list[LeftOut] = []
    files = copy_small_files(kino, scratch, left_out, job, space, lenient=lenient)
    warnings = [f"{item.path} is not in the backup: {item.reason}." for item in left_out]
    left_out += [
        LeftOut(f"{name}/", reason)
        for name, reason in _NEVER_SAVED.items()
        if os.path.isdir(kino.data_path / name)  # noqa: PTH112 - a Path may raise
    ]
    database = scratch / kino.layout.database
    copies = (_copy_as_found if raw else _copy_database)(kino, database, job, space)
    return Collected(
        scratch=scratch,
        paths=tuple(sorted([*files, *(copy.name for copy in copies)])),
        database=database,
        left_out=tuple(left_out),
        warnings=tuple(warnings),
    )


def _copy_database(kino: Kino, copy: Path, job: Job, space: Space) -> list[Path]:
    _refuse_foreign_link(kino)
    with storage_errors(kino.database, "look at"):
        frozen = is_read_only(kino.data_path) and kino.database.exists()
        size = kino.database.stat().st_size if frozen else database_size(kino.database)
    space.require(copy.parent, size, "A copy of the database")
    job.stage(Stage.DATABASE_SNAPSHOT, size)
    if frozen:
        copy_unwritable(kino.database, copy, job.cancel.raise_if_cancelled)
    else:
        snapshot_database(kino.database, copy, job.reach)
    return [copy]


def _copy_as_found(kino: Kino, copy: Path, job: Job, space: Space) -> list[Path]:
    _refuse_foreign_link(kino)
    with storage_errors(kino.database, "look at"):
        size = sum(file.lstat().st_size for file in found_files(kino.database).values())
    space.require(copy.parent, size, "A copy of the database")
    job.stage(Stage.DATABASE_SNAPSHOT, size)
    return copy_as_found(kino.database, copy, job.cancel.raise_if_cancelled)


def _refuse_foreign_link(kino: Kino) -> None:
    """Root would follow a link that Kino's user planted to another user's database."""
    with storage_errors(kino.database, "look at"):
        if is_foreign_link(kino.database):
            raise NotPermittedError(f"{kino.database} is a link to another user's file.")


def hash_contents(collected: Collected, job: Job) -> tuple[Content, ...]:
    """Size and SHA-256 of each member. Raises `OperationCancelledError`."""
    files = [(path, collected.scratch / path) for path in collected.paths]
    job.stage(Stage.HASHING, sum(file.stat().st_size for _, file in files))
    return tuple(_hashed(path, file, job) for path, file in files)


def _hashed(path: str, file: Path, job: Job) -> Content:
    with storage_errors(file, "read"), file.open("rb", buffering=0) as stream:
        digest = digest_of(stream, job)
        return Content(path, stream.tell(), digest)
