"""What an admin is told to do where no timer can be installed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import ServiceError, UsageError
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.install_service import install_service, uninstall_service
from kino_backup_tui.core.timers.by_hand import cron_line, schtasks_command
from kino_backup_tui.core.timers.unit_files import RUNS

COMMAND = ["/opt/my tool/python", "-m", "kino_backup_tui", "--data-path", "/srv/100%", "run-due"]


def test_the_line_for_cron_is_quoted_for_a_shell_and_for_cron() -> None:
    """A percent sign would end the command."""
    assert cron_line(COMMAND) == (
        "*/15 * * * * '/opt/my tool/python' -m kino_backup_tui --data-path /srv/100\\% run-due"
    )


def test_the_command_for_windows_is_quoted_in_quotes() -> None:
    """Its scheduler takes the whole command as one argument."""
    assert schtasks_command([r"C:\my tool\python.exe", "run-due"]) == (
        "schtasks /Create /TN kino-backup-tui /SC MINUTE /MO 15 /RU SYSTEM "
        r'/TR "\"C:\my tool\python.exe\" run-due"'
    )


@pytest.mark.skipif(RUNS.is_dir(), reason="systemd runs here")
def test_without_a_service_manager_the_line_for_cron_is_the_way_out(context: Context) -> None:
    """As in a container; for whom to write it is in it."""
    with pytest.raises(UsageError, match="no service manager") as caught:
        install_service(context, os.environ, user=False)
    assert f"--data-path {context.kino.data_path} run-due" in caught.value.hint
    assert "crontab -u " in caught.value.hint


@pytest.mark.skipif(RUNS.is_dir(), reason="systemd runs here")
def test_without_a_service_manager_uninstalling_advises_no_cron(context: Context) -> None:
    """Whoever wants the schedule run no longer takes the line out."""
    with pytest.raises(UsageError, match="no service manager") as caught:
        uninstall_service(context, os.environ, user=False)
    assert "take its line out with `crontab -u " in caught.value.hint
    assert "Have cron run it" not in caught.value.hint


def test_windows_gets_its_command(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is run."""
    monkeypatch.setattr("sys.platform", "win32")
    with pytest.raises(UsageError, match="On Windows") as caught:
        install_service(context, os.environ, user=True)
    assert "schtasks /Create" in caught.value.hint


def test_windows_is_not_told_to_create_a_task_by_uninstalling(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is run either."""
    monkeypatch.setattr("sys.platform", "win32")
    with pytest.raises(UsageError, match="On Windows") as caught:
        uninstall_service(context, os.environ, user=True)
    assert "delete that in the Task Scheduler" in caught.value.hint


def test_a_mac_without_launchctl_is_told(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing is left behind."""
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(ServiceError, match="launchctl"):
        install_service(context, {"HOME": str(tmp_path)}, user=True)
    assert not list(tmp_path.rglob("*.plist"))
