"""Which supervisor is chosen where there is no systemd; the rest is tested under a real one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import InvalidSettingsError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.supervisors.by_hand import ByHand
from kino_backup_tui.core.supervisors.commands import CommandsSupervisor
from kino_backup_tui.core.supervisors.detect import find_supervisor
from kino_backup_tui.core.supervisors.systemd import SystemdSupervisor


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A user with a configuration, and a systemctl that knows one service, of the system and of the user."""
    config = tmp_path / "config.toml"
    config.touch()
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "systemctl").write_text(
        f"#!/bin/sh\ncat {tmp_path}/shown 2>/dev/null || echo LoadState=not-found"
    )
    (tools / "systemctl").chmod(0o755)
    return {
        "KINO_BACKUP_TUI_CONFIG": str(config),
        "PATH": f"{tools}:{os.environ['PATH']}",
        "HOME": str(tmp_path / "home"),
    }


def test_nobody_supervises_a_kino_that_nothing_is_known_of(kino: Kino, environ: dict[str, str]) -> None:
    """No service, no commands."""
    assert isinstance(find_supervisor(kino, environ), ByHand)


def test_configured_commands_come_first(kino: Kino, environ: dict[str, str], tmp_path: Path) -> None:
    """Even where there is a service for this data path."""
    (tmp_path / "shown").write_text(f"LoadState=loaded\nEnvironment=KINO_DATA_PATH={kino.data_path}\n")
    assert isinstance(find_supervisor(kino, environ), SystemdSupervisor)
    Path(environ["KINO_BACKUP_TUI_CONFIG"]).write_text('stop_command = ["true"]\nstart_command = ["true"]\n')
    assert isinstance(find_supervisor(kino, environ), CommandsSupervisor)


def test_a_service_of_another_data_path_is_not_ours(
    kino: Kino, environ: dict[str, str], tmp_path: Path
) -> None:
    """Nor one whose data path is relative, or says nothing."""
    for line in ("Environment=KINO_DATA_PATH=/srv/other", "Environment=KINO_DATA_PATH=kino", "Environment="):
        (tmp_path / "shown").write_text(f"LoadState=loaded\n{line}\n")
        assert isinstance(find_supervisor(kino, environ), ByHand)


def test_a_configured_service_that_names_no_path_is_taken_at_its_word(
    kino: Kino, environ: dict[str, str], tmp_path: Path
) -> None:
    """While it does not run: a running one would have our database open."""
    Path(environ["KINO_BACKUP_TUI_CONFIG"]).write_text('service = "media.service"\n')
    (tmp_path / "shown").write_text("LoadState=loaded\nId=media.service\nMainPID=0\n")
    assert find_supervisor(kino, environ).name == "media.service"
    (tmp_path / "shown").write_text(f"LoadState=loaded\nId=media.service\nMainPID={os.getpid()}\n")
    assert isinstance(find_supervisor(kino, environ), ByHand)


def test_a_service_is_known_by_its_own_name(kino: Kino, environ: dict[str, str], tmp_path: Path) -> None:
    """kino.service may be an alias, and the drop-in belongs to the unit itself."""
    (tmp_path / "shown").write_text(
        f"LoadState=loaded\nId=media.service\nEnvironment=KINO_DATA_PATH={kino.data_path}/../kino\n"
    )
    assert find_supervisor(kino, environ).name == "media.service"


def test_a_broken_configuration_is_an_error(kino: Kino, environ: dict[str, str]) -> None:
    """Another supervisor than the configured one might be chosen otherwise."""
    Path(environ["KINO_BACKUP_TUI_CONFIG"]).write_text("service = 7\n")
    with pytest.raises(InvalidSettingsError):
        find_supervisor(kino, environ)
