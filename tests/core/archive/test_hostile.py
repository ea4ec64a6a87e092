"""Archives that no honest program writes are refused whole, with a reason."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Callable

import pytest

from kino_backup_tui.core.archive.manifest import is_raw
from kino_backup_tui.core.archive.verify import read_archive
from kino_backup_tui.core.errors import ArchiveDamagedError, ArchiveError, ArchiveRefusedError
from tests.core.archive.archives import DATABASE, honest, manifest_for, member, packed, tar

MANIFEST = member("manifest.json", manifest_for({"db.sqlite": DATABASE}))
DB = member("db.sqlite", DATABASE)


def ignore(_count: int) -> None:
    """Nobody looks at the progress here."""


def read(data: bytes) -> None:
    """Read an archive from memory."""
    read_archive(io.BytesIO(data), ignore)


def pax(name: str, headers: dict[str, str]) -> tuple[tarfile.TarInfo, bytes]:
    """A database member behind a pax header."""
    return member(name, DATABASE, pax_headers=headers)


def test_an_honest_archive_is_read() -> None:
    """The measure for all that follows."""
    result = read_archive(io.BytesIO(honest({"secrets/a.json": b"{}"})), ignore)

    assert [content.path for content in result.contents] == ["config.toml", "db.sqlite", "secrets/a.json"]
    assert result.manifest.schema_version == 2


def test_a_raw_archive_may_have_the_files_beside_its_database() -> None:
    """They are the state of a database that nobody could read, byte for byte."""
    beside = {"db.sqlite-wal": b"log", "db.sqlite-shm": b"index", "db.sqlite-journal": b""}

    result = read_archive(io.BytesIO(honest(beside, database_state="raw")), ignore)

    assert is_raw(result.manifest)
    assert beside.keys() < {content.path for content in result.contents}


HOSTILE: dict[str, Callable[[], bytes]] = {
    "absolute name": lambda: packed(tar(MANIFEST, member("/etc/passwd", b"x"), DB)),
    "parent": lambda: packed(tar(MANIFEST, member("../db.sqlite", b"x"), DB)),
    "parent inside": lambda: packed(tar(MANIFEST, member("secrets/../../x", b"x"), DB)),
    "dot": lambda: packed(tar(MANIFEST, member("secrets/./x", b"x"), DB)),
    "empty part": lambda: packed(tar(MANIFEST, member("secrets//x", b"x"), DB)),
    "empty name": lambda: packed(tar(MANIFEST, member("", b"x"), DB)),
    "other file": lambda: packed(tar(MANIFEST, member("readme.txt", b"x"), DB)),
    "control character": lambda: packed(tar(MANIFEST, member("secrets/\x1b[2J", b"x"), DB)),
    "right to left": lambda: packed(tar(MANIFEST, member("secrets/\u202egpj", b"x"), DB)),
    "backslash": lambda: packed(tar(MANIFEST, member("secrets/..\\x", b"x"), DB)),
    "trailing slash file": lambda: packed(tar(MANIFEST, member("secrets/x/", b"x"), DB)),
    "foreign folder": lambda: packed(tar(MANIFEST, member("etc/", kind=tarfile.DIRTYPE), DB)),
    "folder with data": lambda: packed(tar(MANIFEST, member("secrets", b"x", kind=tarfile.DIRTYPE), DB)),
    "symbolic link": lambda: packed(
        tar(MANIFEST, member("config.toml", kind=tarfile.SYMTYPE, linkname="/x"), DB)
    ),
    "hard link": lambda: packed(
        tar(MANIFEST, member("config.toml", kind=tarfile.LNKTYPE, linkname="db.sqlite"), DB)
    ),
    "character device": lambda: packed(tar(MANIFEST, member("config.toml", kind=tarfile.CHRTYPE), DB)),
    "block device": lambda: packed(tar(MANIFEST, member("config.toml", kind=tarfile.BLKTYPE), DB)),
    "pipe": lambda: packed(tar(MANIFEST, member("config.toml", kind=tarfile.FIFOTYPE), DB)),
    "gnu sparse": lambda: packed(tar(MANIFEST, member("db.sqlite", kind=tarfile.GNUTYPE_SPARSE))),
    "pax sparse": lambda: packed(
        tar(MANIFEST, pax("db.sqlite", {"GNU.sparse.size": "9"}), form=tarfile.PAX_FORMAT)
    ),
    "pax path outside": lambda: packed(
        tar(MANIFEST, pax("db.sqlite", {"path": "../x"}), form=tarfile.PAX_FORMAT)
    ),
    "pax link": lambda: packed(tar(MANIFEST, pax("db.sqlite", {"linkpath": "/x"}), form=tarfile.PAX_FORMAT)),
    "pax bomb": lambda: packed(
        tar(MANIFEST, pax("db.sqlite", {"comment": "x" * 10**6}), form=tarfile.PAX_FORMAT)
    ),
    "long name bomb": lambda: packed(
        tar(MANIFEST, member("secrets/" + "x" * 10**6, b"x"), form=tarfile.GNU_FORMAT)
    ),
    "duplicate": lambda: packed(tar(MANIFEST, DB, DB)),
    "duplicate in other case": lambda: packed(
        tar(
            member("manifest.json", manifest_for({}, format=None)),
            DB,
            member("secrets/A", b"1"),
            member("secrets/a", b"2"),
        )
    ),
    "two databases": lambda: packed(
        tar(member("manifest.json", manifest_for({}, format=None)), DB, member("kino.db", b"x"))
    ),
    "undeclared member": lambda: packed(tar(MANIFEST, DB, member("secrets/x", b"x"))),
    "lying size": lambda: packed(tar(MANIFEST, member("db.sqlite", DATABASE + b"!"))),
    "second gzip member": lambda: packed(tar(MANIFEST, DB)) + packed(b"evil"),
    "data behind": lambda: packed(tar(MANIFEST, DB)) + b"evil",
    "data behind the end mark": lambda: packed(tar(MANIFEST, DB) + tar(DB)),
    "endless padding": lambda: packed(tar(MANIFEST, DB) + bytes(64 * 1024 * 1024)),
    "many members": lambda: packed(
        tar(
            member("manifest.json", manifest_for({}, format=None)),
            *(member(f"secrets/{n}") for n in range(10_001)),
            DB,
        )
    ),
    "huge manifest": lambda: packed(tar(member("manifest.json", b'{"x":"' + b"y" * 300_000 + b'"}'), DB)),
    "duplicate key": lambda: packed(
        tar(member("manifest.json", b'{"kind":"manual","kind":"scheduled"}'), DB)
    ),
    "log beside a finished database": lambda: honest({"db.sqlite-wal": b"x"}),
    "log with a state of another kind": lambda: honest({"db.sqlite-shm": b"x"}, database_state="consistent"),
    "log that no manifest lists": lambda: packed(
        tar(member("manifest.json", b"{}"), DB, member("db.sqlite-journal", b"x"))
    ),
    "log in front of its manifest": lambda: packed(
        tar(member("db.sqlite-wal", b"x"), member("manifest.json", b"{}"), DB)
    ),
    "log of another database": lambda: honest({"kino.db-wal": b"x"}, database_state="raw"),
    "raw without a list": lambda: packed(
        tar(member("manifest.json", b'{"database_state": "raw"}'), DB, member("db.sqlite-wal", b"x"))
    ),
    "file beside the database": lambda: honest({"db.sqlite-backup": b"x"}, database_state="raw"),
    "folder beside the database": lambda: honest({"db.sqlite-wal/x": b"x"}, database_state="raw"),
    "manifest path outside": lambda: honest(
        contents=[{"path": "../x", "size": 0, "sha256": "0" * 64}], size_bytes=0
    ),
}


@pytest.mark.parametrize("build", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_archive_is_refused(build: Callable[[], bytes]) -> None:
    """Links, devices, odd names, duplicates, lies and bombs end in one named error."""
    with pytest.raises(ArchiveError) as caught:
        read(build())

    assert caught.value.message.endswith(".")


DAMAGED: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "not gzip": lambda: b"PK\x03\x04" + bytes(600),
    "plain tar": lambda: tar(MANIFEST, DB),
    "gzip of text": lambda: packed(b"hello" * 300),
    "no end mark": lambda: packed(tar(MANIFEST, DB)[:-1024]),
    "no manifest": lambda: packed(tar(DB)),
    "no database": lambda: packed(tar(member("manifest.json", manifest_for({}, format=None)))),
    "missing member": lambda: packed(
        tar(member("manifest.json", manifest_for({"db.sqlite": DATABASE, "secrets/x": b"x"})), DB)
    ),
    "other bytes": lambda: packed(tar(MANIFEST, member("db.sqlite", DATABASE[:-1] + b"!"))),
    "manifest not json": lambda: packed(tar(member("manifest.json", b"{"), DB)),
    "manifest nested": lambda: packed(tar(member("manifest.json", b"[" * 100_000), DB)),
    "manifest list": lambda: packed(tar(member("manifest.json", b"[]"), DB)),
    "manifest nan": lambda: packed(tar(member("manifest.json", b'{"schema_version": NaN}'), DB)),
    "schema not a number": lambda: honest(schema_version="2"),
    "schema negative": lambda: honest(schema_version=-1),
    "schema boolean": lambda: honest(schema_version=True),
    "list of contents gone": lambda: honest(contents=[]),
    "total wrong": lambda: honest(size_bytes=1),
    "checksum wrong": lambda: honest(checksum_sha256="0" * 64),
    "date without offset": lambda: honest(created_at="2026-04-26T03:00:00"),
}


@pytest.mark.parametrize("build", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_archive_is_named_as_such(build: Callable[[], bytes]) -> None:
    """What is broken rather than hostile says so."""
    with pytest.raises(ArchiveDamagedError):
        read(build())


def test_every_truncation_is_noticed() -> None:
    """An archive cut anywhere is never taken for whole."""
    whole = honest()

    for length in range(len(whole)):
        with pytest.raises(ArchiveDamagedError):
            read(whole[:length])


def test_every_flipped_byte_is_noticed_or_harmless() -> None:
    """With any byte altered, the archive is refused, or its members are exactly as they were."""
    whole = honest()
    expected = read_archive(io.BytesIO(whole), ignore).contents
    silent = 0

    for position in range(len(whole)):
        altered = bytearray(whole)
        altered[position] ^= 0xFF
        try:
            result = read_archive(io.BytesIO(bytes(altered)), ignore)
        except ArchiveError:
            continue
        assert result.contents == expected
        silent += 1

    # Only bytes of the gzip header that carry no meaning: flags of the writer, time and system (RFC 1952).
    assert silent <= 10


def test_a_bomb_costs_no_memory() -> None:
    """Four gigabytes of zeros in a few megabytes are refused by their declared size, not by running out."""
    declared = member("db.sqlite", b"")
    declared[0].size = 4 * 1024**3
    head = declared[0].tobuf(tarfile.USTAR_FORMAT)
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    data = bomb.compress(tar(MANIFEST)[:-1024] + head + bytes(1024**2)) + bomb.flush()

    with pytest.raises(ArchiveRefusedError, match="of 4294967296 bytes"):
        read(data)


def test_gzip_checksum_is_compared() -> None:
    """A wrong CRC in the trailer is damage even where every member fits."""
    whole = bytearray(gzip.compress(tar(MANIFEST, DB), mtime=0))
    whole[-8] ^= 1

    with pytest.raises(ArchiveDamagedError):
        read(bytes(whole))
