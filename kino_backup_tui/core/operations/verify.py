"""verify: prove a backup by reading all of it."""

from __future__ import annotations

import os

from kino_backup_tui.core.errors import ArchiveError, ArchiveRefusedError, IncompatibleError
from kino_backup_tui.core.files import open_regular, storage_errors
from kino_backup_tui.core.jobs.job import run_unlocked
from kino_backup_tui.core.models import Backup, BackupStatus, EntryRole
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.index_view import listed_problem
from kino_backup_tui.core.operations.proving import named, prove_archive, remember_proven
from kino_backup_tui.core.operations.session import open_session
from kino_backup_tui.core.operations.space import Space
from kino_backup_tui.core.progress import Control


def verify_backup(context: Context, backup: Backup, control: Control) -> Backup:
    """Read a backup to its end and remember the result; return it as verified.

    Checked are gzip, every digest, SQLite's integrity and the row counts, and what Kino's own list says of
    the file. One of Kino's records no digests: there is nothing else to compare it with. A raw one is
    returned unverified, with what it is as its problem: every digest fits, and its database was not sound
    when it was saved.
    Raises `ArchiveDamagedError`, `ArchiveRefusedError` or `DatabaseDamagedError` (remembered as damaged),
    `IncompatibleError`, `NotPermittedError`, `NoSpaceError`, `OperationCancelledError`.
    """
    session = open_session(context)
    if backup.role is not EntryRole.BACKUP:
        raise ArchiveRefusedError(f"{backup.filename} is not a backup. {backup.problem}")
    with run_unlocked("verify", context.clock, control) as job:
        space = Space(context.kino.data_path, use_reserve=None)
        with storage_errors(backup.path, "read"):
            archive = open_regular(backup.path)
        with archive:
            read = os.fstat(archive.fileno())
            try:
                result = prove_archive(session, archive, backup.path, backup.size_bytes, job, space)
                if (differs := listed_problem(session, backup.path, result)) is not None:
                    raise differs
            except ArchiveError as error:
                session.remember(
                    backup.path,
                    read,
                    BackupStatus.DAMAGED,
                    manifest=backup.manifest,
                    problem=error.message,
                    elsewhere=backup.elsewhere,
                )
                raise named(error, backup.filename) from error
            except IncompatibleError as error:
                raise named(error, backup.filename) from error
        return remember_proven(
            context,
            session,
            backup.path,
            read,
            result.manifest,
            result.checksum_sha256,
            elsewhere=backup.elsewhere,
        )
