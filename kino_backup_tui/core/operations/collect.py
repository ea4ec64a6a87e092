"""Copies of everything a backup holds, as they were at one moment, in a scratch folder."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from kino_backup_tui.core.archive.manifest import Content, LeftOut
from kino_backup_tui.core.archive.members import is_content_path
from kino_backup_tui.core.archive.snapshot import copy_unwritable, database_size, snapshot_database
from kino_backup_tui.core.archive.writer import CHUNK_BYTES
from kino_backup_tui.core.errors import BusyError
from kino_backup_tui.core.files import create_private, is_read_only, make_private_folder, storage_errors
from kino_backup_tui.core.jobs.job import Job
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.operations.space import Space
from kino_backup_tui.core.progress import Stage

_TRIES = 3
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEVER_SAVED = {
    "trickplay": "regenerated from the media files",
    "fingerprints": "regenerated from the media files",
    "transcode": "transcoder cache",
    "transcode-temp": "transcoder cache",
    "cache": "cache",
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


def collect(kino: Kino, scratch: Path, job: Job, space: Space) -> Collected:
    """Copy the database, config.toml and secrets/ into the scratch folder.

    A link, device or oddly named file among the secrets is left out, which is noted and warned of.
    Raises `NotFoundError`, `NotPermittedError`, `NoSpaceError`, `BusyError` (a file that keeps changing),
    `DatabaseDamagedError`, `OperationCancelledError`.
    """
    left_out: list[LeftOut] = []
    files = [path for path in _small_files(kino, left_out) if _copy(kino, path, scratch, left_out)]
    warnings = [f"{item.path} is not in the backup: {item.reason}." for item in left_out]
    left_out += [
        LeftOut(f"{name}/", reason)
        for name, reason in _NEVER_SAVED.items()
        if (kino.data_path / name).is_dir()
    ]
    database = kino.layout.database
    _copy_database(kino, scratch / database, job, space)
    return Collected(
        scratch=scratch,
        paths=tuple(sorted([*files, database])),
        database=scratch / database,
        left_out=tuple(left_out),
        warnings=tuple(warnings),
    )


def _copy_database(kino: Kino, copy: Path, job: Job, space: Space) -> None:
    with storage_errors(kino.database, "look at"):
        frozen = is_read_only(kino.data_path) and kino.database.exists()
        size = kino.database.stat().st_size if frozen else database_size(kino.database)
    space.require(copy.parent, size, "A copy of the database")
    job.stage(Stage.DATABASE_SNAPSHOT, size)
    if frozen:
        copy_unwritable(kino.database, copy)
    else:
        snapshot_database(kino.database, copy, job.reach)


def hash_contents(collected: Collected, job: Job) -> tuple[Content, ...]:
    """Size and SHA-256 of each member. Raises `OperationCancelledError`."""
    files = [(path, collected.scratch / path) for path in collected.paths]
    job.stage(Stage.HASHING, sum(file.stat().st_size for _, file in files))
    return tuple(_hashed(path, file, job) for path, file in files)


def _small_files(kino: Kino, left_out: list[LeftOut]) -> Iterator[str]:
    """The names, relative to the data path, of config and secrets."""
    if kino.layout.config is not None:
        if os.path.lexists(kino.config_file):
            yield kino.layout.config
        else:
            left_out.append(LeftOut(kino.layout.config, "there is none"))
    if kino.layout.secrets is not None and os.path.lexists(kino.secrets):
        yield from _secret_names(kino, left_out)


def _secret_names(kino: Kino, left_out: list[LeftOut]) -> Iterator[str]:
    if kino.secrets.is_symlink() or not kino.secrets.is_dir():
        left_out.append(LeftOut(str(kino.layout.secrets), "it is not a folder"))
        return

    def refuse(error: OSError) -> None:
        raise error

    with storage_errors(kino.secrets, "read"):
        for folder, folders, names in os.walk(kino.secrets, onerror=refuse):
            folders.sort()
            links = [name for name in folders if (Path(folder) / name).is_symlink()]
            for name in sorted(names + links):
                path = (Path(folder) / name).relative_to(kino.data_path).as_posix()
                if is_content_path(path):
                    yield path
                else:
                    shown = path.encode("utf-8", "backslashreplace").decode()
                    left_out.append(LeftOut(shown, "its name cannot be stored safely"))


def _copy(kino: Kino, path: str, scratch: Path, left_out: list[LeftOut]) -> bool:
    """Copy a small file; False if it is not a regular file. Read again until two reads agree."""
    target = scratch / path
    parts = Path(path).parts[:-1]
    for depth in range(len(parts)):
        make_private_folder(scratch.joinpath(*parts[: depth + 1]), kino.owner)
    with storage_errors(kino.data_path / path, "read"):
        before = b""
        for _ in range(_TRIES):
            data = _read_regular(kino.data_path, path)
            if data is None:
                left_out.append(LeftOut(path, "it is not a regular file"))
                return False
            digest = hashlib.sha256(data).digest()
            if digest == before:
                break
            before = digest
        else:
            raise BusyError(f"{kino.data_path / path} keeps changing.", hint="Try again in a moment.")
    with storage_errors(target, "copy to"), create_private(target, kino.owner) as stream:
        stream.write(data)
    return True


def _read_regular(root: Path, path: str) -> bytes | None:
    """A file's bytes; None for anything else. No link is followed below the root: others may write there."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name in Path(path).parts:
            try:
                deeper = os.open(name, _OPEN, dir_fd=descriptor)
            except OSError as error:
                if error.errno in (errno.ELOOP, errno.ENXIO):
                    return None
                raise
            os.close(descriptor)
            descriptor = deeper
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        with os.fdopen(os.dup(descriptor), "rb") as stream:
            return stream.read()
    finally:
        os.close(descriptor)


def _hashed(path: str, file: Path, job: Job) -> Content:
    digest = hashlib.sha256()
    size = 0
    with file.open("rb", buffering=0) as stream:
        while piece := stream.read(CHUNK_BYTES):
            digest.update(piece)
            size += len(piece)
            job.advance(len(piece))
    return Content(path, size, digest.hexdigest())
