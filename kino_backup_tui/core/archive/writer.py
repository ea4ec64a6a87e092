"""Writing an archive: one gzip member, manifest first, the same bytes for the same contents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from kino_backup_tui.core.archive.gzip_stream import Deflater, gzip_compressor
from kino_backup_tui.core.archive.manifest import MANIFEST_NAME
from kino_backup_tui.core.archive.tar_stream import BLOCK
from kino_backup_tui.core.errors import ArchiveDamagedError

CHUNK_BYTES = 1024 * 1024
_RECORD = 20 * BLOCK
_USTAR_NAME, _USTAR_SIZE = 100, 8**11


class Source:
    """A file that goes into an archive, with the size that was hashed."""

    __slots__ = ("file", "path", "size")

    def __init__(self, path: str, file: Path, size: int) -> None:
        self.path = path
        self.file = file
        self.size = size


def write_archive(
    out: BinaryIO, manifest: bytes, sources: Sequence[Source], advance: Callable[[int], None]
) -> None:
    """Write a whole archive to a file; `advance` hears of every packed byte and may raise to stop.

    Raises `OSError` as the file does, `ArchiveDamagedError` if a source is not as long as it was.
    """
    packer = _Packer(out)
    packer.add(_header(MANIFEST_NAME, len(manifest)))
    packer.add(manifest)
    packer.pad(len(manifest))
    for source in sources:
        packer.add(_header(source.path, source.size))
        _copy(source, packer, advance)
        packer.pad(source.size)
    packer.add(bytes(2 * BLOCK))
    packer.pad(packer.total, _RECORD)
    packer.finish()


class _Packer:
    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._gzip: Deflater = gzip_compressor()
        self.total = 0

    def add(self, data: bytes | memoryview) -> None:
        self.total += len(data)
        self._out.write(self._gzip.compress(data))

    def pad(self, size: int, unit: int = BLOCK) -> None:
        self.add(bytes(-size % unit))

    def finish(self) -> None:
        self._out.write(self._gzip.flush())


def _copy(source: Source, packer: _Packer, advance: Callable[[int], None]) -> None:
    left = source.size
    buffer = bytearray(CHUNK_BYTES)
    view = memoryview(buffer)
    with source.file.open("rb", buffering=0) as stream:
        while left:
            count = stream.readinto(view[: min(left, CHUNK_BYTES)])
            if not count:
                raise ArchiveDamagedError(f"{source.path} became shorter while it was packed.")
            packer.add(view[:count])
            left -= count
            advance(count)


def _header(path: str, size: int) -> bytes:
    """A header without anything of this machine in it; a name or size too big for USTAR gets a pax one."""
    name = path.encode()
    if len(name) <= _USTAR_NAME and size < _USTAR_SIZE:
        return _ustar_header(name, size)
    # Loaded for what is rare: it costs a small backup a fiftieth of its time.
    import tarfile

    info = tarfile.TarInfo(path)
    info.size = size
    info.mode = 0o600
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


def _ustar_header(name: bytes, size: int) -> bytes:
    """A regular file, 0600, owner and time 0 (POSIX.1-2017, pax, "ustar Interchange Format")."""
    fields = (
        name.ljust(_USTAR_NAME, b"\0"),
        b"0000600\0" + b"0000000\0" * 2,
        b"%011o\0" % size + b"%011o\0" % 0,
        b" " * 8,  # the checksum is computed with blanks in its place
        b"0".ljust(101, b"\0"),
        b"ustar\x0000".ljust(8 + 32 + 32, b"\0"),
        b"0000000\0" * 2,
    )
    block = b"".join(fields).ljust(BLOCK, b"\0")
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]
