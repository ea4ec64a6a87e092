"""What doctor finds, one trouble at a time, in real folders."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import InvalidSettingsError, StaleError
from kino_backup_tui.core.kino.settings import BackupSettings
from kino_backup_tui.core.models import Backup
from kino_backup_tui.core.operations.checks.base import Facts
from kino_backup_tui.core.operations.checks.disks import file_system_type, is_network
from kino_backup_tui.core.operations.checks.nights import check_schedule
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.doctor import Check, CheckStatus, diagnose, first_failure
from kino_backup_tui.core.operations.schedule import save_schedule
from kino_backup_tui.core.operations.session import open_session
from kino_backup_tui.core.operations.status import read_status
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.supervisors.detect import find_supervisor
from kino_backup_tui.core.supervisors.held import remember
from kino_backup_tui.core.workspace import workspace_of
from tests.as_user import NOBODY, let_others_in
from tests.core.supervisors.fake_docker import FakeDocker
from tests.fakes import FakeClock

Create = Callable[..., Backup]


@pytest.fixture(autouse=True)
def _no_engines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Programs of this machine, but neither its services nor its containers."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("systemctl", "timedatectl", "docker", "podman"):
        (tools / name).write_text("#!/bin/sh\nexit 1\n")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.setenv("TZ", "Europe/Berlin")


def checks(context: Context) -> dict[str, Check]:
    """What is found, by name; of several with one name the worst."""
    order = [CheckStatus.OK, CheckStatus.SKIPPED, CheckStatus.WARN, CheckStatus.FAIL]
    found: dict[str, Check] = {}
    for check in diagnose(context):
        if check.name not in found or order.index(found[check.name].status) < order.index(check.status):
            found[check.name] = check
    return found


def test_a_kino_in_order_has_no_failure(context: Context, create: Create) -> None:
    """And each thing that was looked at says what was found, in a sentence."""
    create()
    found = list(diagnose(context))
    assert first_failure(found) is None
    for check in found:
        assert check.text.endswith((".", "?")), check
        assert check.code == ""
        assert bool(check.hint) == (check.status is CheckStatus.WARN) or not check.hint, check
    good = {check.name for check in found if check.status is CheckStatus.OK}
    assert {"database", "settings", "supervisor", "restore", "location", "space", "backups"} <= good
    assert {"leftovers", "privacy", "owners", "program"} <= good


def test_nothing_is_changed(context: Context, create: Create) -> None:
    """It only looks."""
    create()
    list(diagnose(context))
    before = {path: path.lstat().st_mtime_ns for path in context.kino.data_path.rglob("*")}
    list(diagnose(context))
    after = {path: path.lstat().st_mtime_ns for path in context.kino.data_path.rglob("*")}
    assert after == before


def test_a_kino_that_was_never_backed_up_is_told_so(context: Context) -> None:
    """As a warning: nothing is broken."""
    found = checks(context)
    assert found["backups"].status is CheckStatus.WARN
    assert found["backups"].hint == f"Run: kino-backup-tui --data-path {context.kino.data_path} create"
    assert found["location"].status is CheckStatus.OK
    assert first_failure(list(found.values())) is None


def test_an_old_backup_is_a_failure(context: Context, create: Create, clock: FakeClock) -> None:
    """Older than two nights where every night has one."""
    create()
    clock.advance(hours=49)
    assert checks(context)["backups"].status is CheckStatus.OK
    clock.advance(hours=2)
    old = checks(context)["backups"]
    assert (old.status, old.code) == (CheckStatus.FAIL, StaleError.code)


def test_a_database_that_is_gone_is_the_first_failure(context: Context) -> None:
    """Its code is that of the error a backup would end with."""
    context.kino.database.unlink()
    failed = first_failure(list(diagnose(context)))
    assert failed is not None
    assert (failed.name, failed.code) == ("database", "not_found")


def test_a_broken_config_hides_nothing_else(context: Context, create: Create) -> None:
    """What cannot be known without it is skipped."""
    create()
    context.kino.config_file.write_text("[backup]\nkeep = 0\n")
    found = checks(context)
    assert (found["settings"].status, found["settings"].code) == (
        CheckStatus.FAIL,
        InvalidSettingsError.code,
    )
    assert found["schedule"].status is CheckStatus.SKIPPED
    assert found["backups"].status is CheckStatus.OK


def test_a_disk_that_is_gone_is_a_failure(context: Context, tmp_path: Path) -> None:
    """Its space is not measured on the disk below it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    save_schedule(context, BackupSettings(location=str(disk)), Control())
    disk.rename(tmp_path / "unplugged")
    found = checks(context)
    assert (found["location"].status, found["location"].code) == (CheckStatus.FAIL, "location_unavailable")
    assert found["disk"].status is CheckStatus.SKIPPED
    assert found["space"].status is CheckStatus.SKIPPED


