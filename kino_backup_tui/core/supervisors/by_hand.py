"""Kino started by a person: nobody stops it for us, and nobody may start it again behind our back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from kino_backup_tui.core.errors import KinoBackupError, ServiceError
from kino_backup_tui.core.kino.closed import find_openers
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.process_facts import (
    arguments,
    container_id,
    effective_user,
    in_container,
    parent,
    process_name,
    program,
    service_of,
)
from kino_backup_tui.core.kino.running import database_holders
from kino_backup_tui.core.supervisors.base import ServiceState

_SHELLS = {"bash", "sh", "dash", "ash", "busybox", "zsh", "fish", "ksh", "mksh", "csh", "tcsh"}
_SESSIONS = {
    "at",
    "atd",
    "cron",
    "crond",
    "doas",
    "dropbear",
    "init",
    "login",
    "mosh-server",
    "nice",
    "nohup",
    "runuser",
    "screen",
    "script",
    "setsid",
    "sshd",
    "sshd-session",
    "su",
    "sudo",
    "systemd",
    "tmux",
    "tmux: server",
}
"""Programs that start others and let them end; compared without regard to case."""


class ByHand:
    """Cannot stop or start Kino; a restore waits until its process ends."""

    name = "Kino"
    controls = False

    def __init__(self, kino: Kino, config_path: Path) -> None:
        """`config_path` is where commands could be configured; it is named where that is the way out."""
        self._kino = kino
        self._config_path = config_path

    def problem(self) -> KinoBackupError | None:
        """`ServiceError` if something may start Kino again by itself, and `NotPermittedError` or
        `LocationError` if this user could never know that Kino has ended; None if a restore can wait."""
        for pid in database_holders(self._kino).pids:
            if in_container(pid):
                return self._unknown_container(process_name(pid), pid)
            if reason := _restarter(pid):
                who = process_name(pid)
                return ServiceError(
                    f"{who[0].upper()}{who[1:]} has {self._kino.database} open and {reason}, "
                    "which may start it again in the middle of a restore.",
                    hint="Stop Kino there first, or have commands stop and start it: "
                    f"set stop_command and start_command in {self._config_path}.",
                )
        try:
            find_openers(self._kino)
        except KinoBackupError as error:
            return error
        return None

    def _unknown_container(self, who: str, pid: int) -> ServiceError:
        number = container_id(pid)[:12]
        service = service_of(pid)
        uid = effective_user(pid) if service is None else service.uid
        called = f"container {number}" if number else "container"
        runs = f" (its processes are those of user {uid})" if uid else ""
        return ServiceError(
            f"{who[0].upper()}{who[1:]} has {self._kino.database} open and runs in a {called}{runs}, which "
            "no Docker or Podman that this user may ask knows as Kino's. It may be started again in the "
            "middle of a restore.",
            hint="Run this as the user who runs the container, or name it: set container, or stop_command "
            f"and start_command, in {self._config_path}.",
        )

    def state(self) -> ServiceState:
        """Told by who has the database open."""
        found = database_holders(self._kino)
        if found.pids:
            return ServiceState(True, f"running as {process_name(found.pids[0])}", pid=found.pids[0])
        return ServiceState(False, "no process has the database open")

    def stop(self) -> None:
        """Raise `ServiceError`: a person has to."""
        raise ServiceError("Nobody supervises Kino, so it has to be stopped by hand.", hint="Stop it.")

    def start(self) -> None:
        """Raise `ServiceError`: a person has to."""
        raise ServiceError("Nobody supervises Kino, so it has to be started by hand.", hint="Start it.")

    def logs(self, lines: int) -> list[str]:
        """None are kept."""
        return []

    def close_gate(self, gate: Sequence[str]) -> None:
        """Do nothing: there is no start to be refused."""

    def open_gate(self) -> None:
        """Do nothing: there is no gate."""


def _restarter(pid: int) -> str:
    """Completes "process 4711 …" with who may restart it; empty if nobody is known to."""
    above = parent(pid)
    if pid == 1 or above == 0:
        return "is the first process of a container"
    if above is None or above == os.getpid():
        return ""
    if above == 1:
        service = service_of(pid)
        return f"belongs to {service.unit}" if service and service.unit.endswith(".service") else ""
    name = program(above).lower()
    if name in _SHELLS:
        script = [word for word in arguments(above)[1:] if not word.startswith("-")]
        return f"was started by the script of {process_name(above)}" if script else ""
    return "" if name in _SESSIONS or not name else f"was started by {process_name(above)}"
