"""Making a backup inside a job that is already running: for create, run-due and before a restore."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from kino_backup_tui import __version__
from kino_backup_tui.core.archive.manifest import CONSISTENT, RAW, Content, Manifest, render_manifest
from kino_backup_tui.core.archive.names import format_name
from kino_backup_tui.core.archive.verify import read_archive
from kino_backup_tui.core.archive.writer import Source, write_archive
from kino_backup_tui.core.errors import ArchiveError
from kino_backup_tui.core.jobs.job import Job
from kino_backup_tui.core.kino.database import DatabaseFacts, checked_beside, open_untrusted, read_facts
from kino_backup_tui.core.kino.running import observe
from kino_backup_tui.core.kino.version import kino_version
from kino_backup_tui.core.models import Backup, BackupKind
from kino_backup_tui.core.operations.collect import Collected, collect, hash_contents
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.indexing import enlist
from kino_backup_tui.core.operations.proving import named, remember_proven
from kino_backup_tui.core.operations.publish import Partial, partial_file, sweep_partials
from kino_backup_tui.core.operations.session import Session
from kino_backup_tui.core.operations.space import Space
from kino_backup_tui.core.progress import CancelToken, Stage


class Created(NamedTuple):
    """A new backup, verified unless it is raw, and what the admin should know of it."""

    backup: Backup
    warnings: tuple[str, ...] = ()


class _Label(NamedTuple):
    kino_version: str
    kind: BackupKind
    created_at: datetime


def make_backup(
    context: Context,
    session: Session,
    job: Job,
    *,
    kind: BackupKind,
    location: Path,
    use_reserve: bool | None,
    version: str | None,
    lenient: bool = False,
    raw: bool = False,
) -> Created:
    """Take a database snapshot, pack it with config and secrets, read it back, publish it in `location`.

    The caller holds the lock and has prepared the location. `use_reserve` is as for `Space`, `version` is
    Kino's, when the caller knows it. If `lenient`, an unreadable secret is left out with a warning. With
    `raw` the database is packed as it is found, with the files beside it: nobody may have it open, no
    integrity is claimed, and the backup is as verified as such a one can be.
    Raises what `create_backup` raises; whatever was written is removed then.
    """
    session.workspace.sweep_scratch()
    sweep_partials(location)
    label = _Label(version or _installed_version(session), kind, context.clock.now().astimezone(session.zone))
    space = Space(context.kino.data_path, use_reserve=use_reserve)
    with session.workspace.scratch_folder() as scratch:
        collected = collect(context.kino, scratch, job, space, lenient=lenient, raw=raw)
        if raw:
            return _publish(session, context, job, collected, label, location, space, None)
        with _integrity_check(collected.database, context.kino.database, job.cancel) as wait_for_check:
            return _publish(session, context, job, collected, label, location, space, wait_for_check)


def _publish(
    session: Session,
    context: Context,
    job: Job,
    collected: Collected,
    label: _Label,
    location: Path,
    space: Space,
    wait_for_check: Callable[[], None] | None,
) -> Created:
    """Pack what was collected and give it its name; without a check to wait for, as a raw archive."""
    contents = hash_contents(collected, job)
    facts = None if wait_for_check is None else _facts(collected.database)
    manifest = _manifest(session, context, collected, contents, label, facts)
    warnings = list(collected.warnings)
    name = format_name(label.kind, label.created_at, label.kino_version, session.zone)
    with partial_file(location, name, session.workspace.owner, warnings) as partial:
        checksum = _pack(partial, manifest, collected, location, job, space)
        if wait_for_check is not None:
            job.stage(Stage.CHECKING_DATABASE)
            wait_for_check()
        job.cancel.raise_if_cancelled()
        path, read = partial.publish()
    elsewhere = location != session.location
    backup = remember_proven(context, session, path, read, manifest, checksum, elsewhere=elsewhere)
    warnings += enlist(session, backup, context.clock.now())
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
    session: Session,
    context: Context,
    collected: Collected,
    contents: tuple[Content, ...],
    label: _Label,
    facts: DatabaseFacts | None,
) -> Manifest:
    """What the archive says of itself; without facts, that its database is kept as it was found."""
    return Manifest(
        kino_version=label.kino_version,
        schema_version=facts.schema_version if facts else None,
        kind=label.kind,
        created_at=label.created_at,
        contents=contents,
        migrations=facts.migrations if facts else (),
        tables=facts.tables if facts else {},
        left_out=collected.left_out,
        layout=context.kino.layout.name,
        instance=session.workspace.ensure_instance(),
        host=context.host or platform.node(),
        data_path=str(context.kino.data_path),
        created_by=f"kino-backup-tui {__version__}",
        database_state=CONSISTENT if facts else RAW,
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
