"""The renames of a restore, on open folders: from wherever they were interrupted, forth as well as back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import ServiceError, UndecidedError
from kino_backup_tui.core.kino.home import DOCUMENTED, Kino
from kino_backup_tui.core.restore.folders import Sets, open_sets
from kino_backup_tui.core.restore.swap import (
    lost_names,
    old_names,
    present_in,
    staged_inodes,
    swap,
    swap_back,
    swap_on,
)
from kino_backup_tui.core.workspace import workspace_of

LEAVING = ("db.sqlite", "db.sqlite-wal", "config.toml", "secrets")
ARRIVING = ("db.sqlite", "config.toml")
FULL = [
    *((name, "data", "old") for name in LEAVING),
    *((name, "new", "data") for name in reversed(ARRIVING)),
    *((name, "data", "failed") for name in reversed(ARRIVING)),
    *((name, "old", "data") for name in LEAVING),
]
"""Every move there is: the swap, then the way back."""
FRESH = [move for move in FULL if "old" not in move]
"""The same where there was nothing before."""


@dataclass(frozen=True)
class Folders:
    """The folders of one restore, open, and to look at."""

    sets: Sets
    paths: dict[str, Path]

    def write(self, folder: str, names: Sequence[str], text: str) -> None:
        """Put files of a set there."""
        for name in names:
            (self.paths[folder] / name).write_text(text)

    def move(self, moves: Sequence[tuple[str, str, str]]) -> None:
        """Do what a process did before it died."""
        for name, source, target in moves:
            (self.paths[source] / name).rename(self.paths[target] / name)

    def held(self, folder: str) -> dict[str, str]:
        """What is there, by its contents."""
        found = self.paths[folder].iterdir()
        return {path.name: path.read_text() for path in found if path.name != ".kino-backup"}

    def everything(self) -> dict[str, dict[str, str]]:
        """What is where."""
        return {folder: self.held(folder) for folder in self.paths}


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[Folders]:
    """A data path and the folders of a restore, all of them empty."""
    workspace = workspace_of(Kino(tmp_path))
    (workspace.folder / "restore").mkdir(parents=True)
    own = workspace.folder / "restore" / "0123456789abcdef"
    with open_sets(workspace, own.name) as sets:
        yield Folders(sets, {"data": tmp_path, **{name: own / name for name in ("new", "old", "failed")}})


@pytest.fixture
def full(folders: Folders) -> Folders:
    """Both sets where they are before a swap."""
    folders.write("data", LEAVING, "old")
    folders.write("new", ARRIVING, "new")
    return folders


def test_a_swap_puts_the_old_set_aside_and_the_new_one_in_place(full: Folders) -> None:
    """Whole, with the log of the old database."""
    swap(full.sets, LEAVING, ARRIVING)

    assert full.everything() == {
        "data": dict.fromkeys(ARRIVING, "new"),
        "new": {},
        "old": dict.fromkeys(LEAVING, "old"),
        "failed": {},
    }


def test_the_database_arrives_last(full: Folders) -> None:
    """Somebody has put a file where one of the others belongs: it still waits, nothing is overwritten."""
    full.write("data", ["config.toml"], "foreign")

    with pytest.raises(ServiceError) as caught:
        swap(full.sets, ["db.sqlite", "db.sqlite-wal"], ARRIVING)

    assert caught.value.message == (
        "config.toml appeared where a file was to be moved: Kino was started meanwhile."
    )
    assert caught.value.hint == "Stop whatever starts Kino, then retry."
    assert full.held("data") == {"config.toml": "foreign", "secrets": "old"}
    assert full.held("new") == dict.fromkeys(ARRIVING, "new")


@pytest.mark.parametrize("moved", range(len(FULL) + 1))
def test_from_anywhere_the_old_set_can_be_put_back(full: Folders, moved: int) -> None:
    """Interrupted in the swap or on the way back; the new set is kept where it is, or with the failed."""
    full.move(FULL[:moved])

    swap_back(full.sets, DOCUMENTED, LEAVING, ARRIVING)

    assert full.held("data") == dict.fromkeys(LEAVING, "old")
    assert full.held("old") == {}
    assert {**full.held("new"), **full.held("failed")} == dict.fromkeys(ARRIVING, "new")


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("moved", range(len(FULL) + 1))
def test_from_anywhere_the_new_set_can_be_put_in_place(full: Folders, moved: int, known: bool) -> None:
    """Interrupted in the swap or on the way back, known files or not; the old set is aside."""
    inodes = staged_inodes(full.sets, DOCUMENTED) if known else {}
    full.move(FULL[:moved])

    swap_on(full.sets, DOCUMENTED, LEAVING, inodes)

    assert full.held("data") == dict.fromkeys(ARRIVING, "new")
    assert full.held("old") == dict.fromkeys(LEAVING, "old")
    assert full.held("new") == full.held("failed") == {}


@pytest.mark.parametrize("moved", range(len(FRESH) + 1))
def test_where_there_was_nothing_before_there_is_nothing_again(folders: Folders, moved: int) -> None:
    """A fresh machine: to go back takes away what has arrived, to go on brings all of it."""
    folders.write("new", ARRIVING, "new")
    inodes = staged_inodes(folders.sets, DOCUMENTED)
    folders.move(FRESH[:moved])

    swap_on(folders.sets, DOCUMENTED, (), inodes)
    assert folders.held("data") == dict.fromkeys(ARRIVING, "new")

    swap_back(folders.sets, DOCUMENTED, (), ARRIVING)
    assert folders.held("data") == folders.held("new") == {}
    assert folders.held("failed") == dict.fromkeys(ARRIVING, "new")


@pytest.mark.parametrize("name", LEAVING)
@pytest.mark.parametrize("moved", [len(LEAVING), len(LEAVING) + len(ARRIVING)])
def test_without_a_file_of_the_old_set_nothing_is_put_back(full: Folders, name: str, moved: int) -> None:
    """Not even the others; what took its place is not taken for it."""
    full.move(FULL[:moved])
    (full.paths["old"] / name).unlink()
    before = full.everything()

    with pytest.raises(
        UndecidedError, match=f"^{name} of the replaced files is neither put aside nor in its"
    ):
        swap_back(full.sets, DOCUMENTED, LEAVING, ARRIVING)

    assert full.everything() == before


@pytest.mark.parametrize("name", ARRIVING)
@pytest.mark.parametrize("moved", [0, 2, len(LEAVING)])
def test_without_a_file_of_the_new_set_it_is_not_put_in_place(full: Folders, name: str, moved: int) -> None:
    """Nothing of the old set leaves for it, and an old file is not taken for a new one."""
    inodes = staged_inodes(full.sets, DOCUMENTED)
    full.move(FULL[:moved])
    (full.paths["new"] / name).unlink()
    before = full.everything()

    with pytest.raises(
        UndecidedError, match=f"^{name} of the restored files is neither in its place nor wai"
    ):
        swap_on(full.sets, DOCUMENTED, LEAVING, inodes)

    assert full.everything() == before


def test_without_a_file_of_the_old_set_the_new_one_is_put_in_place(full: Folders) -> None:
    """What has arrived in its place stays there, and what is gone is not waited for."""
    inodes = staged_inodes(full.sets, DOCUMENTED)
    full.move(FULL[: len(LEAVING) + 1])
    for name in ("config.toml", "db.sqlite-wal"):
        (full.paths["old"] / name).unlink()

    swap_on(full.sets, DOCUMENTED, LEAVING, inodes)

    assert full.held("data") == dict.fromkeys(ARRIVING, "new")
    assert full.held("old") == dict.fromkeys(("db.sqlite", "secrets"), "old")


def test_without_the_journal_only_the_database_has_to_be_there(full: Folders) -> None:
    """What else the new set had is not known then; one without a database is not put in place."""
    (full.paths["new"] / "config.toml").unlink()
    swap_on(full.sets, DOCUMENTED, LEAVING, {})
    assert full.held("data") == {"db.sqlite": "new"}

    swap_back(full.sets, DOCUMENTED, LEAVING, ["db.sqlite"])
    (full.paths["failed"] / "db.sqlite").unlink()
    with pytest.raises(UndecidedError):
        swap_on(full.sets, DOCUMENTED, LEAVING, {})
    assert full.held("data") == dict.fromkeys(LEAVING, "old")


def test_what_is_put_aside_overwrites_nothing(full: Folders) -> None:
    """Files that Kino has made meanwhile, time and again, all stay with the set of the failed."""
    swap(full.sets, LEAVING, ARRIVING)
    full.write("failed", ["config.toml", "db.sqlite", "config.toml~2"], "earlier")

    swap_back(full.sets, DOCUMENTED, LEAVING, ARRIVING)

    assert full.held("failed") == {
        "config.toml": "earlier",
        "config.toml~2": "earlier",
        "config.toml~3": "new",
        "db.sqlite": "earlier",
        "db.sqlite~2": "new",
    }


def test_a_log_that_a_failed_kino_has_begun_never_meets_the_old_database(folders: Folders) -> None:
    """The old database had none; what its successor left beside it goes with that."""
    folders.write("data", ["db.sqlite"], "old")
    folders.write("new", ["db.sqlite"], "new")
    swap(folders.sets, ["db.sqlite"], ["db.sqlite"])
    folders.write("data", ["db.sqlite-wal", "db.sqlite-journal"], "new")

    swap_back(folders.sets, DOCUMENTED, ["db.sqlite"], ["db.sqlite"])

    assert folders.held("data") == {"db.sqlite": "old"}
    assert folders.held("failed") == dict.fromkeys(("db.sqlite", "db.sqlite-wal", "db.sqlite-journal"), "new")


def test_of_a_folder_only_what_a_restore_replaces_counts(full: Folders) -> None:
    """In the order in which it leaves; a link is there, too, wherever it leads."""
    full.write("data", ["film.mkv"], "")
    (full.paths["data"] / "db.sqlite-shm").symlink_to("nowhere")
    full.write("new", ["notes.txt"], "")

    assert present_in(full.sets.data, DOCUMENTED) == (
        "db.sqlite",
        "db.sqlite-wal",
        "db.sqlite-shm",
        "config.toml",
        "secrets",
    )
    inodes = {name: (full.paths["new"] / name).stat().st_ino for name in ARRIVING}
    assert staged_inodes(full.sets, DOCUMENTED) == inodes


@pytest.mark.parametrize("moved", range(1, len(LEAVING) + len(ARRIVING) + 1))
def test_the_old_set_can_be_told_without_the_journal(full: Folders, moved: int) -> None:
    """By what was put aside, and by what is still in its place; what has arrived is none of it."""
    began_ns = full.paths["new"].stat().st_ctime_ns + 10**12
    full.move(FULL[:moved])
    if moved > len(LEAVING):
        # Renamed after the restore began, as its last change of status says: before the epoch nothing was.
        began_ns = 0

    assert old_names(full.sets, DOCUMENTED, began_ns) == LEAVING


def test_a_log_beside_no_database_is_of_the_old_one(full: Folders) -> None:
    """Its last reader may have changed it since the restore began; once a database is there it is of that."""
    full.move([("db.sqlite", "data", "old")])
    assert old_names(full.sets, DOCUMENTED, 0)[:2] == ("db.sqlite", "db.sqlite-wal")

    full.write("data", ["db.sqlite"], "new")
    assert "db.sqlite-wal" not in old_names(full.sets, DOCUMENTED, 10**20)


def test_what_changed_its_status_when_the_restore_began_has_arrived(folders: Folders) -> None:
    """Only what was there before is of the old set; of a link, its own status counts."""
    (folders.paths["data"] / "secrets").symlink_to("nowhere")
    status = (folders.paths["data"] / "secrets").lstat()

    assert old_names(folders.sets, DOCUMENTED, status.st_ctime_ns) == ()
    assert old_names(folders.sets, DOCUMENTED, status.st_ctime_ns + 1) == ("secrets",)


def test_what_has_changed_since_is_of_the_old_set_while_the_new_one_waits(full: Folders) -> None:
    """Kino wrote to it after the restore began; what nothing waits for may have arrived."""
    full.move(FULL[:2])

    assert old_names(full.sets, DOCUMENTED, 0) == ("db.sqlite", "db.sqlite-wal", "config.toml")


def test_lost_is_what_is_neither_aside_nor_in_its_place(full: Folders) -> None:
    """A new file in the place of an old one does not stand for it."""
    inodes = staged_inodes(full.sets, DOCUMENTED)
    assert lost_names(full.sets, LEAVING, inodes) == ()

    swap(full.sets, LEAVING, ARRIVING)
    assert lost_names(full.sets, LEAVING, inodes) == ()

    for path in full.paths["old"].iterdir():
        path.unlink()
    assert lost_names(full.sets, LEAVING, inodes) == LEAVING
    assert lost_names(full.sets, LEAVING, {}) == ("db.sqlite-wal", "secrets")
