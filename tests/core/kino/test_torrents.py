"""The session of Kino's downloader is a file that anything may have happened to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kino_backup_tui.core.kino.home import KINO_0_3, Kino
from kino_backup_tui.core.kino.torrents import Torrent, read_torrents

HASH = "AB" * 20


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """Where the file is."""
    (tmp_path / "librqbit").mkdir()
    return tmp_path / "librqbit" / "session.json"


def read(session: Path) -> tuple[Torrent, ...] | None:
    """Its torrents."""
    return read_torrents(Kino(session.parents[1], KINO_0_3))


def test_its_torrents_are_told_by_their_hash_in_lower_case(session: Path) -> None:
    """And where their files are."""
    session.write_text(json.dumps({"torrents": {"0": {"info_hash": HASH, "output_folder": "/d/x"}}}))
    assert read(session) == (Torrent(HASH.lower(), "/d/x"),)


def test_without_the_file_there_are_none(session: Path) -> None:
    """As for a Kino that has never downloaded anything."""
    assert read(session) == ()
    session.parent.rmdir()
    assert read(session) == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"torrents": []}',
        '{"torrents": {"0": {}}}',
        '{"torrents": {"0": 1}}',
        "[" * 9999,
    ],
)
def test_what_cannot_be_understood_is_not_taken_for_none(session: Path, text: str) -> None:
    """Which torrents Kino will remove is not known then."""
    session.write_text(text)
    assert read(session) is None


def test_one_that_is_too_large_is_not_read(session: Path) -> None:
    """Nobody waits for it, nor has the memory."""
    with session.open("wb") as stream:
        stream.write(b'{"torrents": {')
        stream.truncate(1 << 40)
    assert read(session) is None


def test_a_pipe_in_its_place_holds_nobody_up(session: Path) -> None:
    """Kino's user can put one there, and whoever opens it waits for a writer."""
    os.mkfifo(session)
    script = (
        "import sys; from pathlib import Path; from kino_backup_tui.core.kino.home import *;"
        "from kino_backup_tui.core.kino.torrents import read_torrents;"
        "print(read_torrents(Kino(Path(sys.argv[1]), KINO_0_3)))"
    )
    command = [sys.executable, "-c", script, str(session.parents[1])]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    assert answer.stdout.strip() == "None"
