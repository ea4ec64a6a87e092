"""Where Kino in a container finds its library: by what is mounted into it, not by what this host calls it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import LibraryMissingError
from kino_backup_tui.core.kino.home import KINO_0_3, Kino
from kino_backup_tui.core.kino.path_map import Mounted
from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.plan import plan_restore
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.restore.first_boot import Host
from kino_backup_tui.core.restore.plan import RestorePlan
from kino_backup_tui.demo.schema import open_database
from kino_backup_tui.demo.shipped.archive import write_archive
from kino_backup_tui.demo.shipped.data_path import ShippedPaths, write_shipped_kino
from tests.core.supervisors.fake_docker import FakeDocker
from tests.fakes import FakeClock

Plan = Callable[[], RestorePlan]


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """The disk of the library on this host."""
    return tmp_path / "disk"


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    """Docker, and nobody else who could supervise Kino."""
    docker = FakeDocker(tmp_path / "bin", tmp_path / "kino")
    (tmp_path / "bin" / "systemctl").write_text("#!/bin/sh\necho LoadState=not-found\n")
    (tmp_path / "bin" / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    config = tmp_path / "tool.toml"
    config.touch(0o600)
    monkeypatch.setenv("KINO_BACKUP_TUI_CONFIG", str(config))
    return docker


@pytest.fixture
def plan(docker: FakeDocker, disk: Path, tmp_path: Path, clock: FakeClock) -> Plan:
    """Plans the restore of a backup of the Kino in that container, whose library is /media/films there."""
    inside = ShippedPaths(Path("/data"), Path("/media/films"), Path("/data/downloads"))
    write_shipped_kino(tmp_path / "kino", clock.now(), library=disk / "films", stored=inside)
    copy, archive = tmp_path / "copy.db", tmp_path / "kept.tar.gz"
    connection = open_database(tmp_path / "kino" / "kino.db")
    connection.execute("VACUUM INTO ?", (str(copy),))
    connection.close()
    write_archive(archive, copy, kind=BackupKind.MANUAL, version="0.3.2", created_at=clock.now())
    context = Context(Kino(tmp_path / "kino", KINO_0_3), clock, host="nas01")
    return lambda: plan_restore(context, archive, Control())


def mount(docker: FakeDocker, source: Path, destination: str) -> None:
    """One more folder of the host for the container."""

    def add(state: dict[str, list[dict[str, list[dict[str, object]]]]]) -> None:
        found = {"Type": "bind", "Source": str(source), "Destination": destination, "RW": True}
        state["containers"][0]["Mounts"].append(found)

    docker.change(add)


def test_the_library_is_looked_for_where_it_is_mounted_from(
    plan: Plan, docker: FakeDocker, disk: Path
) -> None:
    """Every path of the database is one of the container."""
    mount(docker, disk, "/media")

    made = plan()

    assert made.supervisor == "container kino"
    assert made.first_boot is not None
    assert made.first_boot.library is not None
    assert (made.first_boot.library.missing, made.first_boot.torrents) == (0, ())
    assert not any(isinstance(blocker, LibraryMissingError) for blocker in made.blockers)
    assert not any("data path was" in warning for warning in made.warnings)


def test_a_library_that_is_missing_on_the_host_is_missing_in_the_container(
    plan: Plan, docker: FakeDocker, disk: Path
) -> None:
    """The mount of the host is gone, that of the container is not."""
    mount(docker, disk, "/media")
    (disk / "films").rename(disk / "elsewhere")

    (blocker,) = (each for each in plan().blockers if isinstance(each, LibraryMissingError))

    here = f"/media/films ({disk / 'films'} on this host)"
    assert blocker.message.startswith(f"The library {here} is not there: Kino would forget 20 of its 20")


def test_a_library_that_no_mount_brings_into_the_container_is_missing(plan: Plan, disk: Path) -> None:
    """As after a restore of a backup from a Kino without a container."""
    (blocker,) = (each for each in plan().blockers if isinstance(each, LibraryMissingError))

    assert blocker.message.startswith("The library /media/films is not mounted into Kino's container")


@pytest.mark.parametrize(
    ("stored", "found"),
    [
        ("/media/films/a.mkv", "/srv/films/a.mkv"),
        ("/media", "/srv"),
        ("/mediathek/a.mkv", None),
        ("/data/library/a.mkv", "/var/lib/kino/library/a.mkv"),
        ("/data/usb/a.mkv", "/mnt/usb/a.mkv"),
        ("relative/a.mkv", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_the_innermost_mount_counts(stored: object, found: str | None) -> None:
    """And what no mount brings in is nowhere on this host."""
    host = Host(
        (
            Mounted("/data", Path("/var/lib/kino")),
            Mounted("/data/usb", Path("/mnt/usb")),
            Mounted("/media", Path("/srv")),
        )
    )

    assert host.path(stored) == (Path(found) if found else None)


def test_without_a_container_a_path_is_what_it_says() -> None:
    """Kino sees what we see."""
    assert Host().path("/media/films") == Path("/media/films")
