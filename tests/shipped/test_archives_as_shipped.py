"""Archives of Kino 0.3, and of ours: what Kino's documentation promises and its program does not do."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import tarfile
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import ArchiveDamagedError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.index import index_of
from kino_backup_tui.core.models import BackupKind, BackupStatus
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.import_ import import_backup
from kino_backup_tui.core.operations.listing import complete_listing, find_backup, list_backups
from kino_backup_tui.core.operations.status import read_status
from kino_backup_tui.core.operations.verify import verify_backup
from kino_backup_tui.core.progress import CancelToken, Control
from kino_backup_tui.demo.occasions import damage
from kino_backup_tui.demo.shipped.restoring import extract_database
from kino_backup_tui.tui.screens.detail import facts_text


def test_an_archive_whose_manifest_proves_nothing_is_proven_by_what_is_in_it(
    shipped_context: Context, back_up_as_kino: Callable[..., Path], tmp_path: Path
) -> None:
    """Without a size and a checksum it is no damaged one, also where no row describes it."""
    away = tmp_path / "away"
    away.mkdir()
    archive = back_up_as_kino().rename(away / "kino-backup-2026-04-26T09-00-00Z-v0.3.2.tar.gz")

    verified = verify_backup(shipped_context, find_backup(shipped_context, str(archive)), Control())

    assert (verified.status, verified.problem) == (BackupStatus.VERIFIED, "")


def test_a_row_of_kino_convicts_the_archive_that_it_does_not_describe(
    shipped_context: Context, back_up_as_kino: Callable[..., Path], tmp_path: Path
) -> None:
    """A whole archive that is another than Kino has recorded is damaged to Kino, and to us."""
    archive, other = back_up_as_kino(), back_up_as_kino()
    archive.write_bytes(other.read_bytes())

    with pytest.raises(ArchiveDamagedError):
        verify_backup(shipped_context, find_backup(shipped_context, archive.name), Control())


def test_a_worn_archive_of_kino_is_found_without_a_checksum(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """What gzip and the database say of themselves is enough."""
    archive = back_up_as_kino()
    index_of(shipped).forget([archive.name])
    damage(archive)

    with pytest.raises(ArchiveDamagedError):
        verify_backup(shipped_context, find_backup(shipped_context, archive.name), Control())


def test_an_archive_of_ours_proves_itself_and_holds_the_credentials(
    shipped: Kino, shipped_context: Context, tmp_path: Path
) -> None:
    """Its manifest has the digest of the database, which Kino's own reader finds whole, key and all."""
    backup = create_backup(shipped_context, Control()).backup
    extract_database(backup.path, tmp_path / "out")

    with (
        closing(sqlite3.connect(tmp_path / "out")) as restored,
        closing(sqlite3.connect(shipped.database)) as live,
    ):
        query = "SELECT api_key, trakt_client_secret FROM config"
        assert restored.execute(query).fetchone() == live.execute(query).fetchone()
    with tarfile.open(backup.path) as tar:
        content = tar.extractfile("manifest.json")
        assert content is not None
        said = json.load(content)
    assert sha256((tmp_path / "out").read_bytes()).hexdigest() in json.dumps(said)


def test_two_backups_in_one_second_are_two_backups(shipped: Kino, shipped_context: Context) -> None:
    """Each has a file of its own, and a row that describes it."""
    made = [create_backup(shipped_context, Control()).backup.path for _ in range(3)]

    assert len(set(made)) == 3
    described = {row.filename: row.checksum_sha256 for row in index_of(shipped).rows()}
    assert described == {path.name: sha256(path.read_bytes()).hexdigest() for path in made}


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_nobody_else_reads_the_credentials_in_a_backup(
    shipped_context: Context,
    back_up_as_kino: Callable[..., Path],
    tmp_path: Path,
    umask: int,
) -> None:
    """One made here, and one of Kino's that is brought from elsewhere, whatever the umask."""
    foreign = back_up_as_kino().rename(tmp_path / "kino-backup-2026-04-26T09-00-00Z-v0.3.2.tar.gz")
    foreign.chmod(0o644)
    before = os.umask(umask)
    try:
        made = create_backup(shipped_context, Control()).backup.path
        brought = import_backup(shipped_context, foreign, Control()).backup.path
    finally:
        os.umask(before)

    for path in (made, brought):
        assert stat.S_IMODE(path.stat().st_mode) & 0o007 == 0


def test_the_kind_of_a_backup_is_known_without_its_row(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """A scheduled one and a manual one have the same name; the manifest tells them apart."""
    kinds = (BackupKind.PRE_RESTORE, BackupKind.MANUAL, BackupKind.SCHEDULED)
    archives = {back_up_as_kino(kind).name: kind for kind in kinds}
    index_of(shipped).forget(list(archives))

    complete_listing(shipped_context, CancelToken())

    listed = {backup.filename: backup.kind for backup in list_backups(shipped_context).backups}
    assert listed == archives


def test_a_backup_without_a_file_promises_nothing(
    shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """Kino lists it still; nobody is asked to have it read."""
    back_up_as_kino().unlink()
    (ghost,) = list_backups(shipped_context, everything=True).backups

    shown = facts_text(ghost, "", shipped_context.clock.now(), shipped_context.clock.zone()).plain

    assert "there is no such file" in shown
    assert "press v" not in shown


def test_the_kind_of_the_newest_is_known_before_it_is_read(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """Its manifest is too far inside for a glance; Kino's list says what it is."""
    with closing(sqlite3.connect(shipped.database)) as connection, connection:
        connection.execute("INSERT INTO webhook_target (url, headers) VALUES ('', randomblob(4000000))")
    back_up_as_kino(BackupKind.SCHEDULED)

    newest = read_status(shipped_context).newest

    assert newest is not None
    assert newest.needs_reading
    assert newest.kind is BackupKind.SCHEDULED
