"""A database with holes, as Rust's tar crate and GNU tar write it; and maps that no honest program writes."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from kino_backup_tui.core.archive.peek import LISTING_BYTES, peek_manifest
from kino_backup_tui.core.archive.sparse import MAX_HOLE_BYTES, MAX_MAP_BLOCKS
from kino_backup_tui.core.archive.verify import ReadArchive, read_archive
from kino_backup_tui.core.errors import ArchiveDamagedError, ArchiveRefusedError, OperationCancelledError
from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.core.progress import CancelToken
from kino_backup_tui.demo.shipped.archive import write_archive
from tests.core.archive.archives import manifest_for, member, packed, tar
from tests.fakes import FakeClock

TIB = 1 << 40
MANIFEST = member("manifest.json", manifest_for({}, format=None, kino_version="0.3.2"))

Piece = tuple[int, int]


def octal(number: int) -> bytes:
    """A field of twelve bytes; GNU's base 256 for what has no eleven digits."""
    return b"%011o\0" % number if number < 8**11 else b"\x80" + number.to_bytes(11, "big")


def sparse(
    pieces: Sequence[Piece],
    data: bytes,
    real_size: int,
    *,
    name: str = "kino.db",
    size: int | None = None,
    magic: bytes = b"ustar  \0",
    more: bytes = b"\1",
) -> bytes:
    """A sparse entry, byte by byte: whatever is asked for, true or not."""
    table = [octal(start) + octal(length) for start, length in pieces]
    blocks = [table[at : at + 21] for at in range(4, len(table), 21)]
    head = name.encode().ljust(100, b"\0") + b"0100644\0" + b"0001750\0" * 2
    head += octal(len(data) if size is None else size) + octal(0)
    tail = (b"S" + bytes(100) + magic).ljust(386 - 156, b"\0")
    tail += b"".join(table[:4]).ljust(96, b"\0") + (more if blocks else b"\0") + octal(real_size)
    tail = tail.ljust(512 - 156, b"\0")
    checksum = b"%06o\0 " % (sum(head) + 8 * 32 + sum(tail))
    entry = head + checksum + tail
    for number, block in enumerate(blocks, start=1):
        flag = more if number < len(blocks) else b"\0"
        entry += (b"".join(block).ljust(504, b"\0") + flag).ljust(512, b"\0")
    return entry + data + bytes(-len(data) % 512)


def resealed(entry: bytes) -> bytes:
    """A header that was changed, with the checksum that goes with it."""
    checksum = sum(entry[:148]) + 8 * 32 + sum(entry[156:512])
    return entry[:148] + b"%06o\0 " % checksum + entry[156:]


def archive(entry: bytes) -> bytes:
    """As Kino writes one: the entry first, the manifest last."""
    return packed(entry + tar(MANIFEST))


def read(data: bytes) -> ReadArchive:
    """Read an archive from memory, digests and all."""
    return read_archive(io.BytesIO(data), lambda _count: None)


def digest(data: bytes) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("count", [1, 3, 4, 5, 25, 26, 200])
def test_holes_come_out_as_zeros(count: int) -> None:
    """With the map in the header alone, or with any number of blocks behind it."""
    pieces = [(4096 + number * 8192, 512) for number in range(count)]
    real_size = count * 8192 + 4096
    data = b"".join(bytes([number % 255 + 1]) * 512 for number in range(count))
    expanded = bytearray(real_size)
    for number, (start, length) in enumerate(pieces):
        expanded[start : start + length] = data[number * 512 : number * 512 + 512]

    (content,) = read(archive(sparse([*pieces, (real_size, 0)], data, real_size))).contents

    assert (content.path, content.size) == ("kino.db", real_size)
    assert content.sha256 == digest(bytes(expanded))


def test_a_file_may_end_with_data_of_any_length() -> None:
    """Only the last piece may; then nothing has to mark the end."""
    (content,) = read(archive(sparse([(0, 512), (4096, 100)], b"a" * 612, 4196))).contents

    assert content.sha256 == digest(b"a" * 512 + bytes(3584) + b"a" * 100)


