"""What Kino 0.3 takes for a backup, and what its own restore does to a database in use."""

from __future__ import annotations

import io
import os
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.demo.shipped.archive import write_archive
from kino_backup_tui.demo.shipped.restoring import RefusedError, extract_database

NOW = datetime(2026, 4, 26, 9, 0, tzinfo=UTC)


def _tar(path: Path, *entries: tuple[str, bytes, bytes]) -> Path:
    with tarfile.open(path, "w:gz", format=tarfile.GNU_FORMAT) as tar:
        for name, kind, content in entries:
            member = tarfile.TarInfo(name)
            member.type, member.size, member.linkname = kind, len(content), "other"
            tar.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize("sparse", [False, True])
def test_the_database_comes_out_as_it_went_in(tmp_path: Path, sparse: bool) -> None:
    """An archive gives back every byte of the database, also with more holes than a header can list."""
    database = tmp_path / "db"
    piece = os.urandom(4096)
    database.write_bytes(b"".join(piece + bytes(8192) for _ in range(60)))
    archive = tmp_path / "backup.tar.gz"
    write_archive(archive, database, kind=BackupKind.MANUAL, version="0.3.2", created_at=NOW, sparse=sparse)
    extract_database(archive, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == database.read_bytes()
    with tarfile.open(archive) as tar:
        assert [member.issparse() for member in tar] == [sparse, False]


def test_other_names_for_the_database_are_not_taken(tmp_path: Path) -> None:
    """Only the path `kino.db` counts, not `./kino.db` or the name that the documentation gives."""
    archive = _tar(tmp_path / "a.tar.gz", ("./kino.db", b"0", b"x"), ("db.sqlite", b"0", b"x"))
    with pytest.raises(RefusedError, match=r"no kino\.db"):
        extract_database(archive, tmp_path / "out")


def test_of_several_databases_the_last_is_taken(tmp_path: Path) -> None:
    """A second entry of the name overwrites the first, and a link is an empty file."""
    two = _tar(tmp_path / "two.tar.gz", ("kino.db", b"0", b"first"), ("kino.db", b"0", b"last"))
    extract_database(two, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"last"
    link = _tar(tmp_path / "link.tar.gz", ("other", b"0", b"first"), ("kino.db", b"1", b""))
    extract_database(link, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b""


def test_a_second_gzip_member_is_not_read(tmp_path: Path) -> None:
    """What is appended as another member of the gzip file does not exist for Kino."""
    archive = _tar(tmp_path / "a.tar.gz", ("kino.db", b"0", b"first"))
    archive.write_bytes(archive.read_bytes() + _tar(tmp_path / "b.gz", ("kino.db", b"0", b"x")).read_bytes())
    extract_database(archive, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"first"


def test_an_archive_of_kino_is_taken(
    shipped: Kino, back_up_as_kino: Callable[..., Path], tmp_path: Path
) -> None:
    """What Kino has made it takes back, with all films."""
    extract_database(back_up_as_kino(), tmp_path / "out")
    with closing(sqlite3.connect(tmp_path / "out")) as connection:
        assert connection.execute("SELECT count(*) FROM movie").fetchone() == (20,)
