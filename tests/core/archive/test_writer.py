"""What the writer puts into headers."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from kino_backup_tui.core.archive.gzip_stream import GzipReader
from kino_backup_tui.core.archive.tar_stream import TarReader
from kino_backup_tui.core.archive.writer import Source, write_archive


@pytest.mark.parametrize(
    "name", ["db.sqlite", "secrets/" + "n" * 92, "secrets/" + "n" * 93, "secrets/ключ.json"]
)
def test_pythons_tarfile_agrees_on_every_header(tmp_path: Path, name: str) -> None:
    """Short names have a USTAR header, longer ones a pax one; no owner, no time, 0600."""
    file = tmp_path / "data"
    file.write_bytes(b"x" * 1000)
    out = io.BytesIO()

    write_archive(out, b"{}", [Source(name, file, 1000)], lambda _count: None)

    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as archive:
        first, second = archive.getmembers()
    assert (first.name, second.name, second.size) == ("manifest.json", name, 1000)
    assert {(m.mode, m.uid, m.gid, m.uname, m.gname, m.mtime, m.type) for m in (first, second)} == {
        (0o600, 0, 0, "", "", 0, tarfile.REGTYPE)
    }


def test_the_archive_is_padded_to_a_record(tmp_path: Path) -> None:
    """As tar does by default: a multiple of 10,240 bytes."""
    out = io.BytesIO()

    write_archive(out, b"{}", [], lambda _count: None)

    reader = GzipReader(io.BytesIO(out.getvalue()), lambda _piece: None)
    assert len(reader.read_exactly(10_240)) == 10_240
    assert not reader.read(1)


def test_the_reader_reads_what_the_writer_writes(tmp_path: Path) -> None:
    """An empty member and one of exactly a block come back with their sizes."""
    out = io.BytesIO()
    sources = []
    for number, size in enumerate((0, 512, 513)):
        file = tmp_path / str(number)
        file.write_bytes(b"x" * size)
        sources.append(Source(f"secrets/{number}", file, size))

    write_archive(out, b"{}", sources, lambda _count: None)

    reader = TarReader(
        GzipReader(io.BytesIO(out.getvalue()), lambda _piece: None), frozenset(("manifest.json",))
    )
    assert [(member.path, member.size) for member in reader.members()] == [
        ("manifest.json", 2),
        ("secrets/0", 0),
        ("secrets/1", 512),
        ("secrets/2", 513),
    ]
