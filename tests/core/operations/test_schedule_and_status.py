"""schedule, status and finding a backup."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import time
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import (
    DatabaseDamagedError,
    InvalidSettingsError,
    LocationError,
    NotFoundError,
    UsageError,
)
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.settings import BackupSettings, Frequency
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.listing import find_backup, list_backups
from kino_backup_tui.core.operations.schedule import preview_schedule, read_schedule, save_schedule
from kino_backup_tui.core.operations.status import read_status
from kino_backup_tui.core.progress import Control
from tests.as_user import NOBODY, let_others_in, run_as
from tests.fakes import FakeClock


def test_the_preview_names_the_next_five_runs(context: Context) -> None:
    """In the host's zone, with its offset."""
    preview = preview_schedule(context, BackupSettings(time=time(3, 30)))

    assert [run.isoformat() for run in preview.next_runs[:2]] == [
        "2026-04-27T03:30:00+02:00",
        "2026-04-28T03:30:00+02:00",
    ]
    assert len(preview.next_runs) == 5
    assert preview.zone == "Europe/Berlin"


def test_the_preview_of_off_has_no_runs(context: Context) -> None:
    """Off by frequency or by the switch: nothing is coming."""
    assert preview_schedule(context, BackupSettings(frequency=Frequency.OFF)).next_runs == ()
    assert preview_schedule(context, BackupSettings(enabled=False)).next_runs == ()


def test_the_preview_of_a_lower_keep_names_what_would_go(
    context: Context, create: Callable[..., Backup]
) -> None:
    """Lowering keep shows the backups beyond it, oldest first; nothing is removed."""
    nights = [create(BackupKind.SCHEDULED) for _ in range(3)]

    preview = preview_schedule(context, BackupSettings(keep=1))

    assert preview.removes == (nights[0], nights[1])
    assert len(list_backups(context).backups) == 3


def test_saving_changes_only_what_changed(context: Context, kino: Kino) -> None:
    """Comments, other tables and unchanged keys stay byte for byte."""
    before = kino.config_file.read_text()

    save_schedule(context, replace(read_schedule(context), keep=5), Control())

    assert kino.config_file.read_text() == before.replace("keep = 3", "keep = 5")


def test_what_another_has_changed_meanwhile_stays(context: Context, kino: Kino) -> None:
    """A form that was opened before sets what was changed in it, and not the rest back."""
    before = read_schedule(context)
    kino.config_file.write_text(kino.config_file.read_text().replace("keep = 3", "keep = 14"))

    saved = save_schedule(context, replace(before, time=time(4, 15)), Control(), before=before)

    assert saved.settings == read_schedule(context) == replace(before, time=time(4, 15), keep=14)


def test_a_new_location_is_marked_and_used(context: Context, kino: Kino, tmp_path: Path) -> None:
    """Naming a place in the form is accepting it: the next backup goes there without a question."""
    (tmp_path / "nas").mkdir()

    save_schedule(context, replace(read_schedule(context), location=str(tmp_path / "nas")), Control())

    assert (tmp_path / "nas" / ".kino-backup-location").exists()
    assert create_backup(context, Control()).backup.path.parent == tmp_path / "nas"


def test_a_location_that_does_not_exist_is_not_saved(context: Context, kino: Kino, tmp_path: Path) -> None:
    """config.toml stays as it was."""
    before = kino.config_file.read_bytes()

    with pytest.raises(LocationError, match="does not exist"):
        save_schedule(context, replace(read_schedule(context), location=str(tmp_path / "nas")), Control())

    assert kino.config_file.read_bytes() == before


def test_going_back_to_a_known_location_checks_the_disk(context: Context, kino: Kino, tmp_path: Path) -> None:
    """A place that was used before must still be the same disk."""
    settings = read_schedule(context)
    nas = tmp_path / "nas"
    nas.mkdir()
    save_schedule(context, replace(settings, location=str(nas)), Control())
    save_schedule(context, settings, Control())
    (nas / ".kino-backup-location").unlink()

    with pytest.raises(LocationError, match="not the one used so far") as caught:
        save_schedule(context, replace(settings, location=str(nas)), Control())

    assert caught.value.hint.startswith("Mount the right one.")


def test_a_location_edited_into_config_toml_asks_first(context: Context, kino: Kino, tmp_path: Path) -> None:
    """A folder without a marker that nobody accepted could be an unmounted disk."""
    (tmp_path / "nas").mkdir()
    kino.config_file.write_text(f'[backup]\nlocation = "{tmp_path}/nas"\n')

    with pytest.raises(LocationError, match="has not been used before"):
        create_backup(context, Control())

    assert list((tmp_path / "nas").iterdir()) == []


def test_broken_settings_fail_the_schedule_and_nothing_else(
    context: Context, kino: Kino, create: Callable[[], Backup]
) -> None:
    """With an invalid config.toml the list is still there, and the schedule says what is wrong."""
    backup = create()
    kino.config_file.write_text('[backup]\ntime = "25:00"\n')

    with pytest.raises(InvalidSettingsError, match="25:00"):
        read_schedule(context)
    listing = list_backups(context)
    assert listing.backups == (backup,)
    assert listing.settings_problem is not None


