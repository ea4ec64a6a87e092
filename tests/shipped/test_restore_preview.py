"""What the plan of a restore says of Kino's first start is what the sample server then really does."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from kino_backup_tui.core.errors import LibraryMissingError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.plan import RestoreOptions, plan_restore
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.restore.first_boot import FirstBoot, Library, Removal
from kino_backup_tui.core.restore.plan import RestorePlan
from kino_backup_tui.demo.shipped.archive import write_archive
from kino_backup_tui.demo.shipped.data_path import write_session
from tests.core.operations.restoring import do, restore
from tests.shipped.serving import running_server, values

BackUp = Callable[..., Path]
START_ANYWAY = RestoreOptions(library_missing_ok=True)


def plan(context: Context, archive: Path, options: RestoreOptions | None = None) -> RestorePlan:
    """Plan its restore."""
    return plan_restore(context, archive, Control(), options or RestoreOptions())


def boot_of(plan: RestorePlan) -> FirstBoot:
    """What it says of the first start."""
    assert plan.first_boot is not None
    return plan.first_boot


def execute(kino: Kino, *statements: str) -> None:
    """Change the database, with nobody else on it."""
    with closing(sqlite3.connect(kino.database, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def add_download(kino: Kino, title: str, state: str = "downloading", *, torrent: bool = True) -> Path:
    """Begin a download, and return its folder."""
    folder = kino.data_path / "downloads" / title
    folder.mkdir()
    (folder / "part.mkv").write_bytes(b"x" * 1000)
    value = title.encode().hex()[:40].ljust(40, "0")
    execute(
        kino,
        "INSERT INTO download (title, state, torrent_hash, output_path, added_at) "
        f"VALUES ('{title}', '{state}', '{value}', '{folder}', '')",
    )
    if torrent:
        folders = values(kino.database, "SELECT output_path FROM download WHERE state = 'downloading'")
        hashes = values(kino.database, "SELECT torrent_hash FROM download WHERE state = 'downloading'")
        write_session(kino.data_path, dict(zip(hashes, map(Path, folders), strict=True)))
    return folder


def films(kino: Kino) -> list[Path]:
    """The files of the library."""
    return sorted((kino.data_path / "library").rglob("*.mkv"))


def archive_with(kino: Kino, folder: Path, *statements: str) -> Path:
    """An archive as Kino makes them, of a copy of its database that was changed."""
    copy, archive = folder / "copy.db", folder / "kino-backup-2026-04-20T03-00-00Z-v0.3.2.tar.gz"
    execute(kino, f"VACUUM INTO '{copy}'")
    execute(kino._replace(data_path=folder, layout=kino.layout._replace(database=copy.name)), *statements)
    write_archive(
        archive,
        copy,
        kind=BackupKind.SCHEDULED,
        version="0.3.2",
        created_at=datetime(2026, 4, 20, 3, tzinfo=UTC),
    )
    return archive


def start_kino(kino: Kino) -> None:
    """Start the sample server on it, until it answers, and end it."""
    with running_server(kino.data_path):
        pass


def test_a_restore_that_changes_nothing_lets_kino_change_nothing(
    shipped: Kino, shipped_context: Context, back_up_as_kino: BackUp
) -> None:
    """Everything is known to the backup, and all files are there."""
    boot = boot_of(plan(shipped_context, back_up_as_kino()))

    library = Library(str(shipped.data_path / "library"), 20, 0, (), "")
    assert boot == FirstBoot(library=library)


def test_torrents_the_backup_does_not_know_are_foretold_and_then_deleted(
    shipped: Kino, shipped_context: Context, back_up_as_kino: BackUp
) -> None:
    """With their files; the others stay."""
    archive = back_up_as_kino()
    folder = add_download(shipped, "Begun since")

    foretold = boot_of(plan(shipped_context, archive))
    assert foretold.torrents == (Removal("Begun since", folder, 1000),)
    restore(shipped_context, archive)
    assert folder.exists()
    before = set((shipped.data_path / "downloads").iterdir())
    start_kino(shipped)

    assert before - set((shipped.data_path / "downloads").iterdir()) == {folder}


def test_output_of_finished_downloads_is_foretold_and_then_deleted(
    shipped: Kino, shipped_context: Context, back_up_as_kino: BackUp
) -> None:
    """Of one that was imported, and of one that was seeded when the backup was made, but not any more."""
    seeded = add_download(shipped, "Seeded then", "seeding", torrent=False)
    imported = add_download(shipped, "Imported", "imported", torrent=False)
    add_download(shipped, "Tidied up", "cleaned_up", torrent=False)
    archive = back_up_as_kino()

    foretold = boot_of(plan(shipped_context, archive))
    assert foretold.downloads == (
        Removal("Seeded then", seeded, 1000),
        Removal("Imported", imported, 1000),
    )
    restore(shipped_context, archive)
    before = set((shipped.data_path / "downloads").iterdir())
    start_kino(shipped)

    assert before - set((shipped.data_path / "downloads").iterdir()) == {seeded, imported}


def test_downloads_in_the_middle_of_something_are_foretold_to_fail(
    shipped: Kino, shipped_context: Context, back_up_as_kino: BackUp
) -> None:
    """They are counted as Kino then counts them."""
    add_download(shipped, "Grabbing", "grabbing", torrent=False)
    add_download(shipped, "Importing", "importing", torrent=False)
    archive = back_up_as_kino()

    assert boot_of(plan(shipped_context, archive)).broken_off == 2
    restore(shipped_context, archive)
    start_kino(shipped)

    assert values(shipped.database, "SELECT count(*) FROM download WHERE state = 'failed'") == [2]


def test_media_whose_file_is_gone_are_foretold_and_then_forgotten(
    shipped: Kino, shipped_context: Context, back_up_as_kino: BackUp
) -> None:
    """Some of many do not forbid the restore."""
    archive = back_up_as_kino()
    gone = films(shipped)[:3]
    for file in gone:
        file.unlink()

    made = plan(shipped_context, archive)
    library = boot_of(made).library
    assert library is not None
    assert (library.entries, library.missing, library.forgets, library.problem) == (20, 3, 3, "")
    assert sorted(library.examples) == [str(file) for file in gone]
    do(shipped_context, made)
    start_kino(shipped)

    assert values(shipped.database, "SELECT count(*) FROM media") == [17]


def test_a_library_that_is_not_mounted_forbids_the_restore(
    shipped: Kino, shipped_context: Context, back_up_as_kino: BackUp
) -> None:
    """An empty folder, as a mount point is without its disk: Kino would forget every film."""
    archive = back_up_as_kino()
    library = shipped.data_path / "library"
    library.rename(shipped.data_path / "elsewhere")
    library.mkdir()

    (blocker,) = plan(shipped_context, archive).blockers

    assert isinstance(blocker, LibraryMissingError)
    assert blocker.message == (
        f"The library {library} holds none of its files: Kino would forget 20 of its 20 media at its start."
    )
    assert "--library-missing-ok" in blocker.hint


def test_a_library_that_is_not_there_at_all_forbids_the_restore(
    shipped: Kino, shipped_context: Context, back_up_as_kino: BackUp
) -> None:
    """Not even its folder."""
    archive = back_up_as_kino()
    (shipped.data_path / "library").rename(shipped.data_path / "elsewhere")

    (blocker,) = plan(shipped_context, archive).blockers

    assert "is not there: Kino would forget 20 of its 20 media" in blocker.message


def test_told_so_kino_starts_without_its_library(
    shipped: Kino, shipped_context: Context, back_up_as_kino: BackUp
) -> None:
    """What the guard keeps from happening happens then, as the plan says."""
    archive = back_up_as_kino()
    (shipped.data_path / "library").rename(shipped.data_path / "elsewhere")

    made = plan(shipped_context, archive, START_ANYWAY)
    assert made.blockers == ()
    assert any("would forget 20 of its 20 media" in warning for warning in made.warnings)
    do(shipped_context, made, START_ANYWAY)
    start_kino(shipped)

    assert values(shipped.database, "SELECT count(*) FROM media") == [0]


def test_a_kino_without_a_library_is_not_held_up(
    shipped: Kino, shipped_context: Context, back_up_as_kino: BackUp
) -> None:
    """Where no library is set, Kino looks for nothing."""
    execute(shipped, "UPDATE config SET media_library_path = ''")
    archive = back_up_as_kino()
    (shipped.data_path / "library").rename(shipped.data_path / "elsewhere")

    made = plan(shipped_context, archive)
    assert (made.blockers, boot_of(made).library) == ((), None)
    do(shipped_context, made)
    start_kino(shipped)

    assert values(shipped.database, "SELECT count(*) FROM media") == [20]


def test_more_media_than_kino_looks_for_are_not_foretold_to_go(
    shipped: Kino, shipped_context: Context, back_up_as_kino: BackUp
) -> None:
    """A start without the library is forbidden all the same, in other words."""
    execute(
        shipped,
        "INSERT INTO media (file_path, size_bytes, added_at) WITH RECURSIVE n(i) AS "
        "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT '/gone/' || i, 1, '' FROM n",
    )
    archive = back_up_as_kino()

    made = plan(shipped_context, archive)
    library = boot_of(made).library
    assert library is not None
    assert library.forgets == 0
    assert "would start without its library" in made.blockers[0].message
    do(shipped_context, plan(shipped_context, archive, START_ANYWAY), START_ANYWAY)
    start_kino(shipped)

    assert values(shipped.database, "SELECT count(*) FROM media") == [1020]


def test_settings_that_differ_are_shown_and_no_secret_is(
    shipped: Kino, shipped_context: Context, back_up_as_kino: BackUp
) -> None:
    """Those of the row by which Kino is reached, or finds its files."""
    archive = back_up_as_kino()
    execute(shipped, "UPDATE config SET api_key = 'k3y', listen_port = 8081, backup_time = '04:00'")

    changes = {change.setting: (change.now, change.then) for change in plan(shipped_context, archive).changes}

    assert changes == {
        "api_key": ("set", "another one"),
        "listen_port": ("8081", "80"),
        "backup_time": ('"04:00"', '"03:00"'),
    }


def test_paths_of_another_host_are_told_and_taken_over_as_they_are(
    shipped: Kino, shipped_context: Context, tmp_path: Path
) -> None:
    """Nothing is changed that the admin has not asked for."""
    places = "data_path = '/data', backup_location_path = '/data/backups', media_library_path = ''"
    archive = archive_with(shipped, tmp_path, f"UPDATE config SET {places}")

    made = plan(shipped_context, archive)

    (warning,) = (warning for warning in made.warnings if "data path" in warning)
    assert "was /data, which is not the one here" in warning
    assert "/data/backups as they are: correct them in its settings" in warning
    do(shipped_context, made)
    assert values(shipped.database, "SELECT backup_location_path FROM config") == ["/data/backups"]
