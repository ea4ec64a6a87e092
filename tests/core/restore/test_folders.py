"""Where the sets of a restore wait, and what may be moved there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import LocationError
from kino_backup_tui.core.kino.home import DOCUMENTED, KINO_0_3, Kino
from kino_backup_tui.core.restore.folders import (
    NEW,
    OLD,
    ensure_restore_folder,
    inode,
    is_transaction,
    movability_problem,
    moved_names,
    new_transaction,
    open_sets,
    remove_transaction,
    restore_folder,
    set_folder,
    transactions,
    work_folder,
)
from kino_backup_tui.core.workspace import Workspace, workspace_of
from tests.core.operations.restoring import mounted, small_disk

FIRST, SECOND = "ffffffffffffffff", "0000000000000000"


@pytest.fixture
def workspace(kino: Kino) -> Workspace:
    """Its working folder, which is not there yet."""
    return workspace_of(kino)


def test_a_restore_moves_the_database_with_its_side_files_and_what_belongs_to_it() -> None:
    """In the order in which they leave: the database first, so that Kino cannot open it without its log."""
    family = ("db.sqlite", "db.sqlite-wal", "db.sqlite-shm", "db.sqlite-journal")
    assert moved_names(DOCUMENTED) == (*family, "config.toml", "secrets")
    assert moved_names(KINO_0_3) == ("kino.db", "kino.db-wal", "kino.db-shm", "kino.db-journal")


def test_the_sets_wait_beside_the_journal(workspace: Workspace) -> None:
    """Before there is a working folder, and when there is."""
    beside = workspace.data_path / ".kino-backup" / "restore"
    assert work_folder(workspace) == restore_folder(workspace) == beside
    workspace.folder.mkdir()
    assert work_folder(workspace) == beside
    beside.mkdir()
    assert work_folder(workspace) == beside
    assert set_folder(workspace, FIRST, OLD) == beside / FIRST / "old"


@pytest.mark.parametrize("below", ["", "restore"])
def test_the_sets_wait_in_the_data_path_where_the_journal_is_on_another_file_system(
    workspace: Workspace, below: str
) -> None:
    """They could not be renamed to there."""
    workspace.folder.mkdir()
    with small_disk(workspace.folder / below, 64):
        assert work_folder(workspace) == workspace.data_path / ".kino-restore"
        with open_sets(workspace, FIRST):
            assert (workspace.data_path / ".kino-restore" / FIRST / NEW).is_dir()
        assert transactions(workspace) == [FIRST]


def test_names_of_restores_are_told_from_others() -> None:
    """Sixteen digits, another time others; what else lies there is none, nor what a damaged journal has."""
    assert is_transaction(new_transaction())
    assert new_transaction() != new_transaction()
    for name in (None, 7, "", "..", FIRST[1:], FIRST + "f", FIRST.upper(), f"{FIRST}\n"):
        assert not is_transaction(name)


def test_restores_are_listed_by_when_their_folders_were_made(workspace: Workspace) -> None:
    """The newest last, whatever its name; other files are none."""
    assert transactions(workspace) == []
    ensure_restore_folder(workspace)
    for age, name in enumerate((SECOND, FIRST, "journal.json")):
        (restore_folder(workspace) / name).mkdir()
        os.utime(restore_folder(workspace) / name, ns=(0, 10**9 - age))

    assert transactions(workspace) == [FIRST, SECOND]

    remove_transaction(workspace, FIRST)
    remove_transaction(workspace, FIRST)
    assert transactions(workspace) == [SECOND]


def test_a_link_is_itself_and_not_what_it_leads_to(workspace: Workspace) -> None:
    """One that leads nowhere is there as well."""
    ensure_restore_folder(workspace)
    with open_sets(workspace, FIRST) as sets:
        new = set_folder(workspace, FIRST, NEW)
        (new / "file").touch()
        (new / "link").symlink_to("file")
        (new / "nowhere").symlink_to("gone")

        assert inode(sets.new, "file") == (new / "file").lstat().st_ino
        assert inode(sets.new, "link") == (new / "link").lstat().st_ino
        assert inode(sets.new, "gone") is None
        assert sets.has(sets.new, "nowhere")
        assert not sets.has(sets.new, "gone")
        assert not sets.has(sets.old, "file")


def test_a_rollback_has_the_replaced_files_of_the_earlier_restore_for_its_new_set(
    workspace: Workspace,
) -> None:
    """And if they have to leave again, they go back there."""
    ensure_restore_folder(workspace)
    with open_sets(workspace, SECOND, FIRST) as sets:
        assert sets.new == sets.failed
        assert os.fstat(sets.new).st_ino == set_folder(workspace, FIRST, OLD).stat().st_ino
        assert os.fstat(sets.old).st_ino == set_folder(workspace, SECOND, OLD).stat().st_ino
    assert not set_folder(workspace, SECOND, NEW).exists()


def test_the_folders_are_private_and_of_kinos_user(workspace: Workspace) -> None:
    """Also the one of the journal; made a second time they are as they were."""
    if os.geteuid() != 0:
        pytest.skip("needs root to have files of another user")
    os.chown(workspace.kino.database, 12345, 12346)
    workspace = workspace_of(workspace.kino)
    for _ in range(2):
        ensure_restore_folder(workspace)
    with open_sets(workspace, FIRST):
        for path in (restore_folder(workspace), set_folder(workspace, FIRST, OLD)):
            status = path.stat()
            assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (12345, 12346, 0o700)


def test_a_file_in_the_place_of_our_folder_is_told(workspace: Workspace) -> None:
    """With its path, and what to do about it."""
    workspace.folder.mkdir()
    restore_folder(workspace).touch()

    with pytest.raises(LocationError) as caught:
        ensure_restore_folder(workspace)

    assert caught.value.message == f"{restore_folder(workspace)} is not a folder."


def test_a_folder_of_a_restore_that_cannot_be_made_is_told(workspace: Workspace) -> None:
    """With what was to be done, and where."""
    if os.geteuid() != 0:
        pytest.skip("needs root to mount")
    workspace.folder.mkdir()
    with mounted(workspace.folder, "ro"), pytest.raises(LocationError) as caught:
        ensure_restore_folder(workspace)

    assert caught.value.message == f"Could not create {restore_folder(workspace)}: Read-only file system."


@pytest.mark.parametrize("name", ["db.sqlite", "config.toml", "secrets"])
def test_what_is_mounted_on_its_own_cannot_be_moved(kino: Kino, name: str) -> None:
    """A file or folder, of the same file system, whatever comes after it; and the way out is told."""
    assert movability_problem(kino) is None
    with mounted(kino.data_path / name):
        problem = movability_problem(kino)

    assert problem is not None
    assert problem.message == (
        f"{kino.data_path / name} is mounted on its own, so it cannot be replaced together with the rest."
    )
    assert problem.hint == f"Mount {kino.data_path} as a whole instead, then retry."


@pytest.mark.parametrize("name", ["my kino", "\udcff"])
def test_a_mount_point_with_any_name_is_one(tmp_path: Path, name: str) -> None:
    """The kernel lists a space as an octal number, see proc_pid_mountinfo(5), and bytes that are no text."""
    kino = Kino(tmp_path / name)
    kino.secrets.mkdir(parents=True)

    with mounted(kino.secrets):
        assert movability_problem(kino) is not None


def test_a_data_path_that_is_mounted_as_a_whole_can_be_restored(kino: Kino) -> None:
    """What is mounted elsewhere in it is not moved."""
    with mounted(kino.data_path), small_disk(kino.data_path / "media", 64):
        assert movability_problem(kino) is None


def test_a_link_to_another_file_system_can_be_moved(kino: Kino, tmp_path: Path) -> None:
    """It is renamed itself, and so is one that leads nowhere."""
    with small_disk(tmp_path / "fast", 64):
        (tmp_path / "fast" / "config.toml").touch()
        kino.config_file.unlink()
        kino.config_file.symlink_to(tmp_path / "fast" / "config.toml")
        assert movability_problem(kino) is None
