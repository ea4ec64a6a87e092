"""The job of launchd, as text; no Mac has read it."""

from __future__ import annotations

import plistlib
from pathlib import Path

import pytest

from kino_backup_tui.core.files import Owner
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.timers.base import NightJob, night_job
from kino_backup_tui.core.timers.launchd import plist_path, plist_text, read_plist


def job(data_path: str, *, user: bool) -> NightJob:
    """A run for a Kino of the user 12345."""
    kino = Kino(Path(data_path))
    made = night_job(kino, kino.default_location, {"HOME": "/Users/me"}, user=user)
    return made._replace(owner=Owner(12345, 20))


@pytest.mark.parametrize("data_path", ["/Users/me/kino", "/srv/<a> & --b"])
def test_it_is_a_property_list(data_path: str, tmp_path: Path) -> None:
    """Any path is in it as it is, and it says whose it is."""
    made = job(data_path, user=True)
    document = plistlib.loads(plist_text(made).encode())
    assert document["ProgramArguments"] == list(made.command)
    assert document["Label"] == made.name
    assert [each["Minute"] for each in document["StartCalendarInterval"]] == [0, 15, 30, 45]
    assert document["Umask"] == 0o077
    assert "UserName" not in document

    path = tmp_path / "job.plist"
    path.write_text(plist_text(made))
    assert read_plist(path) == Path(data_path)


def test_a_job_of_the_system_runs_as_the_owner_of_the_database() -> None:
    """And root's needs no name."""
    made = job("/var/lib/kino", user=False)
    assert plistlib.loads(plist_text(made).encode())["UserName"] == "12345"
    assert "UserName" not in plistlib.loads(plist_text(made._replace(owner=Owner(0, 0))).encode())


def test_other_files_are_not_ours(tmp_path: Path) -> None:
    """Neither what is no property list, nor the job of another program, nor nothing."""
    path = tmp_path / "job.plist"
    assert read_plist(path) is None
    for content in (b"nonsense", plistlib.dumps({"ProgramArguments": ["sleep"]}), plistlib.dumps([])):
        path.write_bytes(content)
        assert read_plist(path) is None


def test_it_is_where_launchd_looks() -> None:
    """For a user and for the system."""
    environ = {"HOME": "/Users/me"}
    assert plist_path("x", environ, user=True) == Path("/Users/me/Library/LaunchAgents/x.plist")
    assert plist_path("x", environ, user=False) == Path("/Library/LaunchDaemons/x.plist")
