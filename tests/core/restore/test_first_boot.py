"""What Kino does at its first start on a database, told from its rows and from files on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from kino_backup_tui.core.errors import LibraryMissingError, OperationCancelledError
from kino_backup_tui.core.kino.path_map import Mounted
from kino_backup_tui.core.kino.rows import Row, Rows
from kino_backup_tui.core.kino.torrents import Torrent
from kino_backup_tui.core.progress import CancelToken
from kino_backup_tui.core.restore.first_boot import (
    MOST_CHECKED,
    FirstBoot,
    Host,
    Library,
    Removal,
    foresee,
    library_problem,
    look_for_library,
)

HASH = "ab" * 20


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A folder with four films."""
    folder = tmp_path / "library"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.mkv").touch()
    return folder


def rows_of(library: Path | None, files: int = 4, *downloads: Row) -> Rows:
    """A database that knows so many films of a library, and downloads."""
    config: Row = {"media_library_path": str(library) if library else ""}
    media: list[Row] = [{"file_path": f"{library}/{number}.mkv"} for number in range(files)]
    return {"config": [config], "media": media, "download": [*downloads]}


def boot(rows: Rows, torrents: tuple[Torrent, ...] | None = (), host: Host | None = None) -> FirstBoot:
    """What is foreseen."""
    found = foresee(rows, torrents, host or Host(), CancelToken())
    assert found is not None
    return found


def folder_of(parent: Path, name: str, size: int) -> str:
    """A folder with so many bytes in it."""
    (parent / name).mkdir()
    (parent / name / "part").write_bytes(bytes(size))
    return str(parent / name)


def test_of_a_database_that_cannot_be_read_nothing_is_foreseen() -> None:
    """Nor that nothing happens."""
    assert foresee({}, (), Host(), CancelToken()) is None
    assert look_for_library({}, Host(), CancelToken()) is None


def test_a_stalled_download_without_its_torrent_is_given_up() -> None:
    """As is what was broken off in the middle of a step; one whose torrent is there goes on."""
    states = ("stalled", "grabbing", "importing", "downloading")
    downloads: list[Row] = [{"torrent_hash": "ab" * 20, "state": state} for state in states]
    stalled: Row = {"torrent_hash": "CD" * 20, "state": "stalled"}

    assert boot({"download": [*downloads, stalled]}, (Torrent("cd" * 20, "/d"),)).broken_off == 3
    assert boot({"download": [*downloads, stalled]}, ()).broken_off == 4


def test_torrents_that_no_download_names_are_removed(tmp_path: Path) -> None:
    """Named after their folders, with their sizes; hashes are compared whatever their case."""
    known: Row = {"torrent_hash": HASH.upper(), "state": "downloading", "output_path": str(tmp_path)}
    torrents = (
        Torrent(HASH, str(tmp_path)),
        Torrent("cd" * 20, folder_of(tmp_path, "Series X", 70) + "/"),
        Torrent("ef" * 20, ""),
    )

    assert boot({"download": [known]}, torrents) == FirstBoot(
        torrents=(
            Removal("Series X", tmp_path / "Series X", 70),
            Removal("ef" * 20, None, None),
        )
    )


def test_output_of_finished_downloads_is_deleted(tmp_path: Path) -> None:
    """Of imported ones, and of seeding ones whose torrent is gone; what is not there any more is none."""
    downloads: list[Row] = [
        {"title": "Gone", "state": "imported", "output_path": str(tmp_path / "gone")},
        {"title": "Film", "state": "imported", "output_path": folder_of(tmp_path, "a", 10)},
        {"state": "seeding", "torrent_hash": None, "output_path": folder_of(tmp_path, "Untitled", 20)},
        {
            "title": "Seeds",
            "state": "seeding",
            "torrent_hash": HASH,
            "output_path": folder_of(tmp_path, "c", 30),
        },
        {"title": "New", "state": "downloading", "output_path": folder_of(tmp_path, "d", 40)},
        {"title": "None", "state": "imported", "output_path": None},
    ]

    found = boot({"download": downloads}, (Torrent(HASH, str(tmp_path / "c")),))

    assert found.torrents == ()
    assert found.downloads == (
        Removal("Film", tmp_path / "a", 10),
        Removal("Untitled", tmp_path / "Untitled", 20),
    )
    without = boot({"download": downloads}, None)
    assert without.torrents is None
    assert [each.title for each in without.downloads] == ["Film", "Untitled", "Seeds"]


def test_downloads_in_the_middle_of_something_are_broken_off() -> None:
    """Two states of them; the others go on, or are over."""
    states = ("grabbing", "importing", "importing", "downloading", "seeding", "imported", None)
    assert boot({"download": [{"state": state} for state in states]}).broken_off == 3


def test_everything_at_once_is_told_apart(library: Path, tmp_path: Path) -> None:
    """Films, outputs and folders of torrents are looked for together."""
    (library / "1.mkv").unlink()
    rows = rows_of(
        library,
        4,
        {"title": "Gone", "state": "imported", "output_path": str(tmp_path / "gone")},
        {"title": "Film", "state": "imported", "output_path": folder_of(tmp_path, "film", 10)},
    )

    assert boot(rows, (Torrent(HASH, folder_of(tmp_path, "torrent", 7)),)) == FirstBoot(
        torrents=(Removal("torrent", tmp_path / "torrent", 7),),
        downloads=(Removal("Film", tmp_path / "film", 10),),
        library=Library(str(library), 4, 1, (f"{library}/1.mkv",), ""),
    )


