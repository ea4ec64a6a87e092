"""Entries of a tar archive as alexcrichton/tar-rs writes them, to the byte.

The headers are those of GNU tar (https://www.gnu.org/software/tar/manual/html_node/Standard.html). The mode
of a file has the bits of its type, users have no names, and the checksum has seven digits. A file with holes
becomes a sparse entry in the old format of GNU: four pieces in the header, 21 in each block that follows it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

END = bytes(1024)
_BLOCK = 512
_HOLE = 4096
"""Bytes of zeros that a file system leaves out."""
_PIECES_AT = 386
"""Where the header of a sparse entry lists the first four pieces."""
_IN_HEADER, _IN_BLOCK = 4, 21


def file_entry(name: str, status: os.stat_result, content: bytes) -> bytes:
    """A file of the disk."""
    return _entry(_header(name, b"0", len(content), status), content)


def generated_entry(name: str, content: bytes) -> bytes:
    """What is no file: it has no owner, no time, and the type that old archives have for a regular file."""
    return _entry(_header(name, b"\0", len(content), None), content)


def sparse_entry(name: str, status: os.stat_result, content: bytes) -> bytes:
    """A file of the disk whose stretches of zeros are holes."""
    pieces = _pieces(content)
    kept = b"".join(content[start : start + length] for start, length in pieces)
    table = [_octal(start, 12) + _octal(length, 12) for start, length in pieces]
    first, rest = table[:_IN_HEADER], table[_IN_HEADER:]
    extended = b"\1" if rest else b"\0"
    tail = b"".join(first).ljust(_IN_HEADER * 24, b"\0") + extended + _octal(len(content), 12)
    header = _header(name, b"S", len(kept), status, at_pieces=tail)
    blocks = b""
    while rest:
        block, rest = rest[:_IN_BLOCK], rest[_IN_BLOCK:]
        blocks += (b"".join(block).ljust(_IN_BLOCK * 24, b"\0") + (b"\1" if rest else b"\0")).ljust(
            _BLOCK, b"\0"
        )
    return _entry(header + blocks, kept)


def _pieces(content: bytes) -> Sequence[tuple[int, int]]:
    """Start and length of what is no hole; the last one ends where the file does, if need be with nothing."""
    pieces: list[tuple[int, int]] = []
    for start in range(0, len(content), _HOLE):
        chunk = content[start : start + _HOLE]
        if not any(chunk):
            continue
        if pieces and sum(pieces[-1]) == start:
            pieces[-1] = (pieces[-1][0], pieces[-1][1] + len(chunk))
        else:
            pieces.append((start, len(chunk)))
    if not pieces or sum(pieces[-1]) < len(content):
        pieces.append((len(content), 0))
    return pieces


def _entry(header: bytes, content: bytes) -> bytes:
    return header + content + bytes(-len(content) % _BLOCK)


def _header(
    name: str, kind: bytes, size: int, status: os.stat_result | None, *, at_pieces: bytes = b""
) -> bytes:
    mode, mtime = (status.st_mode, int(status.st_mtime)) if status else (0o600, 0)
    owner = _octal(status.st_uid, 8) + _octal(status.st_gid, 8) if status else bytes(16)
    before = name.encode().ljust(100, b"\0") + _octal(mode, 8) + owner + _octal(size, 12) + _octal(mtime, 12)
    after = kind + bytes(100) + b"ustar  \0"
    after = after.ljust(_PIECES_AT - len(before) - 8, b"\0") + at_pieces
    after = after.ljust(_BLOCK - len(before) - 8, b"\0")
    return before + _octal(sum(before) + 8 * ord(" ") + sum(after), 8) + after


def _octal(number: int, width: int) -> bytes:
    return f"{number:0{width - 1}o}\0".encode()
