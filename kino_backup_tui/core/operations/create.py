"""create: make a backup now."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from kino_backup_tui import __version__
from kino_backup_tui.core.archive.manifest import Content, Manifest, render_manifest
from kino_backup_tui.core.archive.names import format_name
from kino_backup_tui.core.archive.verify import read_archive
from kino_backup_tui.core.archive.writer import Source, write_archive
from kino_backup_tui.core.catalog.locations import prepare_location
from kino_backup_tui.core.errors import ArchiveError
from kino_backup_tui.core.jobs.job import Job, run_job
from kino_backup_tui.core.kino.database import DatabaseFacts, checked_beside, open_untrusted, read_facts
from kino_backup_tui.core.kino.running import observe
from kino_backup_tui.core.kino.version import kino_version
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus
from kino_backup_tui.core.operations.collect import Collected, collect, hash_contents
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.proving import named
from kino_backup_tui.core.operations.publish import Partial, partial_file, sweep_partials
from kino_backup_tui.core.operations.session import Session, open_session
from kino_backup_tui.core.operations.space import Space
from kino_backup_tui.core.progress import CancelToken, Control, Stage
from kino_backup_tui.core.workspace import workspace_of


class Created(NamedTuple):
    """A new backup, verified, and what the admin should know of it."""

    backup: Backup
    warnings: tuple[str, ...] = ()


class _Label(NamedTuple):
    kino_version: str
    kind: BackupKind
    created_at: datetime


def create_backup(
    context: Context,
    control: Control,
    *,
    kind: BackupKind = BackupKind.MANUAL,
    use_reserve: bool = False,
    accept_location: bool = False,
    version: str | None = None,
) -> Created:
    """Take a database snapshot, pack it with config and secrets, read it back, publish it.

    `use_reserve` uses the space that is otherwise kept free for Kino. `accept_location` adopts a location
    whose marker is missing or different. `version` is Kino's, when the caller knows it.
    Raises `NotFoundError` (no database), `DatabaseDamagedError`, `NoSpaceError`, `BusyError`,
    `LocationError`, `NotPermittedError`, `OperationCancelledError`; whatever was written is removed then.
    """
    with run_job(workspace_of(context.kino), "create", context.clock, control) as job:
        session = open_session(context)
        default = context.kino.default_location
        prepare_location(session.location, session.workspace, default, accept=accept_location)
        session.remember_location()
        session.workspace.sweep_scratch()
        sweep_partials(session.location)
        version = version or _installed_version(session)
        created_at = context.clock.now().astimezone(session.zone)
        name = format_name(kind, created_at, version, session.zone)
        space = Space(context.kino.data_path, use_reserve=use_reserve)
        with session.workspace.scratch_folder() as scratch:
            collected = collect(context.kino, scratch, job, space)
            with _integrity_check(collected.database, context.kino.database, job.cancel) as wait_for_check:
                label = _Label(version, kind, created_at)
                manifest = _manifest(session, context, collected, hash_contents(collected, job), label)
                warnings = list(collected.warnings)
                with partial_file(session.location, name, session.workspace.owner, warnings) as partial:
                    checksum = _pack(partial, manifest, collected, session.location, job, space)
                    job.stage(Stage.CHECKING_DATABASE)
                    wait_for_check()
                    job.cancel.raise_if_cancelled()
                    path, read = partial.publish()
        backup = session.remember(
            path,
            read,
            BackupStatus.VERIFIED,
            manifest=manifest,
            checksum_sha256=checksum,
            verified_at=context.clock.now(),
        )
        job.message = path.name
        return Created(backup, tuple(warnings))


def _installed_version(session: Session) -> str:
    state = observe(session.kino)
    newest = None
    if state.version is None:
        backups, _ = session.scan()
        newest = next((backup.kino_version for backup in backups if backup.kino_version), None)
    return kino_version(state, newest)


def _facts(database: Path) -> DatabaseFacts:
    connection = open_untrusted(database)
    try:
        return read_facts(connection)
    finally:
        connection.close()


def _manifest(
    session: Session, context: Context, collected: Collected, contents: tuple[Content, ...], label: _Label
) -> Manifest:
    facts = _facts(collected.database)
    return Manifest(
        kino_version=label.kino_version,
        schema_version=facts.schema_version,
        kind=label.kind,
        created_at=label.created_at,
        contents=contents,
        migrations=facts.migrations,
        tables=facts.tables,
        left_out=collected.left_out,
        layout=context.kino.layout.name,
        instance=session.workspace.ensure_instance(),
        host=context.host or platform.node(),
        data_path=str(context.kino.data_path),
        created_by=f"kino-backup-tui {__version__}",
        database_state="consistent",
    )


def _pack(
    partial: Partial, manifest: Manifest, collected: Collected, location: Path, job: Job, space: Space
) -> str:
    """Write the archive, make it durable, read it back and compare; returns the file's SHA-256."""
    job.stage(Stage.PACKING, manifest.size_bytes)

    def advance(count: int) -> None:
        job.advance(count)
        space.spend(location, count)

    sources = [Source(item.path, collected.scratch / item.path, item.size) for item in manifest.contents]
    write_archive(partial.stream, render_manifest(manifest), sources, advance)
    partial.sync()
    job.stage(Stage.READING_BACK, partial.stream.seek(0, 2))
    partial.stream.seek(0)
    return read_archive(partial.stream, job.advance).checksum_sha256


@contextmanager
def _integrity_check(database: Path, live: Path, cancel: CancelToken) -> Iterator[Callable[[], None]]:
    """Check the copy beside the packing, which takes the other processor; yields what waits for the result.

    The result holds for the archive too: reading it back shows that the same bytes are in it. A failure names
    the live database, for that is what is damaged.
    """
    with checked_beside(database, cancel, ours=True) as finish:

        def wait() -> None:
            try:
                finish()
            except ArchiveError as error:
                raise named(error, str(live)) from error

        yield wait
