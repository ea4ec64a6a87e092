"""export: a copy of a backup somewhere else."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import BinaryIO

from kino_backup_tui.core.archive.writer import CHUNK_BYTES
from kino_backup_tui.core.errors import ArchiveDamagedError, LocationError, NotFoundError, UsageError
from kino_backup_tui.core.files import Owner, open_regular, storage_errors
from kino_backup_tui.core.jobs.job import Job, run_unlocked
from kino_backup_tui.core.models import Backup, EntryRole
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.digest import digest_of
from kino_backup_tui.core.operations.publish import partial_file, sweep_partial
from kino_backup_tui.core.operations.space import Space
from kino_backup_tui.core.progress import Control, Stage


def export_backup(context: Context, backup: Backup, destination: Path | str, control: Control) -> Path:
    """Copy the archive to a new file, or into a folder, and compare what was written; return its path.

    A text that ends with a slash names a folder, which must be there; a `Path` cannot say that.
    Raises `NotFoundError` for a backup without a file, `UsageError` if the target exists,
    `ArchiveDamagedError` if the copy differs, `NoSpaceError`, `LocationError`, `NotPermittedError`,
    `OperationCancelledError`; a half copy is removed.
    """
    if backup.role is EntryRole.MISSING:
        raise NotFoundError(f"{backup.filename} has no file. {backup.problem}")
    target = _target(destination, backup)
    folder = target.parent
    sweep_partial(folder, target.name)
    if os.path.lexists(target):
        raise UsageError(f"{target} exists.", hint="Nothing is overwritten: choose another name.")
    with run_unlocked("export", context.clock, control) as job:
        with storage_errors(backup.path, "read"):
            source = open_regular(backup.path)
        with source:
            Space(context.kino.data_path, use_reserve=None).require(folder, backup.size_bytes, "The copy")
            # The copy is the caller's, not Kino's.
            caller = Owner(os.geteuid(), os.getegid())
            with partial_file(folder, target.name, caller) as partial:
                written = _copy(source, partial.stream, backup, job)
                partial.sync()
                job.stage(Stage.READING_BACK, backup.size_bytes)
                if digest_of(partial.stream, job) != written:
                    raise ArchiveDamagedError(
                        f"The copy at {target} differs from what was written.", hint="Check that disk."
                    )
                path, _ = partial.publish()
        job.message = str(path)
        return path


def _target(destination: Path | str, backup: Backup) -> Path:
    path = Path(destination)
    if _is_folder(path):
        return path / backup.filename
    names_folder = os.path.basename(destination) in ("", ".", "..")  # noqa: PTH119 - a Path drops the slash
    folder = path if names_folder else path.parent
    if names_folder or not _is_folder(folder):
        raise LocationError(f"There is no folder {folder}.", hint="Create it first, or choose another.")
    return path


def _is_folder(path: Path) -> bool:
    with storage_errors(path, "look at"):
        try:
            return stat.S_ISDIR(path.stat().st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False


def _copy(source: BinaryIO, target: BinaryIO, backup: Backup, job: Job) -> str:
    job.stage(Stage.COPYING, backup.size_bytes)
    digest = hashlib.sha256()
    while True:
        with storage_errors(backup.path, "read"):
            piece = source.read(CHUNK_BYTES)
        if not piece:
            return digest.hexdigest()
        digest.update(piece)
        target.write(piece)
        job.advance(len(piece))
