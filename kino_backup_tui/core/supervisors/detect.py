"""Which supervisor runs this Kino, and never another one."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.path_map import Mounted
from kino_backup_tui.core.kino.process_facts import ServiceOf, service_of
from kino_backup_tui.core.kino.running import database_holders
from kino_backup_tui.core.kino.systemctl import SHOW_SECONDS
from kino_backup_tui.core.kino.systemd_unit import UNIT, Unit, read_unit
from kino_backup_tui.core.kino.tool_config import load_tool_config, tool_config_path, user_folder
from kino_backup_tui.core.supervisors.base import Supervisor
from kino_backup_tui.core.supervisors.by_hand import ByHand
from kino_backup_tui.core.supervisors.container import ContainerSupervisor
from kino_backup_tui.core.supervisors.containers import (
    Found,
    container_of_data_path,
    container_of_processes,
    named_container,
    unit_of,
)
from kino_backup_tui.core.supervisors.missing import MissingContainer
from kino_backup_tui.core.supervisors.systemd import SystemdSupervisor


def find_supervisor(kino: Kino, environ: Mapping[str, str]) -> Supervisor:
    """Find it; the first of these that is there.

    Configured commands; the configured container, if it has our data path; the configured service, else
    kino.service, of the system and then of the user, if it is this Kino's: its data path is ours, or its
    process has our database open; any other service whose main process has our database open; the container
    whose process has it open, or, if nothing has, that is told our data path; on a Mac what launchd is
    told to run on it; nobody. What a unit of systemd runs in a container is that unit's.
    Raises `InvalidSettingsError` for a configuration that cannot be understood.
    """
    config = load_tool_config(environ).about(kino.data_path)
    if config.stop_command and config.start_command:
        from kino_backup_tui.core.supervisors.commands import CommandsSupervisor

        return CommandsSupervisor(kino, config)
    holders = database_holders(kino).pids
    if config.container:
        named_one = named_container(kino, config.container, environ)
        if isinstance(named_one, KinoBackupError):
            return MissingContainer(config.container, named_one)
        if named_one is not None:
            return _of_container(kino, named_one, environ)
    running = {pid: service for pid in holders if (service := service_of(pid))}
    named = _named_service(kino, config.service, set(running.values()), environ)
    if found := named or _service_of_process(running, environ):
        return SystemdSupervisor(kino, found.unit, environ, uid=found.uid)
    if holders:
        container = container_of_processes(kino, holders, environ)
    else:
        container = container_of_data_path(kino, environ)
    if container is not None:
        return _of_container(kino, container, environ)
    if sys.platform == "darwin":
        from kino_backup_tui.core.supervisors.launchd import find_launchd

        if (job := find_launchd(kino, environ)) is not None:
            return job
    return ByHand(kino, tool_config_path(environ))


def find_mounts(kino: Kino, supervisor: Supervisor, environ: Mapping[str, str]) -> tuple[Mounted, ...]:
    """The folders of this host that Kino's container has, and their names in it; none without a container."""
    if isinstance(supervisor, ContainerSupervisor):
        mounts = supervisor.mounts
    else:
        found = container_of_processes(kino, database_holders(kino).pids, environ)
        mounts = found.container.mounts if found else ()
    return tuple(Mounted(mount.destination, Path(os.path.realpath(mount.source))) for mount in mounts)


def _of_container(kino: Kino, found: Found, environ: Mapping[str, str]) -> Supervisor:
    unit = unit_of(found.container)
    if unit is None:
        return ContainerSupervisor(kino, found)
    # The user whose containers these are is the one whose manager runs the unit.
    return SystemdSupervisor(kino, unit, environ, uid=os.geteuid() or None)


def _named_service(
    kino: Kino, configured: str | None, running: set[ServiceOf], environ: Mapping[str, str]
) -> ServiceOf | None:
    for user in (False, True):
        unit = read_unit(environ, user=user, name=configured or UNIT, seconds=SHOW_SECONDS)
        if unit is None:
            continue
        service = ServiceOf(unit.name, os.geteuid() if user else None)
        if service in running or _is_of(unit, kino, user, configured is not None, environ):
            return service
    return None


def _is_of(unit: Unit, kino: Kino, user: bool, configured: bool, environ: Mapping[str, str]) -> bool:
    """Whether a service that does not run, or whose process cannot be looked into, is this Kino's."""
    data_path = unit.data_path
    if data_path is None and user:
        data_path = str(user_folder(environ, "XDG_DATA_HOME", ".local/share") / "kino")
    if data_path is None:
        # Nothing speaks against what the admin has configured; a running one would have our database open.
        return configured and unit.main_pid is None
    return Path(data_path).is_absolute() and Path(os.path.realpath(data_path)) == kino.data_path


def _service_of_process(running: Mapping[int, ServiceOf], environ: Mapping[str, str]) -> ServiceOf | None:
    """A service is not Kino's because Kino was started somewhere in it: cron and sshd are services, too."""
    for pid, service in running.items():
        if not service.unit.endswith(".service"):
            continue
        if service.uid not in (None, os.geteuid()):
            # That user's manager does not answer us; it is asked nothing, but has to be named.
            return service
        unit = read_unit(environ, user=service.uid is not None, name=service.unit, seconds=SHOW_SECONDS)
        if unit is not None and unit.main_pid == pid:
            return ServiceOf(unit.name, service.uid)
    return None
