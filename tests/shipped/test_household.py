"""The household's Kino 0.3: what a good year leaves behind, and what its own backups do not tell."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from pathlib import Path

import pytest

from kino_backup_tui.core.clock import Clock
from kino_backup_tui.core.kino.home import KINO_0_3, Kino
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.listing import list_backups
from kino_backup_tui.demo.sample import write_sample
from kino_backup_tui.demo.session import demo_session
from tests.cli.harness import COMMAND, run
from tests.fakes import FakeClock
from tests.shipped.serving import running_server, values


@pytest.fixture(scope="module")
def data_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One sample for all tests that only look at it."""
    data_path = tmp_path_factory.mktemp("sample") / "kino"
    write_sample(data_path, FakeClock(), layout=KINO_0_3)
    return data_path


def test_a_start_of_kino_changes_nothing_in_it(data_path: Path) -> None:
    """Every file of the library is there, and every torrent belongs to a download."""
    database = data_path / "kino.db"
    media, session = "SELECT count(*) FROM media", data_path / "librqbit" / "session.json"
    before, torrents = values(database, media), session.read_text()
    with running_server(data_path):
        assert values(database, media) == before
    assert before[0] > 500
    assert session.read_text() == torrents
    assert values(database, "SELECT count(*) FROM download WHERE state = 'downloading'") == [2]


def test_kino_knows_of_backups_without_a_file_and_not_of_all_files(data_path: Path) -> None:
    """A row whose archive is gone; no row for the one from before a restore, and the one of Kino 0.2."""
    listed = set(values(data_path / "kino.db", "SELECT filename FROM backup"))
    there = {path.name for path in (data_path / "backups").iterdir()}
    assert len(listed & there) == 9
    assert len(listed - there) == 1
    assert sorted(name[:22] for name in there - listed) == [
        "kino-backup-2026-03-17",
        "kino-backup-pre-restor",
    ]


@pytest.mark.parametrize("hour", [0, 2, 4, 12, 23])
def test_it_looks_the_same_at_every_hour(tmp_path: Path, hour: int) -> None:
    """The two newest backups are still to be verified, whether the latest night was today or yesterday."""
    clock = FakeClock(FakeClock().now().replace(hour=hour))
    write_sample(tmp_path / "kino", clock, layout=KINO_0_3)
    listed = list_backups(Context(Kino(tmp_path / "kino", KINO_0_3), clock)).backups
    assert [backup.status.value for backup in listed] == [
        "unverified",
        "unverified",
        "verified",
        "verified",
        "verified",
        "damaged",
        "verified",
        "verified",
        "verified",
        "verified",
        "verified",
    ]


def test_its_nights_are_at_three_in_utc(data_path: Path) -> None:
    """As Kino counts, wherever the host is."""
    nights = values(
        data_path / "kino.db", "SELECT created_at FROM backup WHERE kind = 'scheduled' ORDER BY id"
    )
    assert [night[:16] for night in nights] == [f"2026-04-{day}T03:00" for day in range(20, 27)]


def test_a_session_serves_it(clock: Clock) -> None:
    """The screens' sample Kino answers as Kino 0.3."""
    with (
        demo_session(clock, KINO_0_3) as kino,
        urllib.request.urlopen(f"{kino.url}/api/v1/status", timeout=20) as response,  # noqa: S310
    ):
        assert json.load(response)["version"] == "0.3.2"
        assert (kino.data_path / "kino.db").exists()


def test_the_command_writes_it_and_works_on_it(tmp_path: Path) -> None:
    """Nobody has to say again which Kino it is."""
    path = str(tmp_path / "sample")
    assert run([*COMMAND, "demo", path, "--layout", "kino-0.3"]).out == f"{path}\n"
    listed = run([*COMMAND, "--data-path", path, "list", "--json"]).json
    states = Counter(backup["status"] for backup in listed)
    assert states == {"verified": 8, "unverified": 2, "damaged": 1}
