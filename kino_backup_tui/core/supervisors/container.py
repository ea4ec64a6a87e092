"""Kino in a container of Docker or Podman; see docker(1) and podman(1).

No command can be asked at each start of a container. What starts one by itself is its restart policy, so
that is what is taken away during a restore; a person who starts it all the same is found by whoever proves
that nobody has the database open.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from kino_backup_tui.core.errors import KinoBackupError, NotPermittedError, ServiceError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.process_facts import process_name
from kino_backup_tui.core.kino.running import database_holders
from kino_backup_tui.core.kino.systemctl import Manager
from kino_backup_tui.core.kino.tool_config import user_folder
from kino_backup_tui.core.supervisors.base import ServiceState
from kino_backup_tui.core.supervisors.containers import Found, runs_in
from kino_backup_tui.core.supervisors.engine import Container, Mount, sentence
from kino_backup_tui.core.supervisors.held import forget, remember, remembered
from kino_backup_tui.core.supervisors.output import last_lines
from kino_backup_tui.core.supervisors.systemd import SYSTEM_UNITS
from kino_backup_tui.core.supervisors.systemd_gate import Gate

_NEVER = "no"
_USUAL_SIGNALS = ("", "TERM", "SIGTERM", "15")
_POLICY = re.compile(r"no|always|unless-stopped|on-failure(:\d{1,9})?")
_ORDER_SECONDS = 60.0
_LONGEST_STOP_SECONDS = 1800.0
_RESTART_SECONDS = 1.5
"""How soon an engine starts one again that has ended by itself."""
_SETTLE_SECONDS = 15.0
_LOG_SECONDS = 10.0
_POLL_SECONDS = 0.25
_RUNNING = {"running", "paused", "restarting", "stopping"}
_UNSETTLED = {"restarting", "stopping", "removing"}
_WORDS = {"exited": "stopped", "created": "never started", "restarting": "waiting to be restarted"}
_BOOT_UNIT = "podman-restart.service"
_MANAGED = {
    "com.docker.swarm.service.name": "the swarm service",
    "io.kubernetes.pod.name": "the Kubernetes pod",
}
"""Labels of what replaces a container that was stopped by another one."""


class ContainerSupervisor:
    """Stops, starts and holds one container, by its id and never by a pattern."""

    controls = True

    def __init__(self, kino: Kino, found: Found) -> None:
        self.name = f"container {found.container.name}"
        self._kino = kino
        self._engine = found.engine
        self._id = found.container.id
        self._called = found.container.name
        self._is_podmans = found.container.is_podmans

        self._described = described(found)
        self.mounts = found.container.mounts

    @property
    def description(self) -> str:
        """With its engine and project: "Docker container kino (Compose project media)"."""
        return self._described

    def is_called(self, name: str) -> bool:
        """Whether that is its name, or the beginning of its id."""
        return name == self._called or self._id.startswith(name)

    def mount_of(self, folder: Path) -> Mount | None:
        """What brings a folder of the host into it; None if that cannot be seen inside of it."""
        over = [mount for mount in self.mounts if folder.is_relative_to(os.path.realpath(mount.source))]
        return max(over, key=lambda mount: len(mount.source), default=None)

    def problem(self) -> KinoBackupError | None:
        """`NotPermittedError` for a user without the right, `ServiceError` for a container that cannot be
        stopped and started again, or beside which something else has the database open."""
        try:
            container = self._container()
            if unusable := self._unusable(container):
                return unusable
            gate = self._boot_gate(container)
            return (gate.problem() if gate else None) or self._strayed(container)
        except KinoBackupError as error:
            return error

    def state(self) -> ServiceState:
        """How the engine says that it is; raises `ServiceError` if it does not answer."""
        found = self._engine.container(self._id)
        if found is None:
            return ServiceState(False, "it was removed")
        return container_state(found)

    def stop(self) -> None:
        """Stop it as it wants to be stopped, with its own signal and time limit, and wait until it is."""
        container = self._container()
        limit, signal = container.stop_seconds, self._signal(container)
        seconds = limit + _ORDER_SECONDS if 0 <= limit < _LONGEST_STOP_SECONDS else _LONGEST_STOP_SECONDS
        deadline = time.monotonic() + seconds + _SETTLE_SECONDS
        while True:
            answer = self._engine.run("stop", *signal, self._id, seconds=seconds)
            if answer.code != 0:
                raise self._refused("stop", answer.reason)
            self._wait_until_down(deadline)
            # One that had just ended by itself is "stopped" in vain: its restart is on the way already.
            if self._container().restart_policy == _NEVER or self._stays_down():
                return
            if time.monotonic() >= deadline:
                raise self._refused("stop", "it is started again and again")

    def _signal(self, container: Container) -> tuple[str, ...]:
        """The option for Kino's own signal, where nobody has chosen one and the engine can be told.

        The first process of a container does not see a signal that it does not handle, see
        pid_namespaces(7), and is killed in the end.
        """
        wanted = self._kino.layout.stop_signal
        if wanted is None or container.stop_signal not in _USUAL_SIGNALS or not self._can("stop", "--signal"):
            return ()
        return (f"--signal={wanted}",)

    def _wait_until_down(self, deadline: float) -> None:
        while (state := self.state()).active or not state.settled:
            if time.monotonic() >= deadline:
                raise self._refused("stop", f"it is {state.text}")
            time.sleep(_POLL_SECONDS)

    def _stays_down(self) -> bool:
        until = time.monotonic() + _RESTART_SECONDS
        while time.monotonic() < until:
            if self.state().active:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def start(self) -> None:
        """Have the engine start it; raises `ServiceError` or `NotPermittedError` if it does not."""
        answer = self._engine.run("start", self._id, seconds=_ORDER_SECONDS)
        if answer.code != 0:
            raise self._refused("start", answer.reason)

    def logs(self, lines: int) -> list[str]:
        """The last lines it has printed, errors included; one that says why, if the engine keeps none."""
        program = shutil.which(self._engine.program, path=self._engine.environ.get("PATH"))
        if program is None or lines <= 0:
            return []
        return last_lines([program, "logs", "--tail", str(lines), self._id], lines, _LOG_SECONDS)

    def close_gate(self, gate: Sequence[str]) -> None:
        """Take its restart policy away, and remember it until the gate is opened.

        A container that was stopped stays so until somebody starts it, or the engine, which does that for
        some policies when it is started itself. Only where a unit of systemd does that, and the policy
        cannot be changed, is the command asked.
        Raises `ServiceError`, and what `storage_error` makes of a failed write.
        """
        container = self._container()
        if boot_gate := self._boot_gate(container):
            boot_gate.close(gate)
            return
        if container.restart_policy == _NEVER or not self._can_update():
            return
        begun = remembered(self._kino, self._id) is None
        if begun:
            remember(self._kino, self._id, container.restart_policy)
        try:
            self._set_policy(_NEVER)
        except BaseException:
            if begun:
                forget(self._kino)
            raise

    def open_gate(self) -> None:
        """Give it its restart policy back; nothing happens if it still has it, or is not there any more."""
        before = remembered(self._kino, self._id)
        # It is read from a folder that belongs to another user.
        if before is not None and _POLICY.fullmatch(before) and self._engine.container(self._id) is not None:
            self._set_policy(before)
        forget(self._kino)
        if self._is_podmans:
            self._boot_unit()[1].open()

    def _container(self) -> Container:
        found = self._engine.container(self._id)
        if found is None:
            raise ServiceError(
                f"The container {self._called} was removed.",
                hint="If there is a new one in its place, try again.",
            )
        return found

    def _unusable(self, container: Container) -> ServiceError | None:
        for label, what in _MANAGED.items():
            if name := container.labels.get(label):
                return ServiceError(
                    f"The container {self._called} belongs to {what} {name}, "
                    "which puts another one in its place when it is stopped.",
                    hint="Scale it to none and restore by hand, or configure stop_command and start_command.",
                )
        if container.removed_at_end:
            return ServiceError(
                f"The container {self._called} was made with --rm: once stopped, it is gone.",
                hint="Configure stop_command and start_command, or run it without --rm.",
            )
        if container.status in ("paused", "dead", "removing"):
            return ServiceError(
                f"The container {self._called} is {container.status}.",
                hint=f"Run: {self._engine.program} "
                + (f"unpause {self._called}" if container.status == "paused" else "ps --all"),
            )
        return None

    def _boot_gate(self, container: Container) -> Gate | None:
        """What has to be closed where the restart policy cannot be changed: Podman learnt that in 5.1.

        It starts a container that was stopped only after a boot, by a unit of systemd, for one policy.
        """
        boots = container.restart_policy == "always" and Path("/run/systemd/system").is_dir()
        if not boots or self._can_update():
            return None
        manager, gate = self._boot_unit()
        enabled = manager.systemctl("is-enabled", _BOOT_UNIT, seconds=_ORDER_SECONDS).output.strip()
        return gate if enabled == "enabled" else None

    def _boot_unit(self) -> tuple[Manager, Gate]:
        environ = self._engine.environ
        user = os.geteuid() != 0
        units = user_folder(environ, "XDG_CONFIG_HOME", ".config") / "systemd/user" if user else SYSTEM_UNITS
        manager = Manager(environ, user=user)
        return manager, Gate(manager, _BOOT_UNIT, units)

    def _strayed(self, container: Container) -> ServiceError | None:
        """A process that has the database open and would not end with the container."""
        strays = [pid for pid in database_holders(self._kino).pids if not runs_in(pid, container)]
        if not strays:
            return None
        text = process_name(strays[0])
        return ServiceError(
            f"{text[0].upper()}{text[1:]} has {self._kino.database} open, "
            f"but does not run in the container {self._called}.",
            hint=f"End it first: kill {strays[0]}",
        )

    def _can_update(self) -> bool:
        return self._can("update", "--restart")

    def _can(self, order: str, option: str) -> bool:
        return option in self._engine.run(order, "--help").output

    def _set_policy(self, policy: str) -> None:
        answer = self._engine.run("update", f"--restart={policy}", self._id, seconds=_ORDER_SECONDS)
        if answer.code != 0:
            raise self._refused(f"update --restart={policy}", answer.reason)
        if self._container().restart_policy.partition(":")[0] != policy.partition(":")[0]:
            raise ServiceError(f"{self._engine.title} did not change the restart policy of {self._called}.")

    def _refused(self, order: str, reason: str) -> KinoBackupError:
        command = f"{self._engine.program} {order} {shlex.quote(self._called)}"
        said = reason.rpartition("\n")[2] or "no reason given"
        text = f"{command} did not succeed: {sentence(said)}"
        if "permission denied" in reason.lower():
            return NotPermittedError(text, hint=f"Run as root: sudo {command}")
        return ServiceError(text, hint=f"Try it by hand: {command}")


def container_state(container: Container) -> ServiceState:
    """Put in words what `inspect` says."""
    active = container.status in _RUNNING
    ended = ""
    if container.status in ("exited", "restarting", "dead", "stopped") and container.exit_code:
        memory = ", out of memory" if container.out_of_memory else ""
        ended = f"exit code {container.exit_code}{memory}"
    text = _WORDS.get(container.status, container.status)
    if ended:
        text += f" ({ended})"
    if container.restarts:
        text += f", restarted {container.restarts} time{'s' if container.restarts > 1 else ''}"
    settled = container.status not in _UNSETTLED
    pid = container.pid if active else None
    return ServiceState(active, text, settled, pid, container.restarts, ended)


def described(found: Found) -> str:
    """A container in words for a report: "Docker container kino (Compose project media)"."""
    container = found.container
    title = "Podman" if container.is_podmans else found.engine.title
    project = container.labels.get("com.docker.compose.project") or container.labels.get(
        "io.podman.compose.project"
    )
    made = f" (Compose project {project})" if project else ""
    return f"{title} container {container.name}{made}"
