"""A demo session leaves nothing behind, however it ends."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from kino_backup_tui.core.clock import Clock
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.tool_config import CONFIG_VARIABLE, load_tool_config
from kino_backup_tui.core.supervisors.commands import CommandsSupervisor
from kino_backup_tui.demo.session import demo_session

_PATIENCE = 20.0


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where sessions put their folders during a test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_session_serves_a_sample_and_then_clears_up(clock: Clock, temporary_folder: Path) -> None:
    """While it lasts there are a data path, its backups and a server; afterwards there is nothing."""
    with demo_session(clock) as kino:
        assert (kino.data_path / "db.sqlite").exists()
        assert any((kino.data_path / "backups").glob("*.tar.gz"))
        with urllib.request.urlopen(f"{kino.url}/api/v1/status", timeout=20) as response:  # noqa: S310
            assert json.load(response)["version"] == "0.4.2"

    assert list(temporary_folder.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(kino.server_pid, 0)


def interrupt(clock: Clock, pids: list[int]) -> None:
    """Open a session and end it as Ctrl-C would."""
    with demo_session(clock) as kino:
        pids.append(kino.server_pid)
        raise KeyboardInterrupt


def test_a_session_that_is_interrupted_clears_up_too(clock: Clock, temporary_folder: Path) -> None:
    """An error of whoever uses it, or a signal turned into one, ends server and folder as well."""
    pids: list[int] = []

    with pytest.raises(KeyboardInterrupt):
        interrupt(clock, pids)

    assert list(temporary_folder.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def until(condition: Callable[[], bool]) -> bool:
    """Whether something becomes true in time."""
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_the_environment_names_a_private_configuration_for_its_time(clock: Clock) -> None:
    """With the server's address; afterwards the environment is as before."""
    assert CONFIG_VARIABLE not in os.environ

    with demo_session(clock) as kino:
        assert os.environ[CONFIG_VARIABLE] == str(kino.config)
        assert stat.S_IMODE(kino.config.stat().st_mode) == 0o600
        assert load_tool_config(os.environ).kino_url == kino.url
        assert kino.data_path not in kino.config.parents

    assert CONFIG_VARIABLE not in os.environ


def test_a_configuration_of_the_admins_own_comes_back(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo uses its own meanwhile."""
    monkeypatch.setenv(CONFIG_VARIABLE, "/etc/mine.toml")

    with demo_session(clock):
        assert os.environ[CONFIG_VARIABLE] != "/etc/mine.toml"

    assert os.environ[CONFIG_VARIABLE] == "/etc/mine.toml"


def test_the_configured_commands_stop_and_start_the_server(clock: Clock) -> None:
    """Stopped, its database is closed; started, it is there again; what it refuses is in its log."""
    with demo_session(clock) as kino:
        supervisor = CommandsSupervisor(Kino(kino.data_path), load_tool_config(os.environ))
        assert supervisor.problem() is None
        assert supervisor.state().pid == kino.server_pid

        supervisor.stop()
        assert not supervisor.state().active
        assert not (kino.data_path / "db.sqlite-wal").exists()

        supervisor.start()
        assert until(lambda: supervisor.state().pid not in {None, kino.server_pid})

        supervisor.stop()
        (kino.data_path / "config.toml").write_text("[server]\nport = 80800\n")
        supervisor.start()
        assert until(lambda: "it is not started again" in supervisor.logs(1)[-1])
        assert any("not 80800" in line for line in supervisor.logs(5))
        assert supervisor.state().pid is None


def test_the_folder_goes_although_another_process_still_writes_there(
    clock: Clock, temporary_folder: Path
) -> None:
    """A restore that has not ended does not hang the end; what it makes meanwhile goes, too."""
    program = (
        "import pathlib, sys\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "for number in range(1000000):\n"
        "    (folder / str(number)).write_bytes(b'')\n"
        "    if number == 0:\n"
        "        print('writing', flush=True)\n"
    )
    with demo_session(clock) as kino:
        command = [sys.executable, "-c", program, str(kino.data_path / "secrets")]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert writer.stdout is not None
        writer.stdout.readline()
    with writer:
        assert writer.wait(_PATIENCE) != 0

    assert list(temporary_folder.iterdir()) == []
