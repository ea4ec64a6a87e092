"""The shipped sample: its database, and archives like those of Kino 0.3."""

from __future__ import annotations

import json
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import BackupKind


def _rows(database: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(sql).fetchall()


def test_every_film_of_the_library_is_there_and_known(shipped: Kino) -> None:
    """What `media` names exists, and both torrents belong to a download."""
    files = _rows(shipped.database, "SELECT file_path FROM media")
    assert len(files) == 20
    assert all(Path(str(path)).is_file() for (path,) in files)
    session = json.loads((shipped.data_path / "librqbit" / "session.json").read_text())
    hashes = {torrent["info_hash"] for torrent in session["torrents"].values()}
    assert hashes == {value for (value,) in _rows(shipped.database, "SELECT torrent_hash FROM download")}


def test_an_archive_of_kino_is_laid_out_as_kino_lays_it_out(
    shipped: Kino, back_up_as_kino: Callable[..., Path]
) -> None:
    """The database first, with file type bits in its mode; a manifest last, without size and checksum."""
    archive = back_up_as_kino(BackupKind.PRE_RESTORE)
    assert archive.name == "kino-backup-pre-restore-2026-04-26T09-00-00Z-v0.3.2.tar.gz"
    assert archive.read_bytes()[:10] == bytes.fromhex("1f8b08000000000000ff")
    with tarfile.open(archive) as tar:
        database, manifest = tar.getmembers()
        content = tar.extractfile(manifest)
        assert content is not None
        said = json.load(content)
    assert (database.name, database.mode, manifest.name) == ("kino.db", 0o100644, "manifest.json")
    assert list(said.values()) == [
        "0.3.2",
        1,
        "pre_restore",
        "2026-04-26T09:00:00.000000789+00:00",
        0,
        "",
    ]
    row = _rows(shipped.database, "SELECT kind, filename, size_bytes, checksum_sha256 FROM backup")
    checksum = sha256(archive.read_bytes()).hexdigest()
    assert row == [("pre_restore", archive.name, archive.stat().st_size, checksum)]


def test_only_as_many_scheduled_backups_stay_as_the_settings_say(
    shipped: Kino, back_up_as_kino: Callable[..., Path]
) -> None:
    """Kino prunes by its rows after a scheduled backup, and never a manual one."""
    manual = back_up_as_kino()
    scheduled = [back_up_as_kino(BackupKind.SCHEDULED) for _ in range(9)]
    assert manual.is_file()
    assert [path.is_file() for path in scheduled] == [False] * 2 + [True] * 7
    assert len(_rows(shipped.database, "SELECT 1 FROM backup")) == 8
