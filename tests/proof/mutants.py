"""Ways to damage an archive, from the single bit to a manifest that lies; each damaged archive has a name."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

BLOCK = 512
Mutant = tuple[str, bytes]


def flipped(archive: bytes, stride: int = 1) -> Iterator[Mutant]:
    """Each bit of the file, one at a time."""
    for bit in range(0, len(archive) * 8, stride):
        altered = bytearray(archive)
        altered[bit // 8] ^= 1 << bit % 8
        yield f"bit {bit}", bytes(altered)


def truncated(archive: bytes) -> Iterator[Mutant]:
    """The tar cut at each block, packed soundly; and the file cut at each 512 bytes, and near its end."""
    inside = gzip.decompress(archive)
    for length in range(0, len(inside), BLOCK):
        yield f"tar of {length} bytes", _packed(inside[:length])
    for length in sorted({*range(0, len(archive), BLOCK), *range(len(archive) - 16, len(archive))}):
        yield f"file of {length} bytes", archive[:length]


def rearranged(archive: bytes) -> Iterator[Mutant]:
    """Members swapped, left out, repeated, given each other's name or data, or put behind the end."""
    entries, end = split(gzip.decompress(archive))
    for index, entry in enumerate(entries):
        rest = entries[:index] + entries[index + 1 :]
        yield f"without member {index}", _joined(rest, end)
        yield f"member {index} twice", _joined([*entries, entry], end)
        yield f"member {index} behind the end", _joined(rest, end + entry.blocks + end)
        yield f"member {index} as a second gzip", _joined(rest, end) + _packed(entry.blocks)
        for other in range(index):
            order = list(entries)
            order[index], order[other] = order[other], order[index]
            yield f"members {other} and {index} swapped", _joined(order, end)
            named = list(entries)
            named[index] = entry.with_field(0, entries[other].header[:100])
            yield f"member {index} named as {other}", _joined(named, end)
            data = list(entries)
            data[index] = entry._replace(data=entries[other].data)
            yield f"member {index} with the data of {other}", _joined(data, end)


_OUTSIDE = {"path": "../x", "size": 0, "sha256": "0" * 64}
_MIGRATION = {"version": 1, "checksum": "00"}
_LIES: dict[str, tuple[Any, ...]] = {
    "format": (0, 2, -1, "1", None, True, 1.5, 10**400),
    "kino_version": (7, "", "../x", "x" * 100_000, "\x1b[2J", ["0.4.2"]),
    "schema_version": (-1, 10**9, 10**30, "2", True, 1.5, {}),
    "kind": ("weekly", 3, "", None, ["manual"]),
    "created_at": ("yesterday", "2026-04-26", "2026-13-45T99:00:00+02:00", "9999-12-31T23:59:59-23:59", 5),
    "size_bytes": (-1, 1, 10**30, "5", None, True),
    "checksum_sha256": ("0" * 64, "xyz", 5, None, "A" * 64),
    "contents": ("x", {}, [1], [[]], [{}], [{"path": "db.sqlite"}], [_OUTSIDE]),
    "migrations": ("x", [1], [{"version": 1}], [_MIGRATION], [_MIGRATION | {"version": "1"}]),
    "tables": ("x", [1], {"film": -1}, {"film": "20"}, {"film": 19}, {"": 0}, {"x" * 10_000: 1}),
    "left_out": ("x", [1], [{"path": 5}]),
    "layout": (5, "kino-9", "x" * 10_000),
    "instance": (5, [], "\x00"),
    "database_state": ("raw", "perfect", 5),
}
"""What a manifest could say that is not so, by field."""


def lied(archive: bytes) -> Iterator[Mutant]:
    """The manifest edited: each field taken away, or with a value that is wrong, odd or hostile."""
    document = json.loads(_manifest(archive))
    for key in document:
        rest = {name: value for name, value in document.items() if name != key}
        yield f"manifest without {key}", _with_manifest(archive, json.dumps(rest).encode())
    for key, values in _LIES.items():
        for number, value in enumerate(values):
            text = json.dumps(document | {key: value}).encode()
            yield f"manifest with {key} {number}", _with_manifest(archive, text)
    for index, content in enumerate(document.get("contents", [])):
        for key, value in (("size", content["size"] + 1), ("sha256", "0" * 64), ("path", "secrets/other")):
            contents = [dict(one) for one in document["contents"]]
            contents[index][key] = value
            text = json.dumps(document | {"contents": contents}).encode()
            yield f"content {index} with another {key}", _with_manifest(archive, text)
    for name, text in {
        "empty": b"",
        "nested": b"[" * 100_000,
        "no UTF-8": b"\xff\xfe{}",
        "surrogates": b'{"kind": "\\ud800"}',
        "a number of a million digits": b'{"size_bytes": ' + b"9" * 200_000 + b"}",
        "twice the same key": b'{"kind": "manual", "kind": "scheduled"}',
        "too long": b'{"x": "' + b"y" * 300_000 + b'"}',
    }.items():
        yield f"manifest that is {name}", _with_manifest(archive, text)


