"""Reading an archive for a restore: unpacked beside everything, proven, and not yet used for anything."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, NamedTuple

from kino_backup_tui.core.archive.apart import rows_apart
from kino_backup_tui.core.archive.manifest import LeftOut, Manifest, is_raw
from kino_backup_tui.core.archive.members import is_content_path, layout_of
from kino_backup_tui.core.archive.peek import peek_manifest
from kino_backup_tui.core.archive.verify import ReadArchive, prove_database
from kino_backup_tui.core.errors import ArchiveError, ArchiveRefusedError, IncompatibleError
from kino_backup_tui.core.files import storage_errors
from kino_backup_tui.core.jobs.job import Job
from kino_backup_tui.core.kino.database import DatabaseFacts
from kino_backup_tui.core.kino.home import LAYOUTS, Kino, Layout
from kino_backup_tui.core.kino.rows import Rows
from kino_backup_tui.core.kino.toml_file import LARGEST
from kino_backup_tui.core.restore.first_boot import wanted_rows
from kino_backup_tui.core.restore.plan import State
from kino_backup_tui.core.restore.stage import unpack


class Examined(NamedTuple):
    """What an archive holds, read to its end."""

    read: ReadArchive
    facts: DatabaseFacts | None
    """Of its database, whose integrity has been checked; None for one kept as it was found, damaged."""
    config: bytes | None
    """Its config.toml; None if it has none."""
    layout: Layout
    rows: Rows
    """What its database says of settings, downloads and media; empty where nothing depends on that."""

    @property
    def state(self) -> State:
        """The backup's side of the comparison."""
        manifest = self.read.manifest
        return State(
            created_at=manifest.created_at,
            kind=manifest.kind,
            kino_version=manifest.kino_version,
            schema_version=self.facts.schema_version if self.facts else manifest.schema_version,
            tables=self.facts.tables if self.facts else None,
            host=manifest.host,
        )


def examine(
    archive: BinaryIO, kino: Kino, target: Path, descriptor: int, job: Job, *, durable: bool
) -> Examined:
    """Unpack an archive into an open, empty folder and prove it; `target` is the folder's path.

    Where there is no Kino yet, its layout is that of the archive.
    It is `durable` if it will be used: to look at ten thousand small files, nobody waits for each of them.

    Raises `ArchiveDamagedError`, `ArchiveRefusedError`, `DatabaseDamagedError`, `IncompatibleError` (another
    layout), `NoSpaceError`, `OperationCancelledError`; the caller removes what was written.
    """
    with storage_errors(target, "unpack the archive to"):
        read = unpack(archive, kino, descriptor, job.advance, durable=durable)
    layout = layout_of(frozenset(content.path for content in read.contents)) or kino.layout
    if layout != kino.layout and not is_vacant(kino):
        raise IncompatibleError(
            f"The archive is of a Kino with the layout {layout.name} ({layout.database}); the one in "
            f"{kino.data_path} has the layout {kino.layout.name} ({kino.layout.database})."
        )
    facts = None
    rows: Rows = {}
    if not is_raw(read.manifest):
        facts = prove_database(target / layout.database, read.manifest, job.cancel)
        rows = rows_apart(target / layout.database, wanted_rows(layout), job.cancel)
    return Examined(read, facts, _config(layout, target), layout, rows)


def is_vacant(kino: Kino) -> bool:
    """Whether there is no Kino yet, of whatever layout."""
    return not any(os.path.lexists(kino.data_path / layout.database) for layout in LAYOUTS.values())


def expected_bytes(manifest: Manifest | None, archive_bytes: int) -> int:
    """Room that unpacking needs: what the manifest says, else a guess from the size of the file."""
    listed = sum(content.size for content in manifest.contents) if manifest else 0
    return listed or 4 * archive_bytes


def peek(archive: BinaryIO) -> Manifest | None:
    """What an open archive says of itself at its beginning; what is wrong with it is told when it is read."""
    try:
        return peek_manifest(archive)
    except (ArchiveError, IncompatibleError, OSError):
        return None
    finally:
        archive.seek(0)


def not_saved(manifest: Manifest) -> tuple[LeftOut, ...]:
    """What belongs to a backup and is not in this one; media, caches and logs never are."""
    return tuple(item for item in manifest.left_out if is_content_path(item.path))


def refuse_foreign(problem: str, path: Path) -> ArchiveRefusedError:
    """What a file that is no backup is answered with."""
    return ArchiveRefusedError(f"{path} is not a backup of Kino. {problem}".rstrip())


def _config(layout: Layout, target: Path) -> bytes | None:
    path = target / (layout.config or "")
    if layout.config is None or not path.is_file():
        return None
    with path.open("rb") as stream:
        return stream.read(LARGEST + 1)
