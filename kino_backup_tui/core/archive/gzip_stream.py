"""gzip in bounded pieces: ISA-L where it is installed, else the standard zlib.

RFC 1952. One member only: several, or bytes after the last, are how two readers can be made to see two
different archives.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, Protocol

from kino_backup_tui.core.errors import ArchiveDamagedError, ArchiveRefusedError

_zlib: Any
try:
    from isal import isal_zlib
except ImportError:  # no wheel for this processor
    _zlib = zlib
else:
    _zlib = isal_zlib

READ_BYTES = 128 * 1024
INFLATE_BYTES = 1024 * 1024
_GZIP_WINDOW = 31
# ISA-L's level 2 packs a Kino database a few per cent larger than gzip's default, eight times as fast.
_LEVEL = 2 if _zlib is not zlib else 6
# zlib.error where the standard library does the work; ISA-L's own class otherwise.
_ERRORS = (zlib.error, _zlib.error, EOFError)


class Deflater(Protocol):
    """What `zlib.compressobj` returns."""

    def compress(self, data: Any, /) -> bytes:
        """Take some bytes, return some compressed ones."""
        ...

    def flush(self) -> bytes:
        """Return the rest."""
        ...


def gzip_compressor() -> Deflater:
    """A compressor whose output depends on its input alone: no name, no time."""
    compressor: Deflater = _zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    return compressor


class RawReader(Protocol):
    """The one thing that is asked of a source of compressed bytes."""

    def read(self, limit: int, /) -> bytes:
        """At most `limit` bytes; empty at the end."""
        ...


class GzipReader:
    """The inflated bytes of a gzip stream, never more than `INFLATE_BYTES` of them in memory.

    `seen` is called with every piece of the compressed stream, in order.
    Raises `ArchiveDamagedError` for a stream that is cut, altered or no gzip at all, `ArchiveRefusedError`
    for one with something behind its end.
    """

    def __init__(self, raw: RawReader, seen: Callable[[bytes], None]) -> None:
        self._raw = raw
        self._seen = seen
        self._inflate = _zlib.decompressobj(_GZIP_WINDOW)
        self._buffer = memoryview(b"")
        self._ended = False

    def read(self, limit: int) -> memoryview:
        """At most `limit` bytes, at least one; empty at the end of a whole stream."""
        if not self._buffer and not self._ended:
            self._fill()
        piece = self._buffer[:limit]
        self._buffer = self._buffer[limit:]
        return piece

    def check(self) -> None:
        """Let whoever follows the reading stop it where nothing is read."""
        self._seen(b"")

    def read_exactly(self, count: int) -> bytes:
        """Exactly `count` bytes; raises `ArchiveDamagedError` if the stream ends before."""
        pieces = []
        while count:
            piece = self.read(count)
            if not piece:
                raise ArchiveDamagedError("The archive ends in the middle of a member.")
            pieces.append(bytes(piece))
            count -= len(piece)
        return b"".join(pieces)

    def _fill(self) -> None:
        data = b""
        while not data and not self._ended:
            compressed = self._inflate.unconsumed_tail or self._next_raw()
            try:
                data = self._inflate.decompress(compressed, INFLATE_BYTES)
            except _ERRORS as error:
                raise ArchiveDamagedError("The archive is damaged: gzip cannot read it.") from error
            if self._inflate.eof:
                self._ended = True
                self._require_end()
        self._buffer = memoryview(data)

    def _next_raw(self) -> bytes:
        compressed = self._raw.read(READ_BYTES)
        if not compressed:
            raise ArchiveDamagedError("The archive is cut off: its gzip stream has no end.")
        self._seen(compressed)
        return compressed

    def _require_end(self) -> None:
        if self._inflate.unused_data or self._raw.read(1):
            raise ArchiveRefusedError("There is data behind the end of the archive.")