def test_without_a_library_or_without_media_there_is_none_to_miss(library: Path) -> None:
    """Kino looks for nothing then."""
    assert boot(rows_of(None)).library is None
    assert boot(rows_of(library, 0)).library is None
    assert boot({"config": rows_of(library)["config"]}).library is None
    assert boot({"media": [{"file_path": "/gone"}]}).library is None
    assert boot({"config": [], "media": [{"file_path": "/gone"}]}).library is None


@pytest.mark.parametrize(
    ("there", "problem"),
    [(8, ""), (4, ""), (3, "holds less than half of its files"), (0, "holds none of its files")],
)
def test_a_library_without_half_of_its_files_is_not_there(tmp_path: Path, there: int, problem: str) -> None:
    """What is left of a share that is not mounted; three of the files are named."""
    for number in range(8):
        if number >= 8 - there:
            (tmp_path / f"{number}.mkv").touch()

    found = boot(rows_of(tmp_path, 8)).library

    gone = tuple(f"{tmp_path}/{number}.mkv" for number in range(8 - there))
    assert found == Library(str(tmp_path), 8, 8 - there, gone[:3], problem)
    assert found.forgets == 8 - there


def test_a_library_whose_folder_is_not_there_has_that_for_its_problem(tmp_path: Path) -> None:
    """Unless its files are all somewhere else."""
    found = boot(rows_of(tmp_path / "gone", 1)).library
    assert found is not None
    assert found.problem == "is not there"

    rows = rows_of(tmp_path / "gone", 1)
    rows["media"] = [{"file_path": str(tmp_path)}]
    elsewhere = boot(rows).library
    assert elsewhere is not None
    assert (elsewhere.problem, elsewhere.missing) == ("", 0)


def test_a_medium_without_a_file_is_missing(library: Path) -> None:
    """As Kino takes it."""
    rows = rows_of(library)
    rows["media"] += [{}, {"file_path": None}]

    found = boot(rows).library

    assert found is not None
    assert (found.missing, found.examples, found.problem) == (2, ("None", "None"), "")


def test_a_container_sees_its_own_folders(library: Path) -> None:
    """The place on this host is told where it is another; a folder that is not mounted has none."""
    rows: Rows = {"config": [{"media_library_path": "/media"}], "media": [{"file_path": "/media/0.mkv"}]}

    found = boot(rows, host=Host([Mounted("/media", library)])).library
    assert found == Library("/media", 1, 0, (), "", library)

    found = boot(rows, host=Host([Mounted("/data", library)])).library
    assert found == Library("/media", 1, 1, ("/media/0.mkv",), "is not mounted into Kino's container")

    found = boot(rows_of(library), host=Host([Mounted("/", Path("/"))])).library
    assert found == Library(str(library), 4, 0, (), "")


def test_the_nearest_mount_of_a_container_counts() -> None:
    """Whatever their order; what is no absolute path is nowhere."""
    host = Host(
        [Mounted("/data", Path("/srv")), Mounted("/data/tv", Path("/mnt/tv")), Mounted("/d", Path("/x"))]
    )
    assert host.path("/data/tv/a/b") == Path("/mnt/tv/a/b")
    assert host.path("/data/tvs") == Path("/srv/tvs")
    assert host.path("/other") is None
    for none in (None, 7, "", "data/tv"):
        assert host.path(none) is None
        assert Host().path(none) is None
    assert Host().path("/other") == Path("/other")


def test_disks_that_do_not_answer_are_a_library_that_does_not(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of torrents only the sizes are not known then; whether downloads are there, nobody can tell."""
    monkeypatch.setattr("sys.executable", "/bin/true")
    rows = rows_of(library, 4, {"title": "Film", "state": "imported", "output_path": str(tmp_path)})

    assert boot(rows, (Torrent(HASH, str(tmp_path / "t")),)) == FirstBoot(
        torrents=(Removal("t", tmp_path / "t", None),),
        library=Library(str(library), 4, 4, (), "does not answer"),
    )
    mounts = Host([Mounted(str(library), tmp_path)])
    assert boot(rows_of(library), host=mounts).library == Library(
        str(library), 4, 4, (), "does not answer", tmp_path
    )


def test_a_library_that_is_not_there_forbids_a_start() -> None:
    """The message says what would be lost, the hint how to go on."""
    gone = Library("/media", 1000, 900, (), "is not there")
    assert library_problem(None) is None
    assert library_problem(FirstBoot()) is None
    assert library_problem(FirstBoot(library=Library("/media", 4, 1, (), ""))) is None

    found = library_problem(FirstBoot(library=gone))
    assert isinstance(found, LibraryMissingError)
    assert found.message == (
        "The library /media is not there: Kino would forget 900 of its 1,000 media at its start."
    )
    assert found.hint == "Mount it, then try again; or let Kino start without it, with --library-missing-ok."

    many = Library("/media", MOST_CHECKED + 1, 1001, (), "does not answer", Path("/srv/media"))
    found = library_problem(FirstBoot(library=many))
    assert found is not None
    assert found.message == (
        "The library /media (/srv/media on this host) does not answer: Kino would start without its library."
    )
    assert (gone.forgets, many.forgets) == (900, 0)


def test_before_a_start_only_the_library_is_looked_for(tmp_path: Path) -> None:
    """With the rows that there are; it is there, or it is not."""
    assert look_for_library(rows_of(tmp_path / "gone", 2), Host(), CancelToken()) is not None
    (tmp_path / "0.mkv").touch()
    assert look_for_library(rows_of(tmp_path, 1), Host(), CancelToken()) is None
    mounts = Host([Mounted("/other", tmp_path)])
    assert look_for_library(rows_of(tmp_path, 1), mounts, CancelToken()) is not None


def test_looking_can_be_cancelled(library: Path) -> None:
    """Also right before a start."""
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(OperationCancelledError):
        look_for_library(rows_of(library), Host(), cancel)
