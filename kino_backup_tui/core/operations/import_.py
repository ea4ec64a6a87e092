"""import: take an archive from outside into the backup location."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from kino_backup_tui.core.archive.manifest import Manifest
from kino_backup_tui.core.archive.names import SUFFIX, UNKNOWN_VERSION, format_name, parse_name
from kino_backup_tui.core.archive.writer import CHUNK_BYTES
from kino_backup_tui.core.catalog.locations import prepare_location
from kino_backup_tui.core.errors import ArchiveError, IncompatibleError
from kino_backup_tui.core.files import storage_errors
from kino_backup_tui.core.jobs.job import Job, run_job
from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.indexing import enlist
from kino_backup_tui.core.operations.making import Created
from kino_backup_tui.core.operations.open_archive import open_source
from kino_backup_tui.core.operations.proving import named, prove_archive, remember_proven
from kino_backup_tui.core.operations.publish import partial_file, sweep_partials
from kino_backup_tui.core.operations.session import Session, open_session
from kino_backup_tui.core.operations.space import Space
from kino_backup_tui.core.progress import Control, Stage
from kino_backup_tui.core.workspace import workspace_of


def import_backup(
    context: Context,
    source: Path | BinaryIO,
    control: Control,
    *,
    use_reserve: bool = False,
    accept_location: bool = False,
) -> Created:
    """Copy an archive in, verify it, and keep it under a valid name; retention never removes it.

    Raises what `verify_backup` and `create_backup` raise; nothing is kept then.
    """
    if isinstance(source, Path):
        with open_source(source) as stream:
            return _import(context, stream, source.name, control, use_reserve, accept_location)
    return _import(context, source, "", control, use_reserve, accept_location)


def _import(
    context: Context, source: BinaryIO, name: str, control: Control, use_reserve: bool, accept_location: bool
) -> Created:
    with run_job(workspace_of(context.kino), "import", context.clock, control) as job:
        session = open_session(context)
        default = context.kino.default_location
        prepare_location(session.location, session.workspace, default, accept=accept_location)
        session.workspace.sweep_scratch()
        sweep_partials(session.location)
        space = Space(context.kino.data_path, use_reserve=use_reserve)
        warnings: list[str] = []
        arriving = f"kino-backup-import-{os.urandom(4).hex()}{SUFFIX}"
        with partial_file(session.location, arriving, session.workspace.owner, warnings) as partial:
            _copy(source, name, partial.stream, session.location, job, space)
            partial.sync()
            size = os.fstat(partial.stream.fileno()).st_size
            try:
                result = prove_archive(session, partial.stream, session.location, size, job, space)
            except (ArchiveError, IncompatibleError) as error:
                raise named(error, f"{name or 'The archive'} was not imported") from error
            job.cancel.raise_if_cancelled()
            path, read = partial.publish(_valid_name(name, result.manifest, context, session))
        backup = remember_proven(context, session, path, read, result.manifest, result.checksum_sha256)
        if backup.problem:
            warnings.append(backup.problem)
        warnings += enlist(session, backup, context.clock.now())
        job.message = path.name
        return Created(backup, tuple(warnings))


def _copy(source: BinaryIO, name: str, target: BinaryIO, location: Path, job: Job, space: Space) -> None:
    total: int | None = None
    try:
        total = os.fstat(source.fileno()).st_size or None
    except OSError:
        total = None
    if total is not None:
        space.require(location, total, "The archive")
    job.stage(Stage.COPYING, total)
    while piece := _read(source, name):
        target.write(piece)
        job.advance(len(piece))
        space.spend(location, len(piece))


def _read(source: BinaryIO, name: str) -> bytes:
    with storage_errors(Path(name or "standard input"), "read"):
        return source.read(CHUNK_BYTES)


def _valid_name(name: str, manifest: Manifest, context: Context, session: Session) -> str:
    """The name to keep an archive under: its own, if that is one and retention will not act on it.

    A scheduled backup that was imported is named manual: somebody wanted it here, so it stays.
    """
    named = parse_name(name, session.zone)
    kind = manifest.kind or (named.kind if named else None) or BackupKind.MANUAL
    if named is not None and named.kind is not BackupKind.SCHEDULED and kind is not BackupKind.SCHEDULED:
        return name
    kind = BackupKind.MANUAL if kind is BackupKind.SCHEDULED else kind
    created_at = manifest.created_at or (named.created_at if named else context.clock.now())
    version = manifest.kino_version or (named.kino_version if named else None) or UNKNOWN_VERSION
    return format_name(kind, created_at, version, session.zone)
