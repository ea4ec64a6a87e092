"""Proving an archive by reading all of it: what verify and import have in common."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, TypeVar

from kino_backup_tui.core.archive.verify import ReadArchive, prove_database, read_archive
from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.files import create_private, storage_errors
from kino_backup_tui.core.jobs.job import Job
from kino_backup_tui.core.operations.session import Session
from kino_backup_tui.core.operations.space import Space
from kino_backup_tui.core.progress import Stage


def prove_archive(
    session: Session, archive: BinaryIO, path: Path, size: int, job: Job, space: Space
) -> ReadArchive:
    """Read an archive to its end: gzip, every digest, SQLite's integrity, migrations and row counts.

    The database is unpacked into the scratch folder for it. Raises `ArchiveDamagedError`,
    `ArchiveRefusedError`, `DatabaseDamagedError`, `IncompatibleError`, `NoSpaceError`,
    `OperationCancelledError`.
    """
    with session.workspace.scratch_folder() as scratch:
        copy = scratch / "database"

        def take_database(database_bytes: int) -> BinaryIO:
            space.require(scratch, database_bytes, "Checking the database")
            return create_private(copy, session.workspace.owner)

        job.stage(Stage.READING, size)
        with storage_errors(path, "read"):
            result = read_archive(archive, job.advance, take_database)
        job.stage(Stage.CHECKING_DATABASE)
        prove_database(copy, result.manifest, job.cancel)
        return result


_E = TypeVar("_E", bound=KinoBackupError)


def named(error: _E, name: str) -> _E:
    """The same error with the name of the file in front."""
    return type(error)(f"{name}: {error.message}", hint=error.hint)