def test_a_location_on_the_disk_of_the_data_is_a_warning(context: Context) -> None:
    """One failing disk takes both."""
    assert "a failing disk takes both" in checks(context)["disk"].text


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="no second file system")  # noqa: S108
def test_a_location_on_another_disk_is_none(context: Context) -> None:
    """By the device it is on."""
    import tempfile

    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        save_schedule(context, BackupSettings(location=folder), Control())
        assert checks(context)["disk"].status is CheckStatus.OK


def test_file_systems_are_known_by_their_type() -> None:
    """Of the innermost mount."""
    assert file_system_type(Path("/proc/self/status")) == "proc"
    assert is_network("nfs4")
    assert not is_network("ext4")


def test_what_a_killed_run_has_left_is_found(context: Context, create: Create) -> None:
    """Unfinished archives and working copies, with their size."""
    backup = create()
    partial = backup.path.with_name(f".{backup.filename}.partial")
    partial.write_bytes(b"x" * 2_000_000)
    copy = workspace_of(context.kino).scratch / ("0" * 16)
    copy.mkdir()
    (copy / "db.sqlite").write_bytes(b"x" * 1_000_000)
    left = checks(context)["leftovers"]
    assert left.status is CheckStatus.WARN
    assert "take 2.9 MB" in left.text
    assert str(partial) in left.text
    assert str(copy) in left.text


def test_archives_that_all_can_read_are_found_with_the_command_that_closes_them(
    context: Context, create: Create, tmp_path: Path
) -> None:
    """Only where the folders above let others through."""
    backup = create()
    backup.path.chmod(0o644)
    let_others_in(backup.path)
    backup.path.parent.chmod(0o700)
    assert checks(context)["privacy"].status is CheckStatus.OK
    for folder in (backup.path.parent, context.kino.data_path, tmp_path):
        folder.chmod(0o755)
    told = checks(context)["privacy"]
    assert told.status is CheckStatus.WARN
    assert backup.filename in told.text
    command = told.hint.removeprefix("Run: ")
    assert os.waitstatus_to_exitcode(os.system(command)) == 0  # noqa: S605
    assert stat.S_IMODE(backup.path.stat().st_mode) == 0o600
    assert checks(context)["privacy"].status is CheckStatus.OK


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_files_of_another_user_in_the_working_folder_are_found(context: Context, create: Create) -> None:
    """Kino's own user could not replace them."""
    create()
    file = workspace_of(context.kino).folder / "state.json"
    os.chown(file, NOBODY, NOBODY)
    told = checks(context)["owners"]
    assert told.status is CheckStatus.WARN
    assert str(file) in told.text
    assert told.hint.startswith("Run: chown -R -h 0:0 ")


def test_a_hold_that_a_restore_has_left_is_found(context: Context, create: Create) -> None:
    """Kino would not come back by itself."""
    create()
    remember(context.kino, "a container", "always")
    told = checks(context)["restore"]
    assert (told.status, told.hint) == (
        CheckStatus.WARN,
        f"Run: kino-backup-tui --data-path {context.kino.data_path} apply",
    )


def test_a_clock_that_nothing_sets_is_a_warning(context: Context, tmp_path: Path) -> None:
    """And so is a zone that is only that of this shell."""
    tool = tmp_path / "tools" / "timedatectl"
    tool.write_text("#!/bin/sh\nprintf 'Timezone=Europe/Berlin\\nNTPSynchronized=no\\n'\n")
    told = checks(context)["clock"]
    assert (told.status, told.hint) == (CheckStatus.WARN, "Run: timedatectl set-ntp true")
    tool.write_text("#!/bin/sh\nprintf 'Timezone=Asia/Tokyo\\nNTPSynchronized=yes\\n'\n")
    assert "the host, and with it the schedule, is in Asia/Tokyo" in checks(context)["clock"].text
    tool.write_text("#!/bin/sh\nprintf 'Timezone=Europe/Berlin\\nNTPSynchronized=yes\\n'\n")
    assert checks(context)["clock"].status is CheckStatus.OK