def test_the_samples_sparse_archive_is_the_same_database(tmp_path: Path, clock: FakeClock) -> None:
    """The writer of the sample lays it out as Rust's tar crate does."""
    database = tmp_path / "kino.db"
    content = b"SQLite format 3\0" + b"".join(
        (bytes(4096) if page % 3 else os.urandom(4096)) for page in range(90)
    )
    database.write_bytes(content)
    found = []
    for holes in (False, True):
        path = tmp_path / f"{holes}.tar.gz"
        write_archive(
            path, database, kind=BackupKind.MANUAL, version="0.3.2", created_at=clock.now(), sparse=holes
        )
        with tarfile.open(path) as entries:
            assert entries.getmembers()[0].issparse() is holes
        found.append(read(path.read_bytes()).contents)

    assert found[0] == found[1]
    assert found[0][0].sha256 == digest(content)


@pytest.mark.parametrize("name", ["kino.db", "./kino.db"])
def test_gnu_tar_writes_the_same_format(name: str, tmp_path: Path) -> None:
    """Repacked by hand on a file system with holes."""
    database = tmp_path / "kino.db"
    with database.open("wb") as stream:
        for number in range(40):
            stream.seek(number * 65536 + 8192)
            stream.write(os.urandom(4096))
        stream.truncate(41 * 65536)
    if database.stat().st_blocks * 512 >= database.stat().st_size:
        pytest.skip("needs a file system that makes holes")
    shutil.copyfile(database, tmp_path / "whole")
    (tmp_path / "manifest.json").write_bytes(MANIFEST[1])
    command = ["tar", "-S", "--format=gnu", "-czf", "a.tar.gz", name, "manifest.json"]
    subprocess.run(command, cwd=tmp_path, check=True)

    (content,) = read((tmp_path / "a.tar.gz").read_bytes()).contents

    assert content.sha256 == digest((tmp_path / "whole").read_bytes())


def test_the_manifest_behind_it_is_found_without_writing_zeros() -> None:
    """What nobody wants of a member is passed over, and a hole is nothing to pass over."""
    real_size = MAX_HOLE_BYTES
    data = archive(sparse([(real_size, 0)], b"", real_size))

    manifest = peek_manifest(io.BytesIO(data))

    assert manifest is not None
    assert manifest.kino_version == "0.3.2"


def test_nothing_but_holes_is_a_file_of_zeros() -> None:
    """Some file systems report so of what was just written; whether it is a database is found out later."""
    (content,) = read(archive(sparse([(1 << 20, 0)], b"", 1 << 20))).contents

    assert content.sha256 == digest(bytes(1 << 20))


def test_a_reader_of_zeros_can_be_stopped() -> None:
    """They take time, and no byte of the file is read meanwhile."""
    data = archive(sparse([(MAX_HOLE_BYTES, 0)], b"", MAX_HOLE_BYTES))
    cancel = CancelToken()
    calls = 0

    def advance(_count: int) -> None:
        nonlocal calls
        calls += 1
        if calls > 100:
            cancel.cancel()
        cancel.raise_if_cancelled()

    with pytest.raises(OperationCancelledError):
        read_archive(io.BytesIO(data), advance)
    assert len(data) < LISTING_BYTES


