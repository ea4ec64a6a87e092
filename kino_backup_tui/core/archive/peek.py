"""The manifest of an archive without reading the archive: what a listing can afford."""

from __future__ import annotations

from typing import BinaryIO

from kino_backup_tui.core.archive.gzip_stream import GzipReader
from kino_backup_tui.core.archive.manifest import MANIFEST_NAME, MAX_MANIFEST_BYTES, Manifest, parse_manifest
from kino_backup_tui.core.archive.tar_stream import Member, TarReader
from kino_backup_tui.core.errors import ArchiveDamagedError, ArchiveRefusedError

LISTING_BYTES = 64 * 1024
"""How much of an archive a listing reads."""
MANIFEST_ONLY = frozenset((MANIFEST_NAME,))
"""The one member an archive has besides its contents."""
NO_MANIFEST = f"The archive has no {MANIFEST_NAME}."


def peek_manifest(archive: BinaryIO) -> Manifest | None:
    """The manifest, if it is within the first `LISTING_BYTES` of the file; None if it is further inside.

    Raises `ArchiveDamagedError`, `ArchiveRefusedError` or `IncompatibleError` for what that much already
    shows.
    """
    head = _Head(archive)
    reader = TarReader(GzipReader(head, _not_interested), MANIFEST_ONLY)
    try:
        for member in reader.members():
            if member.path == MANIFEST_NAME:
                return read_manifest(member, reader)
    except _HeadUsedUpError:
        return None
    raise ArchiveDamagedError(NO_MANIFEST)


def read_manifest(member: Member, reader: TarReader) -> Manifest:
    """Read the current member as the manifest; raises what `parse_manifest` raises."""
    if member.size > MAX_MANIFEST_BYTES:
        raise ArchiveRefusedError(f"{MANIFEST_NAME} is larger than {MAX_MANIFEST_BYTES} bytes.")
    return parse_manifest(b"".join(bytes(piece) for piece in reader.chunks()))


class _HeadUsedUpError(Exception):
    """The part of the file that a listing reads has come to its end."""


class _Head:
    """The first `LISTING_BYTES` of a file, in small pieces: most manifests are in the first one."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._left = LISTING_BYTES

    def read(self, limit: int, /) -> bytes:
        """The next piece; raises `_HeadUsedUpError` behind the last."""
        if not self._left:
            raise _HeadUsedUpError
        data = self._stream.read(min(limit, self._left, 4096))
        self._left -= len(data)
        return data


def _not_interested(_piece: bytes) -> None:
    return None
