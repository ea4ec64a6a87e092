"""A container of Docker, by what Docker's program prints; the real thing is tested with Podman."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import KinoBackupError, NotPermittedError, ServiceError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.supervisors.base import Supervisor
from kino_backup_tui.core.supervisors.by_hand import ByHand
from kino_backup_tui.core.supervisors.container import ContainerSupervisor, container_state, described
from kino_backup_tui.core.supervisors.containers import container_of_data_path
from kino_backup_tui.core.supervisors.detect import find_supervisor
from kino_backup_tui.core.supervisors.engine import parse_container
from kino_backup_tui.core.supervisors.held import FILE
from kino_backup_tui.core.workspace import workspace_of
from tests.core.supervisors.fake_docker import DENIED, ID, SILENT, FakeDocker, container

GATE = ("kino-backup-tui", "apply", "--gate")


@pytest.fixture
def docker(kino: Kino, tmp_path: Path) -> FakeDocker:
    """Docker with a container of this Kino that is stopped."""
    return FakeDocker(tmp_path / "bin", kino.data_path)


@pytest.fixture
def environ(docker: FakeDocker, tmp_path: Path) -> dict[str, str]:
    """What finds that Docker and nothing else."""
    (tmp_path / "bin" / "systemctl").write_text("#!/bin/sh\necho LoadState=not-found\n")
    (tmp_path / "bin" / "systemctl").chmod(0o755)
    config = tmp_path / "config.toml"
    config.touch()
    return {
        "KINO_BACKUP_TUI_CONFIG": str(config),
        # The programs that the fake one is made of, without an engine.
        "PATH": f"{tmp_path / 'bin'}",
        "HOME": str(tmp_path / "home"),
    }


@pytest.fixture
def supervisor(kino: Kino, environ: dict[str, str]) -> Supervisor:
    """The supervisor that is found."""
    found = find_supervisor(kino, environ)
    assert isinstance(found, ContainerSupervisor)
    return found


def test_a_stopped_container_is_known_by_its_data_path(supervisor: Supervisor) -> None:
    """The one that is told to have its data in what is mounted from ours."""
    assert supervisor.name == "container kino"
    assert supervisor.problem() is None
    assert supervisor.state()[:3] == (False, "stopped (exit code 137)", True)


def test_a_container_of_another_data_path_is_not_ours(
    kino: Kino, docker: FakeDocker, environ: dict[str, str], tmp_path: Path
) -> None:
    """Whatever it is called."""

    def move(state: dict[str, list[dict[str, list[dict[str, str]]]]]) -> None:
        state["containers"][0]["Mounts"][0]["Source"] = str(tmp_path)

    docker.change(move)
    assert isinstance(find_supervisor(kino, environ), ByHand)
    Path(environ["KINO_BACKUP_TUI_CONFIG"]).write_text('container = "kino"\n')
    assert isinstance(find_supervisor(kino, environ), ByHand)


@pytest.mark.parametrize("folder", ["/data/", "/data/kino"])
def test_the_data_path_may_be_below_a_mount(tmp_path: Path, folder: str) -> None:
    """The innermost mount counts."""
    document = container(tmp_path / "media")
    document["Config"]["Env"] = [f"KINO_DATA_PATH={folder}"]
    expected = tmp_path / "media" / folder.removeprefix("/data/")
    assert parse_container(document).data_path == expected
    other = {"Type": "bind", "Source": "/elsewhere", "Destination": "/data/kino/deep", "RW": True}
    document["Mounts"].append(other)
    assert parse_container(document).data_path == expected


def test_the_command_line_of_a_container_beats_its_environment(tmp_path: Path) -> None:
    """As it does for Kino; a path in no mount is the container's own."""
    document = container(tmp_path)
    document["Args"] = ["--data-path", "/data/deep", "serve"]
    assert parse_container(document).data_path == tmp_path / "deep"
    document["Args"] = ["--data-path=/var/lib/kino", "serve"]
    assert parse_container(document).data_path is None


