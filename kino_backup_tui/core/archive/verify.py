"""Reading a whole archive: every digest compared, the database taken out and proven."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO, NamedTuple

from kino_backup_tui.core.archive.apart import facts_apart
from kino_backup_tui.core.archive.gzip_stream import GzipReader
from kino_backup_tui.core.archive.manifest import MANIFEST_NAME, Content, Manifest, is_raw
from kino_backup_tui.core.archive.members import database_beside, is_database, layout_of
from kino_backup_tui.core.archive.peek import MANIFEST_ONLY, NO_MANIFEST, read_manifest
from kino_backup_tui.core.archive.tar_stream import Member, TarReader
from kino_backup_tui.core.errors import (
    ArchiveDamagedError,
    ArchiveRefusedError,
    DatabaseDamagedError,
)
from kino_backup_tui.core.kino.database import DatabaseFacts
from kino_backup_tui.core.progress import CancelToken

_NOT_ONE_DATABASE = "The archive holds no database, or more than one."


class ReadArchive(NamedTuple):
    """What reading an archive to its end has shown."""

    manifest: Manifest
    contents: tuple[Content, ...]
    """Each member but the manifest, in the order of the archive, as it really is."""
    size_bytes: int
    checksum_sha256: str
    """Of the archive file."""

    @property
    def database(self) -> Content:
        """The member that is the database."""
        return next(content for content in self.contents if is_database(content.path))


def _hash_only(_path: str, _size: int) -> AbstractContextManager[BinaryIO | None]:
    return nullcontext()


def read_archive(
    archive: BinaryIO,
    advance: Callable[[int], None],
    take: Callable[[str, int], AbstractContextManager[BinaryIO | None]] = _hash_only,
) -> ReadArchive:
    """Read an archive to its end and compare it with its manifest.

    `advance` hears of every byte of the file and may raise to stop. `take(path, size)` opens where a member
    goes; None, and without `take` every member, is only hashed.
    Raises `ArchiveDamagedError`, `ArchiveRefusedError` and `IncompatibleError`, and `OSError` as the files
    do.
    """
    digest = hashlib.sha256()
    size = 0

    def seen(piece: bytes) -> None:
        nonlocal size
        digest.update(piece)
        size += len(piece)
        advance(len(piece))

    reader = TarReader(GzipReader(archive, seen), MANIFEST_ONLY)
    manifest: Manifest | None = None
    contents: list[Content] = []
    for member in reader.members():
        if member.path == MANIFEST_NAME:
            manifest = read_manifest(member, reader)
            continue
        _require_declared(member, manifest)
        if is_database(member.path) and any(is_database(content.path) for content in contents):
            raise ArchiveDamagedError(_NOT_ONE_DATABASE)
        with take(member.path, member.size) as out:
            contents.append(_read_content(member, reader, out))
    if manifest is None:
        raise ArchiveDamagedError(NO_MANIFEST)
    _compare(contents, manifest)
    return ReadArchive(manifest, tuple(contents), size, digest.hexdigest())


def prove_database(copy: Path, manifest: Manifest, cancel: CancelToken) -> DatabaseFacts:
    """Check the integrity of a database taken from an archive, and that the manifest says the truth of it.

    Raises `DatabaseDamagedError`, `ArchiveDamagedError`, `OperationCancelledError`.
    """
    facts = facts_apart(copy, cancel)
    if manifest.migrations and manifest.migrations != facts.migrations:
        raise ArchiveDamagedError("The manifest lists other migrations than the database has had.")
    # Kino's own manifests carry a constant instead of the number of migrations; they list no contents either.
    if manifest.contents and manifest.schema_version not in (None, facts.schema_version):
        raise ArchiveDamagedError("The manifest states another schema version than the database has.")
    if manifest.tables and dict(manifest.tables) != dict(facts.tables):
        raise DatabaseDamagedError("The manifest counts other rows than the database has.")
    return facts


def _read_content(member: Member, reader: TarReader, out: BinaryIO | None) -> Content:
    digest = hashlib.sha256()
    for piece in reader.chunks():
        digest.update(piece)
        if out is not None:
            out.write(piece)
    return Content(member.path, member.size, digest.hexdigest())


def _require_declared(member: Member, manifest: Manifest | None) -> None:
    """With the manifest in front, a member it does not list is refused before its data is read."""
    if manifest is None or not manifest.contents:
        return
    if not any(content.path == member.path and content.size == member.size for content in manifest.contents):
        raise ArchiveRefusedError(f"The manifest lists no {member.path!r} of {member.size} bytes.")


def _compare(contents: list[Content], manifest: Manifest) -> None:
    layout = layout_of(frozenset(content.path for content in contents))
    if layout is None:
        raise ArchiveDamagedError(_NOT_ONE_DATABASE)
    for content in contents:
        beside = database_beside(content.path)
        if beside and not (is_raw(manifest) and beside == layout.database):
            raise ArchiveRefusedError(f"The archive has {content.path!r}, which is no part of its database.")
    if not manifest.contents:
        return
    found = {content.path: content for content in contents}
    for declared in manifest.contents:
        actual = found.pop(declared.path, None)
        if actual is None:
            raise ArchiveDamagedError(f"{declared.path} is listed in the manifest and not in the archive.")
        if actual != declared:
            raise ArchiveDamagedError(f"{declared.path} is not what was saved: its SHA-256 differs.")
    if found:
        raise ArchiveRefusedError(f"{next(iter(found))!r} is in the archive and not in its manifest.")
