"""Which signal a container is stopped with: Kino 0.3, as its first process, does not see SIGTERM."""

from __future__ import annotations

from pathlib import Path

import pytest

from kino_backup_tui.core.kino.home import KINO_0_3, Kino
from kino_backup_tui.core.supervisors.detect import find_supervisor
from tests.core.supervisors.fake_docker import FakeDocker

KNOWS = "  -s, --signal string   Signal to send to the container"


@pytest.fixture
def docker(shipped: Kino, tmp_path: Path) -> FakeDocker:
    """Docker with a container of the shipped Kino that runs; it can be told the signal."""
    docker = FakeDocker(tmp_path / "bin", shipped.data_path)
    docker.change(lambda state: state["options"].append(KNOWS))
    docker.change_container(State={"Status": "running"}, HostConfig={"RestartPolicy": {"Name": "no"}})
    return docker


@pytest.fixture
def environ(docker: FakeDocker, tmp_path: Path) -> dict[str, str]:
    """What finds that Docker and nothing else."""
    config = tmp_path / "tool.toml"
    config.touch(0o600)
    return {"KINO_BACKUP_TUI_CONFIG": str(config), "PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)}


def stop_order(kino: Kino, docker: FakeDocker, environ: dict[str, str]) -> list[str]:
    """What Docker is told to stop it."""
    find_supervisor(kino, environ).stop()
    (order,) = docker.orders
    return order[:-1]


def test_kino_0_3_is_stopped_with_the_signal_that_it_handles(
    shipped: Kino, docker: FakeDocker, environ: dict[str, str]
) -> None:
    """Otherwise it would be killed after ten seconds."""
    assert stop_order(shipped, docker, environ) == ["stop", "--signal=INT"]


def test_an_engine_that_cannot_be_told_is_not_told(
    shipped: Kino, docker: FakeDocker, environ: dict[str, str]
) -> None:
    """Docker before 23."""
    docker.change(lambda state: state.update(options=[]))

    assert stop_order(shipped, docker, environ) == ["stop"]


@pytest.mark.parametrize("chosen", ["SIGINT", "SIGQUIT"])
def test_a_signal_that_somebody_has_chosen_stays(
    shipped: Kino, docker: FakeDocker, environ: dict[str, str], chosen: str
) -> None:
    """`stop_signal` of a Compose file, or the image's own."""
    docker.change_container(Config={"StopSignal": chosen})

    assert stop_order(shipped, docker, environ) == ["stop"]


def test_a_kino_as_documented_is_stopped_as_ever(
    shipped: Kino, docker: FakeDocker, environ: dict[str, str]
) -> None:
    """It is said to handle what containers are stopped with."""
    assert KINO_0_3.stop_signal
    assert stop_order(Kino(shipped.data_path), docker, environ) == ["stop"]