def test_broken_settings_keep_the_last_good_location(context: Context, kino: Kino, tmp_path: Path) -> None:
    """A backup made now goes where the last one went, and not to the default."""
    (tmp_path / "nas").mkdir()
    save_schedule(context, replace(read_schedule(context), location=str(tmp_path / "nas")), Control())
    create_backup(context, Control())
    kino.config_file.write_text("[backup\n")

    assert create_backup(context, Control()).backup.path.parent == tmp_path / "nas"


def test_one_bad_value_leaves_the_others_as_they_are(context: Context, kino: Kino, tmp_path: Path) -> None:
    """The form offers them as saved, not the defaults, with which saving would remove backups."""
    nas = tmp_path / "nas"
    kino.config_file.write_text(
        f'[backup]\nfrequency = "weekly"\ntime = "25:00"\nkeep = 30\nlocation = "{nas}"\n'
    )

    status = read_status(context)

    assert isinstance(status.settings_problem, InvalidSettingsError)
    assert status.settings == BackupSettings(frequency=Frequency.WEEKLY, keep=30, location=str(nas))
    assert status.location == nas


def test_a_location_that_a_spoilt_file_has_lost_is_not_taken_for_the_default(
    context: Context, kino: Kino, tmp_path: Path
) -> None:
    """What is left of the file is read, but backups go on to where they went."""
    (tmp_path / "nas").mkdir()
    save_schedule(context, BackupSettings(location=str(tmp_path / "nas")), Control())
    create_backup(context, Control())
    kino.config_file.write_text("[backup]\nkeep = 'many'\n")

    assert read_status(context).location == tmp_path / "nas"


def test_the_status_knows_what_the_page_says(context: Context, create: Callable[..., Backup]) -> None:
    """Counts, the newest verified backup, the next run and the version."""
    create()
    newest = create(BackupKind.SCHEDULED)

    status = read_status(context)

    assert status.newest_verified == newest
    assert status.counts[BackupStatus.VERIFIED] == 2
    assert status.next_run is not None
    assert status.next_run.isoformat() == "2026-04-27T03:00:00+02:00"
    assert (status.kino_version, status.host, status.zone) == ("0.4.2", "nas01", "Europe/Berlin")
    assert (status.location_problem, status.settings_problem, status.job) == (None, None, None)


def test_the_status_names_a_lost_location(context: Context, kino: Kino, create: Callable[[], Backup]) -> None:
    """A location that was used and is gone is a problem, not an empty list."""
    create()
    kino.default_location.rename(kino.data_path / "gone")

    assert isinstance(read_status(context).location_problem, LocationError)


def test_a_backup_is_found_by_name_id_prefix_and_latest(
    context: Context, create: Callable[..., Backup]
) -> None:
    """Everything an admin might call it leads to the same file."""
    backup = create()
    create(BackupKind.PRE_RESTORE)

    for text in (backup.filename, str(backup.id), "kino-backup-manual", "latest", str(backup.path)):
        assert find_backup(context, text) == replace(backup, elsewhere=False)


def test_an_ambiguous_prefix_is_a_usage_error(context: Context, create: Callable[[], Backup]) -> None:
    """Two fit: both are named."""
    first, second = create(), create()

    with pytest.raises(UsageError) as caught:
        find_backup(context, "kino-backup-")

    assert first.filename in caught.value.message
    assert second.filename in caught.value.message


def test_a_prefix_of_a_name_that_two_locations_have_is_of_the_current_one(
    context: Context, create: Callable[[], Backup], tmp_path: Path
) -> None:
    """As the whole name is: more of it could not be given."""
    former = create()
    copy = shutil.copy2(former.path, tmp_path / "copy.tar.gz")
    (tmp_path / "nas").mkdir()
    settings = replace(read_schedule(context), location=str(tmp_path / "nas"))
    save_schedule(context, settings, Control())
    shutil.move(copy, tmp_path / "nas" / former.filename)

    assert find_backup(context, "kino-backup-manual").path.parent == tmp_path / "nas"


@pytest.mark.parametrize("text", ["nope", "", "0", "latest", "/nowhere/at/all.tar.gz"])
def test_what_is_not_there_is_not_found(context: Context, text: str) -> None:
    """Unknown names, ids and paths, and `latest` without any verified backup."""
    with pytest.raises(NotFoundError):
        find_backup(context, text)


