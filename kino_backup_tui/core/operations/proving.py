"""Proving an archive by reading all of it: what verify, import and move have in common."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO, TypeVar

from kino_backup_tui.core.archive.manifest import Manifest, is_raw
from kino_backup_tui.core.archive.members import is_database
from kino_backup_tui.core.archive.verify import ReadArchive, prove_database, read_archive
from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.files import create_private, storage_errors
from kino_backup_tui.core.jobs.job import Job
from kino_backup_tui.core.models import Backup, BackupStatus
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.session import Session
from kino_backup_tui.core.operations.space import Space
from kino_backup_tui.core.progress import Stage


def prove_archive(
    session: Session, archive: BinaryIO, path: Path, size: int, job: Job, space: Space
) -> ReadArchive:
    """Read an archive to its end: gzip, every digest, SQLite's integrity, migrations and row counts.

    The database is unpacked into the scratch folder for it. That of a raw archive was not sound when it was
    saved: every digest shows that it is what it was, and no more is asked. Raises `ArchiveDamagedError`,
    `ArchiveRefusedError`, `DatabaseDamagedError`, `IncompatibleError`, `NoSpaceError`,
    `OperationCancelledError`.
    """
    with session.workspace.scratch_folder() as scratch:
        copy = scratch / "database"

        def take_database(member: str, member_bytes: int) -> AbstractContextManager[BinaryIO | None]:
            if not is_database(member):
                return nullcontext()
            space.require(scratch, member_bytes, "Checking the database")
            return create_private(copy, session.workspace.owner)

        job.stage(Stage.READING, size)
        with storage_errors(path, "read"):
            result = read_archive(archive, job.advance, take_database)
        if is_raw(result.manifest):
            return result
        job.stage(Stage.CHECKING_DATABASE)
        prove_database(copy, result.manifest, job.cancel)
        return result


def proven_status(manifest: Manifest) -> BackupStatus:
    """What is known of an archive of which every digest fits, and the database in it unless that is raw."""
    return BackupStatus.UNVERIFIED if is_raw(manifest) else BackupStatus.VERIFIED


def remember_proven(
    context: Context,
    session: Session,
    path: Path,
    read: os.stat_result,
    manifest: Manifest,
    checksum_sha256: str,
    *,
    elsewhere: bool = False,
) -> Backup:
    """Note that an archive has been proven now, as far as one of its kind can be; see `Session.remember`."""
    status = proven_status(manifest)
    return session.remember(
        path,
        read,
        status,
        manifest=manifest,
        checksum_sha256=checksum_sha256,
        verified_at=context.clock.now() if status is BackupStatus.VERIFIED else None,
        elsewhere=elsewhere,
    )


_E = TypeVar("_E", bound=KinoBackupError)


def named(error: _E, name: str) -> _E:
    """The same error with the name of the file in front."""
    return type(error)(f"{name}: {error.message}", hint=error.hint)
