"""What Kino's own list adds to a listing, and what of it is believed."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import ArchiveDamagedError, DatabaseDamagedError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.index import IndexRow, index_of
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus, EntryRole
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.delete import delete_backup
from kino_backup_tui.core.operations.listing import complete_listing, find_backup, list_backups
from kino_backup_tui.core.operations.plan import plan_restore
from kino_backup_tui.core.operations.session import open_session
from kino_backup_tui.core.operations.verify import verify_backup
from kino_backup_tui.core.progress import CancelToken, Control
from kino_backup_tui.demo.shipped.archive import write_archive
from kino_backup_tui.presentation.text import reservation_text, summary_text
from tests.core.operations.kinos_list import rows, set_location
from tests.fakes import FakeClock


@pytest.mark.usefixtures("large")
def test_the_list_tells_the_kind_of_an_archive_that_nobody_has_read(
    shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """Kino's archives say it at their very end only, and by their name only before a restore."""
    scheduled, manual = back_up_as_kino(BackupKind.SCHEDULED), back_up_as_kino()

    kinds = {b.filename: (b.kind, b.schema_version) for b in list_backups(shipped_context).backups}

    assert kinds == {scheduled.name: (BackupKind.SCHEDULED, 1), manual.name: (BackupKind.MANUAL, 1)}


def test_what_kino_alone_knows_is_listed_as_missing_and_cannot_be_restored(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """It appears with everything else that is no backup, and never among the backups."""
    archive = back_up_as_kino()
    archive.unlink()

    assert list_backups(shipped_context).backups == ()
    (ghost,) = list_backups(shipped_context, everything=True).backups
    assert (ghost.role, ghost.filename, ghost.kind) == (EntryRole.MISSING, archive.name, BackupKind.MANUAL)
    assert str(shipped.default_location) in ghost.problem

    delete_backup(shipped_context, find_backup(shipped_context, archive.name), Control())

    assert rows(shipped) == {}
    assert list_backups(shipped_context, everything=True).backups == ()


def test_a_name_that_leads_out_of_the_location_is_never_followed(
    shipped: Kino, shipped_context: Context, tmp_path: Path
) -> None:
    """Not shown, not found, not deleted, whatever it names."""
    victim = tmp_path / "kino" / "library" / "film.mkv"
    victim.write_bytes(b"a film")
    for name in (str(victim), "../library/film.mkv"):
        row = IndexRow("manual", name, 6, "0.3.2", "ab" * 32, "2026-04-01T00:00:00+00:00")
        index_of(shipped).update([row])

    assert list_backups(shipped_context, everything=True).backups == ()
    assert victim.is_file()


def test_an_archive_in_a_former_location_is_no_missing_file(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path], tmp_path: Path
) -> None:
    """It is listed where it is; that Kino looks for it elsewhere is no second backup."""
    archive = back_up_as_kino()
    new = tmp_path / "disk"
    new.mkdir()
    set_location(shipped, new)

    (listed,) = list_backups(shipped_context, everything=True).backups

    assert (listed.path, listed.elsewhere, listed.role) == (archive, True, EntryRole.BACKUP)


