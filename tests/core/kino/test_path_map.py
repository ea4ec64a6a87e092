"""Paths that Kino has written down are found on this host, and the way back leads to the same names."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kino_backup_tui.core.kino.path_map import Mounted, PathMap

HOST = Path("/srv/kino")
MOUNTS = (
    Mounted("/media", Path("/mnt/tank/media")),
    Mounted("/media/films", Path("/mnt/films")),
    Mounted("/", Path("/var/lib/containers/root")),
)
CONTAINER = PathMap("/data", HOST, lambda: MOUNTS)


@pytest.mark.parametrize(
    ("kino", "host"),
    [
        ("/data", "/srv/kino"),
        ("/data/", "/srv/kino"),
        ("/data/backups", "/srv/kino/backups"),
        ("/data//a/../backups", "/srv/kino/backups"),
        ("/database", "/var/lib/containers/root/database"),
        ("/media/series", "/mnt/tank/media/series"),
        ("/media/films/a.mkv", "/mnt/films/a.mkv"),
        ("/media/filmstrip", "/mnt/tank/media/filmstrip"),
    ],
)
def test_a_path_is_below_the_most_particular_folder_that_holds_it(kino: str, host: str) -> None:
    """Whole names count, not beginnings of names."""
    assert CONTAINER.to_host(kino) == Path(host)


@pytest.mark.parametrize("path", ["/data", "/data/backups", "/media/films/a", "/media/series", "/etc/x"])
def test_the_way_back_leads_to_kinos_own_name(path: str) -> None:
    """What is saved is what Kino understands."""
    assert CONTAINER.to_kino(CONTAINER.to_host(path)) == path


@pytest.mark.parametrize("noted", ["", "data", "/srv/kino", "/srv/kino/"])
def test_where_both_call_the_data_path_the_same_nothing_is_translated(noted: str) -> None:
    """Nor is anybody asked for mounts."""
    own = PathMap(noted, HOST, lambda: pytest.fail("asked"))
    assert own.to_host("/media/x") == Path("/media/x")
    assert own.to_kino(Path("/media/x")) == "/media/x"


def test_what_is_mounted_nowhere_keeps_its_name() -> None:
    """As after a move of the data path, where everything else is where it was."""
    moved = PathMap("/var/lib/kino", HOST)
    assert moved.to_host("/mnt/nas") == Path("/mnt/nas")
    assert moved.to_kino(Path("/mnt/nas")) == "/mnt/nas"
    assert moved.to_host("/var/lib/kino/library") == HOST / "library"


@given(st.lists(st.text("abc.", min_size=1).filter(lambda name: name not in (".", "..")), max_size=4))
def test_every_path_below_the_data_path_survives_both_ways(names: list[str]) -> None:
    """Whatever its names."""
    path = "/".join(["/data", *names])
    assert CONTAINER.to_host(path) == HOST.joinpath(*names)
    assert CONTAINER.to_kino(CONTAINER.to_host(path)) == path