def test_an_invalid_location_leaves_no_trace(
    context: Context, kino: Kino, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A relative path is refused before anything is marked or remembered."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "relative").mkdir()

    with pytest.raises(InvalidSettingsError, match="location"):
        save_schedule(context, replace(read_schedule(context), location="relative"), Control())

    assert list((tmp_path / "relative").iterdir()) == []
    assert not (kino.data_path / ".kino-backup").exists()


@pytest.mark.parametrize("folder", ["secrets", "secrets/backups", ".kino-backup"])
def test_a_location_among_what_is_backed_up_is_refused(context: Context, kino: Kino, folder: str) -> None:
    """The backups would be packed into the next backup."""
    location = kino.data_path / folder
    location.mkdir(exist_ok=True)

    with pytest.raises(LocationError, match="is inside"):
        save_schedule(context, replace(read_schedule(context), location=str(location)), Control())


def test_another_disk_can_be_accepted_without_moving(
    context: Context, kino: Kino, create: Callable[[], Backup]
) -> None:
    """Saving the schedule as it is, with the acceptance, marks the disk that is there now."""
    create()
    (kino.default_location / ".kino-backup-location").unlink()

    save_schedule(context, read_schedule(context), Control(), accept_location=True)

    assert read_status(context).location_problem is None


def test_a_recovery_point_is_no_fresh_backup(context: Context, create: Callable[..., Backup]) -> None:
    """The newest verified backup of the status is one that somebody would restore from."""
    manual = create()
    create(BackupKind.PRE_RESTORE)

    assert read_status(context).newest_verified == manual


def odd_location(tmp_path: Path, how: str) -> Path:
    """A path that cannot even be looked at."""
    if how == "a name that is too long":
        return tmp_path / ("x" * 300)
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    return loop


@pytest.mark.parametrize("how", ["a name that is too long", "a link to itself"])
def test_a_location_that_cannot_be_looked_at_is_a_problem_and_no_crash(
    context: Context, kino: Kino, tmp_path: Path, how: str
) -> None:
    """Status and schedule say it, and neither saving nor a backup goes there."""
    location = odd_location(tmp_path, how)
    settings = BackupSettings(location=str(location))

    preview = preview_schedule(context, settings)
    with pytest.raises(LocationError):
        save_schedule(context, settings, Control())
    kino.config_file.write_text(f'[backup]\nlocation = "{location}"\n')
    status = read_status(context)

    assert (preview.free_bytes, preview.same_disk) == (None, False)
    assert str(location) in preview.location_problem
    assert isinstance(status.location_problem, LocationError)
    assert status.free_bytes is None
    with pytest.raises(LocationError):
        create_backup(context, Control())


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_a_location_in_a_folder_that_is_closed_to_us_is_a_problem_and_no_crash(
    context: Context, kino: Kino, tmp_path: Path
) -> None:
    """What an ordinary user sees of root's own folder."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    let_others_in(kino.config_file)
    kino.config_file.chmod(0o644)
    location = closed / "backups"
    kino.config_file.write_text(f'[backup]\nlocation = "{location}"\n')

    def ask() -> str:
        os.environ["XDG_STATE_HOME"] = "/nowhere"
        problems = (
            read_status(context).location_problem,
            preview_schedule(context, read_schedule(context)).location_problem,
        )
        return f"{getattr(problems[0], 'code', None)} {problems[1]}"

    answer = run_as(NOBODY, ask)

    assert answer.startswith(("not_permitted ", "location_unavailable "))
    assert answer.endswith("Permission denied.")


def test_a_missing_location_has_no_free_space(context: Context, kino: Kino, tmp_path: Path) -> None:
    """What is free in the folder above it, on another disk, says nothing of the one that is gone."""
    kino.config_file.write_text(f'[backup]\nlocation = "{tmp_path}/nas"\n')

    assert read_status(context).free_bytes is None
    preview = preview_schedule(context, read_schedule(context))
    assert (preview.free_bytes, preview.same_disk) == (None, False)


def test_a_default_location_that_is_yet_to_be_made_has_that_of_the_data_path(context: Context) -> None:
    """The first backup will create it there."""
    assert read_status(context).free_bytes
    preview = preview_schedule(context, read_schedule(context))
    assert preview.free_bytes
    assert preview.same_disk


def test_the_status_names_a_missing_database(context: Context, kino: Kino) -> None:
    """Nothing can be backed up without it; whoever has lost it hears that a backup brings it back."""
    kino.database.unlink()

    problem = read_status(context).database_problem
    assert isinstance(problem, NotFoundError)
    assert "restore a backup" in problem.hint


def test_the_status_names_a_database_of_no_bytes(context: Context, kino: Kino) -> None:
    """A full disk or a failed repair leaves one."""
    for path in kino.data_path.glob("db.sqlite*"):
        path.unlink()
    kino.database.touch()

    assert isinstance(read_status(context).database_problem, DatabaseDamagedError)


def test_the_status_remembers_that_the_last_backup_found_damage(
    context: Context, kino: Kino, clock: FakeClock
) -> None:
    """Until a backup finds the database sound again."""
    good = kino.database.read_bytes()
    kino.database.write_bytes(b"no database" * 500)
    with pytest.raises(DatabaseDamagedError):
        create_backup(context, Control())

    problem = read_status(context).database_problem
    kino.database.write_bytes(good)
    clock.advance(minutes=1)
    create_backup(context, Control(), version="0.4.2")

    assert isinstance(problem, DatabaseDamagedError)
    assert "damaged" in problem.message
    assert "restore latest" in problem.hint
    assert read_status(context).database_problem is None
