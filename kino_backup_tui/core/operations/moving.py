"""Moving one backup: what `move` does with each, and what becomes of those that stay."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn

from kino_backup_tui.core.archive.manifest import Manifest
from kino_backup_tui.core.archive.names import SUFFIX
from kino_backup_tui.core.archive.writer import CHUNK_BYTES
from kino_backup_tui.core.catalog.cache import fingerprint_of
from kino_backup_tui.core.errors import ArchiveDamagedError, ArchiveError, IncompatibleError
from kino_backup_tui.core.files import open_regular, storage_error, storage_errors, sync_descriptor
from kino_backup_tui.core.jobs.job import Job
from kino_backup_tui.core.models import Backup, BackupStatus
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.digest import digest_of
from kino_backup_tui.core.operations.indexing import enlist
from kino_backup_tui.core.operations.proving import prove_archive, proven_status
from kino_backup_tui.core.operations.publish import Partial, partial_file
from kino_backup_tui.core.operations.session import Session
from kino_backup_tui.core.operations.space import Space
from kino_backup_tui.core.progress import Stage
from kino_backup_tui.core.workspace import best_effort

STAYS = {
    BackupStatus.DAMAGED: "it is damaged",
    BackupStatus.UNREADABLE: "it cannot be read",
}
"""What is left alone from the start."""


@dataclass(frozen=True, slots=True)
class Left:
    """A backup that stays where it is."""

    backup: Backup
    why: str
    """A clause: "it is damaged"."""


class _SourceError(Exception):
    """A backup cannot be moved, and that is no reason to stop: `why` is a clause that says so."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Mover:
    """Moves one backup after the other; what it did and did not is in its lists."""

    def __init__(self, context: Context, session: Session, job: Job) -> None:
        self.moved: list[Backup] = []
        self.left: list[Left] = []
        self.warnings: list[str] = []
        self._context = context
        self._session = session
        self._location = session.location
        self._job = job
        self._space = Space(context.kino.data_path, use_reserve=None)

    def move(self, backup: Backup) -> None:
        """Copy, prove, publish, and only then remove the original."""
        self._job.cancel.raise_if_cancelled()
        try:
            with _opened(backup.path) as source:
                read = os.fstat(source.fileno())
                there = self._copied_before(backup, source) or self._copy(backup, source, read)
                _remove(backup.path, read)
        except _SourceError as error:
            self.left.append(Left(backup, error.why))
        else:
            self.moved.append(there)
            self.warnings += enlist(self._session, there, self._context.clock.now())

    def _copied_before(self, backup: Backup, source: BinaryIO) -> Backup | None:
        """The copy that an interrupted move has made and not told of; None if there is none."""
        target = self._location / backup.filename
        try:
            copy = open_regular(target)
        except OSError:
            return None
        with copy:
            present = os.fstat(copy.fileno())
            if present.st_size != os.fstat(source.fileno()).st_size:
                return None
            self._job.stage(Stage.READING_BACK, 2 * present.st_size)
            digest = self._digest_of_source(backup, source)
            with storage_errors(target, "read"):
                copied = digest_of(copy, self._job)
        source.seek(0)
        if digest != copied or (backup.checksum_sha256 or digest) != digest:
            return None
        return self._remember(target, present, backup, backup.status, backup.manifest, digest)

    def _copy(self, backup: Backup, source: BinaryIO, read: os.stat_result) -> Backup:
        arriving = f"kino-backup-move-{os.urandom(4).hex()}{SUFFIX}"
        self._space.require(self._location, read.st_size, "The copy")
        with partial_file(self._location, arriving, self._session.workspace.owner, self.warnings) as partial:
            self._job.stage(Stage.COPYING, read.st_size)
            digest = self._digest_of_source(backup, source, partial.stream)
            partial.sync()
            status, manifest = self._prove(backup, read, partial, digest)
            self._job.cancel.raise_if_cancelled()
            # From here to the end of `move` nobody is asked again whether to stop.
            path, written = partial.publish(backup.filename)
        return self._remember(path, written, backup, status, manifest, digest)

    def _prove(
        self, backup: Backup, read: os.stat_result, partial: Partial, digest: str
    ) -> tuple[BackupStatus, Manifest | None]:
        """Read the copy back. Of what was verified before, an equal digest carries the result over."""
        if backup.status is BackupStatus.VERIFIED and backup.checksum_sha256 is not None:
            if digest != backup.checksum_sha256:
                self._give_up(backup, read, "It is not what was verified: its digest differs.")
            self._job.stage(Stage.READING_BACK, read.st_size)
            if digest_of(partial.stream, self._job) != digest:
                raise _differs(self._location, backup)
            return BackupStatus.VERIFIED, backup.manifest
        try:
            result = prove_archive(
                self._session, partial.stream, self._location, read.st_size, self._job, self._space
            )
        except ArchiveError as error:
            partial.stream.seek(0)
            if digest_of(partial.stream, self._job) != digest:
                raise _differs(self._location, backup) from error
            self._give_up(backup, read, error.message)
        except IncompatibleError as error:
            raise _SourceError(_clause(error.message)) from error
        if result.checksum_sha256 != digest:
            raise _differs(self._location, backup)
        return proven_status(result.manifest), result.manifest

    def _give_up(self, backup: Backup, read: os.stat_result, problem: str) -> NoReturn:
        """Remember what reading has shown, and leave the original alone."""
        with best_effort():  # it may have changed once more
            self._session.remember(
                backup.path,
                read,
                BackupStatus.DAMAGED,
                manifest=backup.manifest,
                problem=problem,
                elsewhere=True,
            )
        raise _SourceError(STAYS[BackupStatus.DAMAGED])

    def _remember(
        self,
        path: Path,
        written: os.stat_result,
        backup: Backup,
        status: BackupStatus,
        manifest: Manifest | None,
        digest: str,
    ) -> Backup:
        verified = status is BackupStatus.VERIFIED
        return self._session.remember(
            path,
            written,
            status,
            manifest=manifest or backup.manifest,
            checksum_sha256=digest,
            verified_at=self._context.clock.now() if verified else None,
        )

    def _digest_of_source(self, backup: Backup, source: BinaryIO, target: BinaryIO | None = None) -> str:
        """The SHA-256 of a backup, and its bytes to `target` if there is one."""
        digest = hashlib.sha256()
        while True:
            try:
                piece = source.read(CHUNK_BYTES)
            except OSError as error:
                raise _SourceError(_clause(storage_error(error, backup.path, "read").message)) from error
            if not piece:
                return digest.hexdigest()
            digest.update(piece)
            if target is not None:
                target.write(piece)
                self._space.spend(self._location, len(piece))
            self._job.advance(len(piece))


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        source = open_regular(path)
    except OSError as error:
        raise _SourceError(_clause(storage_error(error, path, "read").message)) from error
    with source:
        yield source


def _remove(path: Path, read: os.stat_result) -> None:
    """Remove the original if it still is the file that was copied, and make that durable.

    An original that is back after a power cut does no harm, the next move removes it; but it would be listed
    twice until then.
    """
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            now = os.stat(path.name, dir_fd=folder, follow_symlinks=False)
            if fingerprint_of(now) != fingerprint_of(read):
                raise _SourceError("it was copied, and changed meanwhile")
            os.unlink(path.name, dir_fd=folder)
            sync_descriptor(folder)
        finally:
            os.close(folder)
    except OSError as error:
        message = storage_error(error, path, "remove").message
        raise _SourceError(f"it was copied, but not removed. {message}".rstrip(".")) from error


def _differs(location: Path, backup: Backup) -> ArchiveDamagedError:
    return ArchiveDamagedError(
        f"The copy of {backup.filename} in {location} differs from what was written.", hint="Check that disk."
    )


def _clause(sentence: str) -> str:
    """A sentence within another."""
    return sentence.rstrip(".")
