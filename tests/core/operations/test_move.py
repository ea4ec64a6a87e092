"""Moving the backups of a former location: a verified copy first, and only then the original goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import (
    InvalidSettingsError,
    LocationError,
    NoSpaceError,
    OperationCancelledError,
)
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.jobs import list_jobs
from kino_backup_tui.core.operations.listing import list_backups
from kino_backup_tui.core.operations.move import Moved, move_backups
from kino_backup_tui.core.operations.prune import prune
from kino_backup_tui.core.operations.schedule import preview_schedule, read_schedule, save_schedule
from kino_backup_tui.core.operations.verify import verify_backup
from kino_backup_tui.core.progress import CancelToken, Control, JobEvent
from tests.fakes import FakeClock

Create = Callable[..., Backup]
SECOND = Path("/dev/shm")  # noqa: S108 - a file system of its own on nearly every Linux


@pytest.fixture
def nas(tmp_path: Path) -> Path:
    """Another folder."""
    folder = tmp_path / "nas"
    folder.mkdir()
    return folder


def use(context: Context, location: Path | str) -> None:
    """Have new backups go there."""
    save_schedule(context, replace(read_schedule(context), location=str(location)), Control())


def archives(folder: Path) -> list[str]:
    """The names in a location, unfinished ones included, the marker aside."""
    return sorted(path.name for path in folder.iterdir() if path.name != ".kino-backup-location")


def reasons(moved: Moved) -> dict[str, str]:
    """Why each that stayed did."""
    return {left.backup.filename: left.why for left in moved.left}


def test_without_a_move_the_former_location_stays_in_the_list(
    context: Context, kino: Kino, create: Create, nas: Path
) -> None:
    """As elsewhere; no file is touched."""
    backup = create()

    use(context, nas)

    assert list_backups(context).backups == (replace(backup, elsewhere=True),)
    assert archives(kino.default_location) == [backup.filename]


def test_a_location_that_only_kino_has_used_stays_in_the_list(
    context: Context, kino: Kino, create: Create, nas: Path, tmp_path: Path
) -> None:
    """Whose first backup here is made after it has moved on: by Kino in the folder that its page names."""
    backup = create()
    own = tmp_path / "own"
    own.mkdir()
    backup.path.rename(own / backup.filename)
    kino.config_file.write_text(f'[backup]\nlocation = "{own}"\n')

    use(context, nas)

    assert [found.path for found in list_backups(context).backups] == [own / backup.filename]


def test_every_kind_is_moved_and_stays_verified(
    context: Context, kino: Kino, create: Create, clock: FakeClock, nas: Path
) -> None:
    """Byte for byte, private, and verified as of now; nothing is left behind."""
    made = [create(kind) for kind in BackupKind]
    bytes_before = {backup.filename: backup.path.read_bytes() for backup in made}
    use(context, nas)

    moved = move_backups(context, Control())

    assert {backup.filename for backup in moved.moved} == set(bytes_before)
    assert (moved.left, moved.warnings) == ((), ())
    assert archives(kino.default_location) == []
    assert {path.name: path.read_bytes() for path in nas.glob("*.tar.gz")} == bytes_before
    for backup in list_backups(context).backups:
        assert (backup.status, backup.elsewhere) == (BackupStatus.VERIFIED, False)
        assert backup.verified_at == clock.now()
        assert backup.path.stat().st_mode & 0o777 == 0o600


def test_moving_back_works_too(context: Context, kino: Kino, create: Create, nas: Path) -> None:
    """From a folder of its own into the default one."""
    use(context, nas)
    backup = create()
    use(context, "")

    move_backups(context, Control())

    assert (archives(nas), archives(kino.default_location)) == ([], [backup.filename])


def test_an_unverified_backup_is_proven_on_the_way(
    context: Context, kino: Kino, create: Create, nas: Path
) -> None:
    """Its original goes only once the copy has been read to its end and its database checked."""
    create()
    (kino.data_path / ".kino-backup" / "catalog.json").unlink()
    use(context, nas)

    (moved,) = move_backups(context, Control()).moved

    assert moved.status is BackupStatus.VERIFIED
    assert moved.checksum_sha256 is not None


@pytest.mark.parametrize("known", [True, False], ids=["known to be", "not known to be"])
def test_a_damaged_backup_stays_and_is_reported(
    context: Context, kino: Kino, create: Create, nas: Path, known: bool
) -> None:
    """It is the admin's to look at, where it is; the others are moved."""
    bad, good = create(), create()
    data = bytearray(bad.path.read_bytes())
    data[len(data) // 2] ^= 1
    bad.path.write_bytes(data)
    if known:
        with pytest.raises(Exception, match=bad.filename):
            verify_backup(context, bad, Control())
    use(context, nas)

    moved = move_backups(context, Control())

    assert reasons(moved) == {bad.filename: "it is damaged"}
    assert bad.path.read_bytes() == data
    assert archives(nas) == [good.filename]
    (left,) = (one for one in list_backups(context).backups if one.elsewhere)
    assert left.status is BackupStatus.DAMAGED


def test_a_verified_backup_that_has_rotted_since_is_not_moved(
    context: Context, create: Create, nas: Path
) -> None:
    """Not even if that happens after the list was read: the digest tells."""
    backup = create()
    use(context, nas)
    listed = list_backups(context).backups[0]
    data = bytearray(backup.path.read_bytes())
    data[-20] ^= 1

    def rot(event: JobEvent) -> None:
        if event.note:
            backup.path.write_bytes(data)

    moved = move_backups(context, Control(report=rot))

    assert listed.status is BackupStatus.VERIFIED
    assert (moved.moved, reasons(moved)) == ((), {backup.filename: "it is damaged"})
    assert backup.path.read_bytes() == data
    assert archives(nas) == []


def test_a_taken_name_gets_a_number(context: Context, create: Create, nas: Path) -> None:
    """Another backup of the same name is never overwritten."""
    backup = create()
    (nas / backup.filename).write_bytes(b"another")
    use(context, nas)

    (moved,) = move_backups(context, Control()).moved

    assert moved.filename == backup.filename.replace(".tar.gz", "~2.tar.gz")
    assert (nas / backup.filename).read_bytes() == b"another"


def test_a_copy_that_an_interrupted_move_has_made_is_not_made_again(
    context: Context, create: Create, nas: Path
) -> None:
    """A kill between the last two steps leaves both: the next move removes the original alone."""
    backup = create()
    use(context, nas)
    (nas / backup.filename).write_bytes(backup.path.read_bytes())

    (moved,) = move_backups(context, Control()).moved

    assert not backup.path.exists()
    assert (archives(nas), moved.status) == ([backup.filename], BackupStatus.VERIFIED)


def test_cancelled_half_way_both_places_are_whole(
    context: Context, kino: Kino, create: Create, nas: Path
) -> None:
    """What was moved is there alone, what was not is here alone, and a second run brings the rest."""
    names = {create().filename for _ in range(3)}
    use(context, nas)
    cancel = CancelToken()

    def cancel_at_second(event: JobEvent) -> None:
        if event.note.startswith("2 of 3"):
            cancel.cancel()

    with pytest.raises(OperationCancelledError, match="1 of 3 backups were moved"):
        move_backups(context, Control(cancel=cancel, report=cancel_at_second))

    assert (len(archives(nas)), len(archives(kino.default_location))) == (1, 2)
    assert set(archives(nas)) | set(archives(kino.default_location)) == names
    assert len(move_backups(context, Control()).moved) == 2
    assert set(archives(nas)) == names


def test_a_full_disk_ends_the_move_with_what_is_done(
    context: Context, kino: Kino, create: Create, nas: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No half copy stays, no original goes."""
    create()
    use(context, nas)
    monkeypatch.setattr("kino_backup_tui.core.operations.space.free_bytes", lambda _folder: 0)

    with pytest.raises(NoSpaceError, match="0 of 1 backups were moved; the others are where they were"):
        move_backups(context, Control())

    assert archives(nas) == []
    assert len(archives(kino.default_location)) == 1


def test_another_disk_in_the_former_place_is_left_alone(
    context: Context, create: Create, nas: Path, tmp_path: Path
) -> None:
    """Whatever lies on it was not put there by us."""
    use(context, nas)
    backup = create()
    use(context, "")
    (nas / ".kino-backup-location").write_text("another\n")

    moved = move_backups(context, Control())

    assert moved.moved == ()
    assert "another disk may be mounted there. Its backups stay there." in moved.warnings[0]
    assert backup.path.exists()


def test_an_unplugged_former_location_is_said(context: Context, create: Create, nas: Path) -> None:
    """Its backups come with the next move, once it is there again."""
    use(context, nas)
    create()
    use(context, "")
    nas.rename(nas.with_name("unplugged"))

    assert move_backups(context, Control()).warnings == (
        f"The former location {nas} is not there. Its backups stay there.",
    )


def test_the_backups_of_another_installation_on_that_disk_stay(
    context: Context, kino: Kino, create: Create, nas: Path
) -> None:
    """Two Kinos may share a disk; one that moves away takes its own."""
    use(context, nas)
    theirs = create()
    (kino.data_path / ".kino-backup" / "instance").write_text("another\n")
    ours = create()
    use(context, "")

    moved = move_backups(context, Control())

    assert reasons(moved) == {theirs.filename: "another installation has made it"}
    assert archives(kino.default_location) == [ours.filename]


@pytest.mark.skipif(not SECOND.is_dir(), reason="no second file system at hand")
def test_another_file_system_is_no_different(context: Context, kino: Kino, create: Create) -> None:
    """Nothing relies on renames between the two."""
    import tempfile

    backup = create()
    with tempfile.TemporaryDirectory(dir=SECOND) as folder:
        assert Path(folder).stat().st_dev != kino.data_path.stat().st_dev
        use(context, folder)

        (moved,) = move_backups(context, Control()).moved

        assert moved.path == Path(folder) / backup.filename
        assert not backup.path.exists()
        verify_backup(context, moved, Control())


def test_a_move_is_a_job(context: Context, create: Create, clock: FakeClock, nas: Path) -> None:
    """With its story in the journal, for `jobs` and for another terminal."""
    create()
    use(context, nas)
    clock.advance(minutes=1)

    move_backups(context, Control())

    assert next((job.operation, job.outcome, job.message) for job in list_jobs(context)) == (
        "move",
        "ok",
        "1 moved",
    )


def test_a_lost_target_moves_nothing(context: Context, create: Create, nas: Path) -> None:
    """A disk that was unplugged after the schedule was saved."""
    backup = create()
    use(context, nas)
    (nas / ".kino-backup-location").unlink()

    with pytest.raises(LocationError, match="not the one used so far"):
        move_backups(context, Control())

    assert backup.path.exists()


def test_broken_settings_move_nothing(context: Context, kino: Kino, create: Create) -> None:
    """Where to is not known for certain."""
    create()
    kino.config_file.write_text("[backup\n")

    with pytest.raises(InvalidSettingsError):
        move_backups(context, Control())


def test_the_preview_of_a_move_names_what_retention_would_remove_there(
    context: Context, create: Create, nas: Path
) -> None:
    """Moved ones count at their new place; without a move nothing there is too many. And it comes true."""
    nights = [create(BackupKind.SCHEDULED) for _ in range(3)]
    settings = replace(read_schedule(context), location=str(nas), keep=1)

    stays = preview_schedule(context, settings)
    comes = preview_schedule(context, settings, move=True)

    assert {backup.filename for backup in stays.movable} == {backup.filename for backup in nights}
    assert stays.removes == ()
    assert comes.removes == (nights[0], nights[1])
    save_schedule(context, settings, Control())
    move_backups(context, Control())
    assert [gone.filename for gone in prune(context, Control()).removed] == [
        backup.filename for backup in comes.removes
    ]


def test_going_back_to_a_former_location_names_what_is_too_many_there(
    context: Context, create: Create, nas: Path
) -> None:
    """Retention acts there again."""
    use(context, nas)
    nights = [create(BackupKind.SCHEDULED) for _ in range(2)]
    use(context, "")

    preview = preview_schedule(context, replace(read_schedule(context), location=str(nas), keep=1))

    assert preview.removes == (replace(nights[0], elsewhere=True),)
