"""A demo session leaves nothing behind, however it ends."""

from __future__ import annotations

import json
import os
import tempfile
import urllib.request
from pathlib import Path

import pytest

from kino_backup_tui.core.clock import Clock
from kino_backup_tui.demo.session import demo_session


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