@pytest.mark.parametrize(
    ("state", "restarts", "expected"),
    [
        ({"Status": "running", "Pid": 12}, 0, (True, "running", True, 12, 0, "")),
        (
            {"Status": "restarting", "Restarting": True, "ExitCode": 1},
            14,
            (
                True,
                "waiting to be restarted (exit code 1), restarted 14 times",
                False,
                None,
                14,
                "exit code 1",
            ),
        ),
        ({"Status": "created", "ExitCode": 0}, 0, (False, "never started", True, None, 0, "")),
        (
            {"Status": "exited", "ExitCode": 137, "OOMKilled": True},
            0,
            (False, "stopped (exit code 137, out of memory)", True, None, 0, "exit code 137, out of memory"),
        ),
        (
            {"Status": "paused", "Pid": 12, "ExitCode": 0},
            1,
            (True, "paused, restarted 1 time", True, 12, 1, ""),
        ),
    ],
)
def test_states_in_words(
    tmp_path: Path, state: dict[str, object], restarts: int, expected: tuple[object, ...]
) -> None:
    """As the engine tells them."""
    document = container(tmp_path)
    document["State"].update(state)
    document["RestartCount"] = restarts
    assert tuple(container_state(parse_container(document))) == expected


def test_it_is_stopped_and_started_by_its_id(supervisor: Supervisor, docker: FakeDocker) -> None:
    """Without a signal or time limit of ours: the container has its own."""
    supervisor.start()
    assert supervisor.state().active
    supervisor.stop()
    assert docker.orders == [["start", ID], ["stop", ID]]
    assert not supervisor.state().active


def test_its_log_holds_what_went_to_both_outputs(supervisor: Supervisor) -> None:
    """Docker prints them apart."""
    assert sorted(supervisor.logs(10)) == ["listening on 0.0.0.0:8080", "warning: no library"]
    assert supervisor.logs(0) == []


def test_a_closed_gate_takes_the_restart_policy_away(
    supervisor: Supervisor, docker: FakeDocker, kino: Kino, environ: dict[str, str]
) -> None:
    """And an open one gives it back; each twice, and by another process that finds it closed."""
    docker.change_container(HostConfig={"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 5}})
    supervisor.close_gate(GATE)
    supervisor.close_gate(GATE)
    assert docker.policy == "no"
    after_a_crash = find_supervisor(kino, environ)
    after_a_crash.close_gate(GATE)
    after_a_crash.open_gate()
    after_a_crash.open_gate()
    assert docker.policy == "on-failure:5"
    assert not (workspace_of(kino).folder / FILE).exists()


def test_a_gate_that_cannot_be_closed_leaves_nothing(
    supervisor: Supervisor, docker: FakeDocker, kino: Kino
) -> None:
    """The restore ends there."""
    docker.change(lambda state: state["fail"].update(update="Error response from daemon: no"))
    with pytest.raises(ServiceError, match="docker update --restart=no kino did not succeed: Error"):
        supervisor.close_gate(GATE)
    assert docker.policy == "unless-stopped"
    assert not (workspace_of(kino).folder / FILE).exists()


def test_a_policy_that_no_engine_has_is_not_given_back(
    supervisor: Supervisor, docker: FakeDocker, kino: Kino
) -> None:
    """The file is in a folder of another user, and root reads it."""
    supervisor.close_gate(GATE)
    (workspace_of(kino).folder / FILE).write_text(f'{{"what": "{ID}", "before": "no --privileged"}}')
    supervisor.open_gate()
    assert docker.policy == "no"


def test_a_container_that_was_replaced_keeps_its_own_policy(
    supervisor: Supervisor, docker: FakeDocker, kino: Kino
) -> None:
    """As Compose does it: what was remembered was that of the old one."""
    supervisor.close_gate(GATE)
    docker.change(lambda state: state["containers"].clear())
    supervisor.open_gate()
    assert not (workspace_of(kino).folder / FILE).exists()
    assert supervisor.state()[:2] == (False, "it was removed")
    problem = supervisor.problem()
    assert problem is not None
    assert problem.message == "The container kino was removed."


def test_of_two_containers_the_one_that_we_keep_stopped_is_ours(
    supervisor: Supervisor, docker: FakeDocker, kino: Kino, environ: dict[str, str]
) -> None:
    """After a reboot neither runs; without that there is none to be preferred."""
    docker.change(
        lambda state: state["containers"].insert(
            0, container(kino.data_path) | {"Id": "0" * 64, "Name": "/old"}
        )
    )
    assert container_of_data_path(kino, environ) is None
    supervisor.close_gate(GATE)
    found = container_of_data_path(kino, environ)
    assert found is not None
    assert found.container.name == "kino"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"HostConfig": {"AutoRemove": True}}, "was made with --rm"),
        ({"State": {"Status": "paused", "Paused": True, "Pid": 7}}, "The container kino is paused."),
        ({"Config": {"Labels": {"com.docker.swarm.service.name": "m_kino"}}}, "the swarm service m_kino"),
    ],
)
def test_what_cannot_be_stopped_and_started_again_is_a_problem(
    supervisor: Supervisor, docker: FakeDocker, parts: dict[str, dict[str, object]], said: str
) -> None:
    """Told before anything is done, with a way out."""
    docker.change_container(**parts)
    problem = supervisor.problem()
    assert isinstance(problem, ServiceError)
    assert said in problem.message
    assert problem.hint