@pytest.mark.usefixtures("large")
def test_an_archive_is_inflated_once_and_known_from_then_on(
    shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """One reading to the end gives manifest and checksum; a second listing reads nothing of it."""
    archive = back_up_as_kino()
    assert list_backups(shipped_context).backups[0].needs_reading

    assert complete_listing(shipped_context, CancelToken()) is True

    (backup,) = list_backups(shipped_context).backups
    assert backup.manifest is not None
    assert backup.checksum_sha256 == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert not backup.needs_reading
    assert complete_listing(shipped_context, CancelToken()) is False


def test_an_archive_of_kino_is_verified_although_it_records_nothing(
    shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """gzip, tar and the database are sound, and the checksum is the one in Kino's list."""
    archive = back_up_as_kino(BackupKind.SCHEDULED)

    backup = verify_backup(shipped_context, find_backup(shipped_context, archive.name), Control())

    assert (backup.status, backup.kind) == (BackupStatus.VERIFIED, BackupKind.SCHEDULED)
    assert backup.checksum_sha256 == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert reservation_text(backup) == "whole, with a sound database; nothing recorded in it to compare with"


def test_an_archive_that_is_not_what_kino_has_listed_is_damaged(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """Whole in itself, and another one: neither verified nor restored, until it is somewhere else."""
    first, second = back_up_as_kino(), back_up_as_kino()
    shutil.copyfile(second, first)

    with pytest.raises(ArchiveDamagedError, match="list describes"):
        verify_backup(shipped_context, find_backup(shipped_context, first.name), Control())

    damaged = find_backup(shipped_context, first.name)
    assert damaged.status is BackupStatus.DAMAGED
    plan = plan_restore(shipped_context, damaged, Control())
    assert any("list describes" in problem.message for problem in plan.blockers)
    elsewhere = shipped.data_path.parent / first.name
    shutil.copyfile(first, elsewhere)
    assert not [
        problem
        for problem in plan_restore(shipped_context, elsewhere, Control()).blockers
        if isinstance(problem, ArchiveDamagedError)
    ]


def test_of_twins_one_row_is_enough(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path], clock: FakeClock
) -> None:
    """Two backups in one second: the row of the first describes a file that the second has truncated."""
    archive = back_up_as_kino()
    clock.advance(minutes=-1)
    with closing(sqlite3.connect(shipped.database)) as connection, connection:
        connection.execute("INSERT INTO history (event_type, created_at) VALUES ('x', 'y')")
    back_up_as_kino()

    backup = verify_backup(shipped_context, find_backup(shipped_context, archive.name), Control())

    assert backup.status is BackupStatus.VERIFIED


def test_a_dead_database_does_not_keep_an_archive_from_being_verified(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """What the list said is lost with it; the archive stands for itself."""
    archive = back_up_as_kino()
    for end in ("-wal", "-shm"):
        shipped.database.with_name(shipped.database.name + end).unlink(missing_ok=True)
    shipped.database.write_bytes(b"no database " * 1000)

    backup = verify_backup(shipped_context, find_backup(shipped_context, archive.name), Control())

    assert backup.status is BackupStatus.VERIFIED


def test_an_archive_of_zeros_is_damaged(
    shipped_context: Context, back_up_as_kino: Callable[..., Path], tmp_path: Path
) -> None:
    """A file system that reports what was just written as one hole makes Kino archive nothing but zeros."""
    archive = back_up_as_kino()
    zeros = tmp_path / "zeros.db"
    zeros.write_bytes(bytes(1 << 16))
    index_of(shipped_context.kino).forget([archive.name])
    write_archive(
        archive,
        zeros,
        kind=BackupKind.MANUAL,
        version="0.3.2",
        created_at=shipped_context.clock.now(),
        sparse=True,
    )

    with pytest.raises(DatabaseDamagedError):
        verify_backup(shipped_context, find_backup(shipped_context, archive.name), Control())


def test_nobody_looks_into_the_list_while_the_database_is_being_replaced(
    shipped: Kino, shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """Whoever has it open then is in the way of the restore."""
    back_up_as_kino().unlink()
    session = open_session(shipped_context)
    session.workspace.ensure()
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from kino_backup_tui.core.clock import SystemClock\n"
        "from kino_backup_tui.core.jobs.job import run_job\n"
        "from kino_backup_tui.core.kino.home import KINO_0_3, Kino\n"
        "from kino_backup_tui.core.progress import Control\n"
        "from kino_backup_tui.core.workspace import workspace_of\n"
        "workspace = workspace_of(Kino(Path(sys.argv[1]), KINO_0_3))\n"
        "with run_job(workspace, 'restore', SystemClock(), Control()):\n"
        "    print('ready', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(shipped.data_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as restoring:
        assert restoring.stdout is not None
        restoring.stdout.readline()

        assert list_backups(shipped_context, everything=True).backups == ()

        restoring.communicate()
    (ghost,) = list_backups(shipped_context, everything=True).backups
    assert ghost.role is EntryRole.MISSING


def test_a_backup_that_kinos_page_does_not_show_says_so(
    shipped: Kino, shipped_context: Context, make: Callable[..., Backup], back_up_as_kino: Callable[..., Path]
) -> None:
    """In the line that tells what is inside; of a listed one nothing is said."""
    listed, other = back_up_as_kino(), make()
    index_of(shipped).forget([other.filename])

    texts = {b.filename: summary_text(b) for b in list_backups(shipped_context, everything=True).backups}

    assert texts[other.filename].endswith(" · not on Kino's own page")
    assert "page" not in texts[listed.name]


def test_the_kind_of_a_damaged_archive_is_known_from_the_list(
    shipped_context: Context, back_up_as_kino: Callable[..., Path]
) -> None:
    """Nothing but Kino's list can tell it any more."""
    archive = back_up_as_kino(BackupKind.SCHEDULED)
    data = archive.read_bytes()
    archive.write_bytes(data[: len(data) // 2])

    (backup,) = list_backups(shipped_context).backups

    assert (backup.status, backup.kind) == (BackupStatus.DAMAGED, BackupKind.SCHEDULED)