def at_random(archive: bytes, seed: int, count: int) -> Iterator[Mutant]:
    """So many archives, each damaged in a few places at random, on any of its three levels."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    inside = gzip.decompress(archive)
    ways: tuple[Callable[[random.Random, bytes], bytes], ...] = (_noise, _blocks, _headers)
    for number in range(count):
        if chance.random() < 0.3:
            yield f"random {seed}.{number}, file", _noise(chance, archive)
            continue
        damaged = inside
        for _ in range(chance.randint(1, 3)):
            damaged = chance.choice(ways)(chance, damaged)
        yield f"random {seed}.{number}, tar", _packed(damaged)


class Entry(NamedTuple):
    """A member of a tar, in whole blocks."""

    before: bytes
    """Headers that say something of it, with their data."""
    header: bytes
    data: bytes

    @property
    def blocks(self) -> bytes:
        """All of it, as it stands in the tar."""
        return self.before + self.header + self.data

    def with_field(self, offset: int, value: bytes) -> Entry:
        """The same with other bytes in its header, whose checksum is right."""
        return self._replace(header=_with_field(self.header, offset, value))


def split(inside: bytes) -> tuple[list[Entry], bytes]:
    """The members of a tar, and what ends it."""
    entries: list[Entry] = []
    start = 0
    before = b""
    while any(header := inside[start : start + BLOCK]):
        length = -(-int(header[124:136].strip(b" \0") or b"0", 8) // BLOCK) * BLOCK
        data = inside[start + BLOCK : start + BLOCK + length]
        start += BLOCK + length
        if header[156:157] in (b"x", b"g", b"L"):
            before += header + data
        else:
            entries.append(Entry(before, header, data))
            before = b""
    return entries, inside[start:]


def _joined(entries: Sequence[Entry], end: bytes) -> bytes:
    return _packed(b"".join(entry.blocks for entry in entries) + end)


def _packed(data: bytes) -> bytes:
    return gzip.compress(data, compresslevel=1, mtime=0)


def _noise(chance: random.Random, data: bytes) -> bytes:
    altered = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        if altered:
            altered[chance.randrange(len(altered))] = chance.randrange(256)
    return bytes(altered)


def _blocks(chance: random.Random, data: bytes) -> bytes:
    """A run of blocks taken out, repeated or zeroed."""
    count = len(data) // BLOCK
    first = chance.randrange(count or 1) * BLOCK
    last = first + chance.randint(1, 4) * BLOCK
    part = data[first:last]
    return data[:first] + chance.choice((b"", part + part, bytes(len(part)))) + data[last:]


_FIELDS = (
    (0, 100),
    (100, 8),
    (108, 8),
    (116, 8),
    (124, 12),
    (136, 12),
    (156, 1),
    (157, 100),
    (257, 8),
    (345, 155),
)
_NUMBERS = (b"\0", b"\xff" * 12, b"77777777777\0", b"-1", b"\x80" + b"\xff" * 11)
_NAMES = (b"../../etc/x\0", b"secrets/a\0", b"db.sqlite\0", b"kino.db\0", b"ustar\x0000", b"ustar  \0")
_TYPES = (b"1", b"2", b"5", b"S", b"x", b"L", b"g", b"K")
_VALUES = (*_NUMBERS, *_NAMES, *_TYPES)


def _headers(chance: random.Random, data: bytes) -> bytes:
    """A field of a header replaced by something a tar might hold, and the checksum repaired."""
    count = len(data) // BLOCK
    if not count:
        return data
    first = chance.randrange(count) * BLOCK
    offset, length = chance.choice(_FIELDS)
    value = chance.choice(_VALUES)[:length]
    return data[:first] + _with_field(data[first : first + BLOCK], offset, value) + data[first + BLOCK :]


def _with_field(header: bytes, offset: int, value: bytes) -> bytes:
    altered = bytearray(header.ljust(BLOCK, b"\0"))
    altered[offset : offset + len(value)] = value
    altered[148:156] = b" " * 8
    altered[148:156] = b"%06o\0 " % sum(altered)
    return bytes(altered)


def _is_manifest(entry: Entry) -> bool:
    return entry.header[:100].rstrip(b"\0").removeprefix(b"./") == b"manifest.json"


def _manifest(archive: bytes) -> bytes:
    entries, _ = split(gzip.decompress(archive))
    return next(entry.data for entry in entries if _is_manifest(entry)).rstrip(b"\0")


def _with_manifest(archive: bytes, text: bytes) -> bytes:
    entries, end = split(gzip.decompress(archive))
    padded = text + bytes(-len(text) % BLOCK)
    return _joined(
        [
            entry.with_field(124, b"%011o\0" % len(text))._replace(data=padded)
            if _is_manifest(entry)
            else entry
            for entry in entries
        ],
        end,
    )