@pytest.mark.parametrize(
    ("said", "kind", "message"),
    [
        (DENIED, NotPermittedError, "may not use Docker"),
        (SILENT, ServiceError, "Is the docker daemon running?"),
    ],
)
def test_an_engine_that_refuses_is_a_problem(
    supervisor: Supervisor, docker: FakeDocker, said: str, kind: type[KinoBackupError], message: str
) -> None:
    """Lacking the right is told apart from an engine that is down."""
    docker.change(lambda state: state["fail"].update(all=said))
    problem = supervisor.problem()
    assert isinstance(problem, kind)
    assert message in problem.message
    assert problem.hint
    with pytest.raises(kind):
        supervisor.stop()


def test_without_an_engine_a_configured_container_is_a_problem(
    kino: Kino, environ: dict[str, str], tmp_path: Path
) -> None:
    """Nobody else is asked to stop Kino then."""
    (tmp_path / "bin" / "docker").unlink()
    Path(environ["KINO_BACKUP_TUI_CONFIG"]).write_text('container = "kino"\n')
    found = find_supervisor(kino, environ)
    problem = found.problem()
    assert isinstance(problem, ServiceError)
    assert problem.message == (
        "The container kino is configured, but neither docker nor podman is installed."
    )
    for order in (found.stop, found.start, found.open_gate):
        with pytest.raises(ServiceError):
            order()


def test_a_start_that_fails_says_why(supervisor: Supervisor, docker: FakeDocker) -> None:
    """In the words of the engine."""
    said = (
        "Error response from daemon: driver failed: Bind for 0.0.0.0:8080 failed: port is already allocated"
    )
    docker.change(lambda state: state["fail"].update(start=said))
    with pytest.raises(ServiceError, match="port is already allocated"):
        supervisor.start()


def test_a_container_is_described_with_its_project(kino: Kino, environ: dict[str, str]) -> None:
    """So that an admin knows where it comes from."""
    found = container_of_data_path(kino, environ)
    assert found is not None
    assert described(found) == "Docker container kino (Compose project media)"


def test_configured_commands_beat_a_container(kino: Kino, environ: dict[str, str]) -> None:
    """They are the admin's word."""
    Path(environ["KINO_BACKUP_TUI_CONFIG"]).write_text(
        'container = "kino"\nstop_command = ["true"]\nstart_command = ["true"]\n'
    )
    assert not isinstance(find_supervisor(kino, environ), ContainerSupervisor)


def test_a_podman_that_cannot_change_a_policy_needs_no_gate_without_a_unit_that_acts_on_it(
    kino: Kino, tmp_path: Path
) -> None:
    """It has no daemon: a container that was stopped stays so."""
    podman = FakeDocker(tmp_path / "bin", kino.data_path, as_podman=True)
    environ = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    found = container_of_data_path(kino, environ)
    assert found is not None
    supervisor = ContainerSupervisor(kino, found)
    assert supervisor.problem() is None
    supervisor.close_gate(GATE)
    supervisor.open_gate()
    assert podman.orders == []
    assert podman.policy == "unless-stopped"


def test_a_gate_that_a_dead_restore_has_left_is_opened_by_apply(
    supervisor: Supervisor, docker: FakeDocker, kino: Kino, environ: dict[str, str], tmp_path: Path
) -> None:
    """Where there is nothing else to settle."""
    supervisor.close_gate(GATE)
    assert docker.policy == "no"
    command = [sys.executable, "-m", "kino_backup_tui", "--data-path", str(kino.data_path), "apply"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert docker.policy == "unless-stopped"