def test_a_schedule_that_nobody_runs_is_a_warning(context: Context) -> None:
    """With the command that has it run."""
    told = checks(context)["schedule"]
    assert told.status is CheckStatus.WARN
    assert "install-service" in told.hint


def test_a_kino_that_makes_its_own_backups_has_to_run_for_it(shipped_context: Context) -> None:
    """Kino 0.3 needs no timer while it is up; while it is down nobody makes any."""
    facts = Facts(
        shipped_context,
        open_session(shipped_context),
        read_status(shipped_context),
        find_supervisor(shipped_context.kino, os.environ),
        os.environ,
    )
    for unattended, status in ((False, CheckStatus.OK), (True, CheckStatus.WARN)):
        now = replace(facts, status=replace(facts.status, unattended=unattended))
        (found,) = check_schedule(now)
        assert found.status is status
        assert "by Kino itself" in found.text


def test_a_bad_value_in_kinos_database_is_a_failure(shipped_context: Context) -> None:
    """As one in config.toml."""
    with closing(sqlite3.connect(shipped_context.kino.database)) as connection:
        connection.execute("UPDATE config SET backup_time = '25:00'")
        connection.commit()
    settings = checks(shipped_context)["settings"]
    assert (settings.status, settings.code) == (CheckStatus.FAIL, InvalidSettingsError.code)


def test_a_schedule_that_is_off_is_a_warning(context: Context) -> None:
    """It may be what the admin wants."""
    save_schedule(context, BackupSettings(enabled=False), Control())
    assert checks(context)["schedule"].text == "Scheduled backups are off."


def test_an_old_backup_is_no_failure_where_nothing_is_scheduled(
    context: Context, create: Create, clock: FakeClock
) -> None:
    """Nothing has failed to come."""
    create()
    save_schedule(context, BackupSettings(enabled=False), Control())
    clock.advance(hours=timedelta(days=90) // timedelta(hours=1))
    assert checks(context)["backups"].status is CheckStatus.OK


def test_a_damaged_backup_is_counted(context: Context, create: Create) -> None:
    """Once it is known to be."""
    from kino_backup_tui.core.errors import ArchiveError
    from kino_backup_tui.core.operations.verify import verify_backup

    create()
    backup = create()
    data = bytearray(backup.path.read_bytes())
    data[len(data) // 2] ^= 1
    backup.path.write_bytes(data)
    with pytest.raises(ArchiveError):
        verify_backup(context, backup, Control())
    assert checks(context)["archives"].text == "Among the backups, 1 damaged."


def test_a_location_that_is_not_in_the_container_is_a_warning(context: Context, tmp_path: Path) -> None:
    """Kino itself makes backups, too; a folder below a mount is in it."""
    put_docker(tmp_path, context.kino.data_path)
    found = checks(context)
    assert found["supervisor"].text == (
        "Docker container kino (Compose project media) can be stopped, held and started; "
        "it is stopped (exit code 137)."
    )
    assert found["kino_access"].status is CheckStatus.OK
    disk = tmp_path / "disk"
    disk.mkdir()
    save_schedule(context, BackupSettings(location=str(disk)), Control())
    told = checks(context)["kino_access"]
    assert told.status is CheckStatus.WARN
    assert told.hint == f"Give the container a volume: {disk}:{disk}"


def test_a_configured_container_of_another_kino_is_told(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise an admin would wonder why nobody stops Kino."""
    put_docker(tmp_path, tmp_path / "other")
    config = tmp_path / "config.toml"
    config.write_text('container = "kino"\n')
    monkeypatch.setenv("KINO_BACKUP_TUI_CONFIG", str(config))
    told = checks(context)["supervisor"]
    assert told.status is CheckStatus.WARN
    assert told.text == f"The container kino is configured, but {context.kino.data_path} is not in it."


def put_docker(tmp_path: Path, data_path: Path) -> None:
    """Have Docker on this machine, with a container of the Kino of a data path."""
    FakeDocker(tmp_path / "engine", data_path)
    (tmp_path / "engine" / "docker").rename(tmp_path / "tools" / "docker")
