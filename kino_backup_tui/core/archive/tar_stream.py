"""A tar reader that trusts nothing: member after member, in bounded memory, nothing extracted.

Read are USTAR and GNU headers and small pax headers (POSIX.1-2017, pax; GNU tar manual, "Basic Tar Format"),
as GNU tar, bsdtar, Python's tarfile and Rust's tar crate write them for plain files. Everything a backup of a
few plain files never needs is refused: links, devices, duplicates, names outside the table in `members`.
Sparse may be a database alone: Rust's tar crate writes it so where the file system has made holes.
Python's own `tarfile` is not used to read: it has needed several rounds of security fixes
(python/cpython#135034, #149486, #151558) and keeps whatever a pax header holds in memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kino_backup_tui.core.archive.gzip_stream import GzipReader
from kino_backup_tui.core.archive.members import (
    MAX_PATH_BYTES,
    alias,
    is_content_folder,
    is_content_path,
    is_database,
)
from kino_backup_tui.core.archive.sparse import SPARSE, Segment, read_map
from kino_backup_tui.core.archive.tar_fields import (
    number_field,
    pax_records,
    pax_size,
    require_checksum,
    text_field,
)
from kino_backup_tui.core.errors import ArchiveDamagedError, ArchiveRefusedError

BLOCK = 512
MAX_ENTRIES = 10_000
MAX_PAX_BYTES = 64 * 1024
MAX_PADDING_BYTES = 4 * 1024 * 1024
"""Zero bytes behind the last member: two blocks, or up to the largest record size in use."""
MAX_MEMBER_BYTES = 2**50
_ZEROS = memoryview(bytes(128 * 1024))

_REGULAR = (b"0", b"\0")
_DIRECTORY = b"5"
_PAX, _PAX_GLOBAL, _GNU_LONG_NAME = b"x", b"g", b"L"
_REFUSED = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a character device",
    b"4": "a block device",
    b"6": "a named pipe",
    b"K": "a long link name",
    SPARSE: "a sparse file",
}


@dataclass(slots=True)
class Member:
    """A regular file in the archive."""

    path: str
    size: int


class _Header(NamedTuple):
    type: bytes
    name: str
    size: int
    block: bytes


class TarReader:
    """The members of an archive in their order; read a member's data before asking for the next.

    `allowed` are names besides a backup's contents (the manifest). Raises `ArchiveDamagedError` and
    `ArchiveRefusedError`.
    """

    def __init__(self, gzip: GzipReader, allowed: frozenset[str]) -> None:
        self._gzip = gzip
        self._allowed = allowed
        self._segments: deque[Segment] = deque()
        self._hole = self._left = self._padding = 0
        self._seen: set[str] = set()
        self._entries = 0

    def members(self) -> Iterator[Member]:
        """Yield each member; data of it that nobody has read is skipped."""
        while (member := self._next()) is not None:
            yield member

    def chunks(self) -> Iterator[memoryview]:
        """The data of the current member, its holes as zeros."""
        while self._hole or self._left or self._segments:
            if self._hole:
                self._gzip.check()
                piece = _ZEROS[: self._hole]
                self._hole -= len(piece)
            elif self._left:
                piece = self._gzip.read(self._left)
                if not piece:
                    raise ArchiveDamagedError("The archive ends in the middle of a member.")
                self._left -= len(piece)
            else:
                self._hole, self._left = self._segments.popleft()
                continue
            yield piece
        self._gzip.read_exactly(self._padding)
        self._padding = 0

    def _skip(self) -> None:
        """Pass over what nobody has read of the current member."""
        self._hole = 0
        self._segments = deque(Segment(0, segment.data) for segment in self._segments)
        for _ in self.chunks():
            pass

    def _next(self) -> Member | None:
        long_name: str | None = None
        pax: dict[str, str] = {}
        while True:
            self._skip()
            header = self._read_header()
            if header is None:
                if long_name is not None or pax:
                    raise ArchiveDamagedError("The archive ends after a header that announces a member.")
                return None
            if header.type == _GNU_LONG_NAME and long_name is None:
                long_name = self._read_text(header.size, MAX_PATH_BYTES + 1).rstrip("\0")
                continue
            if header.type in (_PAX, _PAX_GLOBAL) and not pax:
                records = pax_records(self._read_data(header.size, MAX_PAX_BYTES))
                if header.type == _PAX:
                    pax = records
                elif "path" in records or "size" in records:
                    raise ArchiveRefusedError("The archive has a global header that renames its members.")
                continue
            name = pax.get("path", long_name if long_name is not None else header.name)
            if header.type == SPARSE and is_database(name.removeprefix("./")) and not pax:
                return self._accept_sparse(header, name.removeprefix("./"))
            member = self._accept(header, name, pax_size(pax, header.size))
            if member is not None:
                return member
            long_name, pax = None, {}

    def _accept(self, header: _Header, name: str, size: int) -> Member | None:
        """Check a member's kind and name; None for a directory entry, which is passed over."""
        path = name.removeprefix("./")
        if header.type == _DIRECTORY:
            if size or not is_content_folder(path.rstrip("/")):
                raise ArchiveRefusedError(f"The archive has a folder {name!r}, which no backup holds.")
            return None
        if header.type not in _REGULAR:
            what = _REFUSED.get(header.type, f"an entry of type {header.type!r}")
            raise ArchiveRefusedError(f"The archive has {what}, {name!r}; a backup holds regular files only.")
        if path not in self._allowed and not is_content_path(path):
            raise ArchiveRefusedError(f"The archive has {name!r}, which no backup holds.")
        self._remember(path)
        self._expect(size)
        return Member(path, size)

    def _accept_sparse(self, header: _Header, path: str) -> Member:
        self._remember(path)
        segments, size = read_map(header.block, header.size, lambda: self._gzip.read_exactly(BLOCK))
        self._expect(header.size, segments)
        return Member(path, size)

    def _remember(self, path: str) -> None:
        folded = alias(path)
        if folded in self._seen:
            raise ArchiveRefusedError(f"The archive has {path!r} twice.")
        self._seen.add(folded)

    def _expect(self, size: int, segments: Sequence[Segment] = ()) -> None:
        if size > MAX_MEMBER_BYTES:
            raise ArchiveRefusedError("The archive declares a member of an impossible size.")
        self._segments = deque(segments or [Segment(0, size)])
        self._padding = -size % BLOCK

    def _read_data(self, size: int, limit: int) -> bytes:
        if size > limit:
            raise ArchiveRefusedError("The archive has an oversized header.")
        self._expect(size)
        return b"".join(bytes(piece) for piece in self.chunks())

    def _read_text(self, size: int, limit: int) -> str:
        return self._read_data(size, limit).decode("utf-8", "surrogateescape")

    def _read_header(self) -> _Header | None:
        self._entries += 1
        if self._entries > MAX_ENTRIES:
            raise ArchiveRefusedError(f"The archive has more than {MAX_ENTRIES} entries.")
        block = self._gzip.read_exactly(BLOCK)
        if not any(block):
            self._require_padding()
            return None
        require_checksum(block)
        magic = block[257:265]
        if magic not in (b"ustar\x0000", b"ustar  \0"):
            raise ArchiveDamagedError("The archive has a header that is not tar's.")
        name = text_field(block[0:100])
        prefix = text_field(block[345:500]) if magic == b"ustar\x0000" else ""
        return _Header(
            type=block[156:157],
            name=f"{prefix}/{name}" if prefix else name,
            size=number_field(block[124:136]),
            block=block,
        )

    def _require_padding(self) -> None:
        """After the first zero block: at least one more, and nothing but zeros to the end."""
        total = 0
        while piece := self._gzip.read(BLOCK * 128):
            total += len(piece)
            if any(piece):
                raise ArchiveRefusedError("There is data behind the last member of the archive.")
            if total > MAX_PADDING_BYTES:
                raise ArchiveRefusedError("The archive is padded with more zeros than any tar writes.")
        if total < BLOCK:
            raise ArchiveDamagedError("The archive has no end-of-archive mark.")