ONE = b"a" * 512
DAMAGED: dict[str, bytes] = {
    "overlapping": sparse([(0, 512), (256, 512), (8192, 0)], ONE * 2, 8192),
    "twice the same": sparse([(0, 512), (0, 512), (8192, 0)], ONE * 2, 8192),
    "descending": sparse([(4096, 512), (0, 512), (8192, 0)], ONE * 2, 8192),
    "beyond the size": sparse([(8192, 512)], ONE, 8192),
    "across the size": sparse([(7936, 512)], ONE, 8192),
    "size lies above": sparse([(0, 512)], ONE, 8192),
    "size lies below": sparse([(0, 512)], ONE, 100),
    "no mark at the end": sparse([(0, 512), (4096, 512)], ONE * 2, 8192),
    "more data than pieces": sparse([(0, 512), (8192, 0)], ONE * 2, 8192),
    "less data than pieces": sparse([(0, 512), (4096, 512), (8192, 0)], ONE, 8192),
    "no pieces": sparse([], b"", 8192),
    "no pieces and data": sparse([], ONE, 512),
    "a crooked piece in between": sparse([(0, 100), (4096, 512), (8192, 0)], b"a" * 612, 8192),
    "a piece of 2^88": sparse([(0, 2**80), (2**80, 0)], ONE, 2**80, size=512),
    "pieces that wrap around": sparse([(2**64 - 512, 1024), (512, 0)], ONE * 2, 512),
    "a bad flag": sparse([(n * 4096, 512) for n in range(5)], ONE * 5, 16896, more=b"\2"),
    "a number that is none": resealed(
        sparse([(0, 512)], ONE, 512).replace(
            octal(0) + octal(512) + bytes(72), b"0000000000x\0" + octal(512) + bytes(72)
        )
    ),
    "cut in the map": sparse([(n * 4096, 512) for n in range(40)], b"", 160256, size=40 * 512)[:700],
}


SAID = {"a bad flag": "damaged map", "a number that is none": "bad number", "cut in the map": "in the middle"}
"""What is told of those that are wrong before the pieces are compared."""


@pytest.mark.parametrize("name", DAMAGED)
def test_a_map_that_does_not_fit_is_damage(name: str) -> None:
    """Nothing is guessed, and nothing is written over anything: it is the map that is told to be wrong."""
    entry = DAMAGED[name]
    data = entry if len(entry) % 512 else entry + tar(MANIFEST)
    with pytest.raises(ArchiveDamagedError, match=SAID.get(name, "whose pieces")):
        read(packed(data))


REFUSED: dict[str, bytes] = {
    "1 TiB of nothing": sparse([(TIB, 0)], b"", TIB),
    "1 TiB with a byte": sparse([(0, 512), (TIB - 512, 512)], ONE * 2, TIB),
    "more pieces than any": sparse(
        [(n * 1024, 0) for n in range(4 + 21 * (MAX_MAP_BLOCKS + 1))], b"", 1024 * 21 * (MAX_MAP_BLOCKS + 5)
    ),
    "USTAR": sparse([(0, 512)], ONE, 512, magic=b"ustar\x0000"),
    "the manifest": sparse([(0, 512)], ONE, 512, name="manifest.json"),
    "a secret": sparse([(0, 512)], ONE, 512, name="secrets/trakt.json"),
    "the settings": sparse([(0, 512)], ONE, 512, name="config.toml"),
    "a log": sparse([(0, 512)], ONE, 512, name="kino.db-wal"),
    "elsewhere": sparse([(0, 512)], ONE, 512, name="../kino.db"),
    "absolute": sparse([(0, 512)], ONE, 512, name="/kino.db"),
    "twice": sparse([(0, 512)], ONE, 512) + sparse([(0, 512)], ONE, 512, name="./kino.db"),
}


@pytest.mark.parametrize("entry", REFUSED.values(), ids=REFUSED.keys())
def test_what_kino_never_writes_is_refused(entry: bytes) -> None:
    """Other files are never sparse, and no database has a tebibyte of nothing."""
    with pytest.raises(ArchiveRefusedError):
        read(archive(entry))


def test_a_pax_header_and_a_map_do_not_go_together() -> None:
    """Two sizes and two formats: which one counts would depend on the reader."""
    record = b"13 size=1024\n"
    pax = member("x", record, kind=tarfile.XHDTYPE)
    with pytest.raises(ArchiveRefusedError, match="sparse"):
        read(packed(tar(pax)[:1024] + sparse([(0, 512)], ONE, 512) + tar(MANIFEST)))
