"""The map of a sparse entry in GNU's old format: where its data goes, and where there are zeros.

GNU tar manual, "Storing Sparse Files", "Old GNU Format": four pieces in the header, 21 in each block that
follows it, each with its place in the file and its length. The rules are those of Rust's tar crate
(alexcrichton/tar-rs, `src/archive.rs`), which Kino writes and reads with: in order, without overlaps, every
piece but the last a whole number of blocks, and the last one ends where the file does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from kino_backup_tui.core.archive.tar_fields import number_field
from kino_backup_tui.core.errors import ArchiveDamagedError, ArchiveRefusedError

SPARSE = b"S"
"""The type of such an entry."""
MAX_HOLE_BYTES = 16 << 30
"""Zeros that are nowhere in the archive: what they take to write and to hash is not bounded by its size."""
MAX_MAP_BLOCKS = 4096
_BLOCK = 512
_GNU_MAGIC = b"ustar  \0"
_PIECE, _FIELD = 24, 12


class Segment(NamedTuple):
    """So many zeros, and then so many bytes of data."""

    hole: int
    data: int


def read_map(header: bytes, size: int, next_block: Callable[[], bytes]) -> tuple[list[Segment], int]:
    """The segments of an entry, and its size when it is expanded.

    `size` is that of the data in the archive, `next_block` reads what follows the header.
    Raises `ArchiveDamagedError` for a map that does not fit the data or itself, `ArchiveRefusedError` for one
    that is larger, or has more holes, than any database needs.
    """
    if header[257:265] != _GNU_MAGIC:
        raise ArchiveRefusedError("The archive has a sparse file in a format that Kino does not write.")
    real_size = number_field(header[483:495])
    segments: list[Segment] = []
    end, holes, data = 0, 0, 0
    for start, length in _pieces(header, next_block):
        if start < end or data % _BLOCK:
            raise ArchiveDamagedError("The archive has a sparse file whose pieces do not fit together.")
        segments.append(Segment(start - end, length))
        holes += start - end
        data += length
        end = start + length
    if end != real_size or data != size:
        raise ArchiveDamagedError("The archive has a sparse file whose pieces are not its size.")
    if holes > MAX_HOLE_BYTES:
        raise ArchiveRefusedError("The archive has a sparse file with more empty space than a database has.")
    return segments, real_size


def _pieces(header: bytes, next_block: Callable[[], bytes]) -> Iterator[tuple[int, int]]:
    yield from _listed(header[386:482])
    more = header[482]
    for _ in range(MAX_MAP_BLOCKS):
        if not more:
            return
        if more != 1:
            raise ArchiveDamagedError("The archive has a sparse file with a damaged map.")
        block = next_block()
        yield from _listed(block[:504])
        more = block[504]
    raise ArchiveRefusedError("The archive has a sparse file in more pieces than a database has.")


def _listed(table: bytes) -> Iterator[tuple[int, int]]:
    for at in range(0, len(table), _PIECE):
        start, length = table[at : at + _FIELD], table[at + _FIELD : at + _PIECE]
        # As that crate tells an unused one.
        if start[0] and length[0]:
            yield number_field(start), number_field(length)
