"""import and export: archives come in verified and go out whole."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import (
    ArchiveDamagedError,
    ArchiveError,
    KinoBackupError,
    LocationError,
    NotFoundError,
    OperationCancelledError,
    UsageError,
)
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.export import export_backup
from kino_backup_tui.core.operations.import_ import import_backup
from kino_backup_tui.core.operations.listing import list_backups
from kino_backup_tui.core.progress import CancelToken, Control, JobEvent, Stage
from tests.as_user import NOBODY, let_others_in, run_as
from tests.core.archive.archives import honest
from tests.core.archive.test_hostile import HOSTILE


@pytest.fixture
def outside(create: Callable[..., Backup], tmp_path: Path) -> Path:
    """A manual backup that lies somewhere else, and is in no location."""
    return Path(create().path.rename(tmp_path / "download (1).tar.gz"))


def in_location(kino: Kino) -> list[str]:
    """Names in the default location, the marker aside."""
    return sorted(
        path.name for path in kino.default_location.iterdir() if path.name != ".kino-backup-location"
    )


def test_an_imported_archive_is_verified_and_named(context: Context, kino: Kino, outside: Path) -> None:
    """Whatever the browser called the file, it is kept under a valid name made from its manifest."""
    created = import_backup(context, outside, Control())

    assert created.backup.filename == "kino-backup-manual-2026-04-26T11-00-00-v0.4.2.tar.gz"
    assert created.backup.status is BackupStatus.VERIFIED
    assert list_backups(context).backups == (created.backup,)
    assert stat.S_IMODE(created.backup.path.stat().st_mode) == 0o600
    assert outside.exists()


def test_a_valid_name_is_kept(context: Context, create: Callable[..., Backup], tmp_path: Path) -> None:
    """A name of any dialect says what the admin expects to find again."""
    source = create().path.rename(tmp_path / "kino-backup-2026-04-26T09-00-00Z-v0.4.2.tar.gz")

    assert import_backup(context, source, Control()).backup.filename == source.name


def test_standard_input_is_imported(context: Context, outside: Path) -> None:
    """A stream without name or length is as good as a file."""
    created = import_backup(context, io.BytesIO(outside.read_bytes()), Control())

    assert created.backup.kind is BackupKind.MANUAL


def test_an_imported_scheduled_backup_is_safe_from_retention(
    context: Context, create: Callable[..., Backup], tmp_path: Path
) -> None:
    """It stays scheduled in the list, is named manual, and counts as imported."""
    source = create(BackupKind.SCHEDULED).path.rename(tmp_path / "a.tar.gz")

    backup = import_backup(context, source, Control()).backup

    assert backup.filename.startswith("kino-backup-manual-")
    assert (backup.kind, backup.imported) == (BackupKind.SCHEDULED, True)


def test_a_taken_name_is_numbered(context: Context, create: Callable[..., Backup], tmp_path: Path) -> None:
    """Importing what is already there keeps both."""
    original = create()
    copy = tmp_path / "copy.tar.gz"
    copy.write_bytes(original.path.read_bytes())

    assert import_backup(context, copy, Control()).backup.filename == original.filename.replace(
        ".tar", "~2.tar"
    )


@pytest.mark.parametrize(
    "data",
    [b"", b"no archive", honest(), honest()[:-9]],
    ids=["empty", "text", "no database in it", "cut"],
)
def test_what_does_not_verify_is_not_kept(context: Context, kino: Kino, tmp_path: Path, data: bytes) -> None:
    """Refused whole: nothing stays in the location or in the scratch folder."""
    source = tmp_path / "bad.tar.gz"
    source.write_bytes(data)

    with pytest.raises(ArchiveError, match=r"bad\.tar\.gz was not imported"):
        import_backup(context, source, Control())

    assert in_location(kino) == []
    assert list((kino.data_path / ".kino-backup" / "scratch").iterdir()) == []


def test_an_archive_with_two_databases_is_named_as_such(context: Context, tmp_path: Path) -> None:
    """Not as a file that exists already in our own folder, where the second one would have gone."""
    path = tmp_path / "two.tar.gz"
    path.write_bytes(HOSTILE["two databases"]())

    with pytest.raises(ArchiveDamagedError, match="more than one"):
        import_backup(context, path, Control())


def test_a_missing_file_and_a_folder_are_refused(context: Context, kino: Kino, tmp_path: Path) -> None:
    """Neither is an archive, and each is told by its own error."""
    with pytest.raises(NotFoundError, match="There is no file"):
        import_backup(context, tmp_path / "nothing", Control())
    with pytest.raises(UsageError, match="is not a file"):
        import_backup(context, tmp_path, Control())


@pytest.mark.parametrize("stage", [Stage.COPYING, Stage.READING, Stage.CHECKING_DATABASE])
def test_a_cancelled_import_leaves_nothing(context: Context, kino: Kino, outside: Path, stage: Stage) -> None:
    """No partial, no copy of the database."""
    cancel = CancelToken()

    def stop(event: JobEvent) -> None:
        if event.stage is stage:
            cancel.cancel()

    with pytest.raises(OperationCancelledError):
        import_backup(context, outside, Control(cancel=cancel, report=stop))

    assert in_location(kino) == []


def test_an_export_is_the_same_file(context: Context, create: Callable[[], Backup], tmp_path: Path) -> None:
    """Into a folder under its own name, or to a new name; byte for byte, and private."""
    backup = create()

    into_folder = export_backup(context, backup, tmp_path, Control())
    renamed = export_backup(context, backup, tmp_path / "for [mum] ü.tar.gz", Control())

    assert into_folder == tmp_path / backup.filename
    assert into_folder.read_bytes() == renamed.read_bytes() == backup.path.read_bytes()
    assert stat.S_IMODE(renamed.stat().st_mode) == 0o600


def test_an_export_overwrites_nothing(context: Context, create: Callable[[], Backup], tmp_path: Path) -> None:
    """An existing file stays as it is."""
    target = tmp_path / "mine.tar.gz"
    target.write_text("precious")

    with pytest.raises(UsageError, match="exists"):
        export_backup(context, create(), target, Control())

    assert target.read_text() == "precious"


def test_an_export_into_a_missing_folder_is_refused(
    context: Context, create: Callable[[], Backup], tmp_path: Path
) -> None:
    """The folder is named, and not created."""
    with pytest.raises(LocationError, match="There is no folder"):
        export_backup(context, create(), tmp_path / "nas" / "copy.tar.gz", Control())


def test_a_copy_that_differs_is_not_kept(
    context: Context, create: Callable[[], Backup], tmp_path: Path
) -> None:
    """What is read back from the destination must be what was read from the source."""

    def tamper(event: JobEvent) -> None:
        if event.stage is Stage.READING_BACK and event.event == "stage":
            (partial,) = tmp_path.glob(".*.partial")
            with partial.open("r+b") as stream:
                stream.write(b"!")

    with pytest.raises(ArchiveDamagedError, match="differs"):
        export_backup(context, create(), tmp_path, Control(report=tamper))

    assert [path.name for path in tmp_path.iterdir()] == ["kino"]


def test_a_cancelled_export_leaves_nothing(
    context: Context, create: Callable[[], Backup], tmp_path: Path
) -> None:
    """The half copy is removed."""
    cancel = CancelToken()

    def stop(event: JobEvent) -> None:
        if event.stage is Stage.COPYING:
            cancel.cancel()

    with pytest.raises(OperationCancelledError):
        export_backup(context, create(), tmp_path, Control(cancel=cancel, report=stop))

    assert [path.name for path in tmp_path.iterdir()] == ["kino"]


def test_an_export_of_a_vanished_backup_says_so(
    context: Context, create: Callable[[], Backup], tmp_path: Path
) -> None:
    """A file that was deleted meanwhile is named."""
    backup = create()
    gone = replace(backup, path=backup.path.with_name("kino-backup-manual-2020-01-01T00-00-00-v1.tar.gz"))

    with pytest.raises(LocationError, match="Could not read"):
        export_backup(context, gone, tmp_path, Control())
    assert [path.name for path in tmp_path.iterdir()] == ["kino"]


def test_a_path_that_ends_with_a_slash_is_a_folder(
    context: Context, create: Callable[[], Backup], tmp_path: Path
) -> None:
    """As for cp: a missing folder is not silently a file of that name."""
    backup = create()
    for text in ("sub/", "sub/.", "sub//"):
        with pytest.raises(LocationError, match="There is no folder"):
            export_backup(context, backup, f"{tmp_path}/{text}", Control())
    (tmp_path / "sub").mkdir()

    assert export_backup(context, backup, f"{tmp_path}/sub/", Control()) == tmp_path / "sub" / backup.filename


def test_paths_that_cannot_be_looked_at_are_errors_of_their_own(
    context: Context, create: Callable[[], Backup], tmp_path: Path
) -> None:
    """Names that are too long, and a link to itself: neither to export to nor to import from."""
    backup = create()
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for path in (tmp_path / ("x" * 300), loop, loop / "copy.tar.gz"):
        with pytest.raises((LocationError, UsageError)):
            export_backup(context, backup, path, Control())
        with pytest.raises((LocationError, NotFoundError)):
            import_backup(context, path, Control())


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_paths_in_a_closed_folder_are_not_permitted(
    context: Context, create: Callable[[], Backup], tmp_path: Path
) -> None:
    """The user is named; nothing is taken for missing."""
    backup = create()
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    let_others_in(context.kino.config_file)

    def ask() -> str:
        codes = []
        attempts: list[Callable[[], object]] = [
            lambda: export_backup(context, backup, closed / "x", Control()),
            lambda: import_backup(context, closed / "x", Control()),
        ]
        for attempt in attempts:
            try:
                attempt()
            except KinoBackupError as error:
                codes.append(error.code)
        return " ".join(codes)

    assert run_as(NOBODY, ask) == "not_permitted not_permitted"
