"""Which container is this Kino's: the one its process runs in, or the one that is given our data path."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from kino_backup_tui.core.errors import KinoBackupError, ServiceError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.process_facts import container_id, in_container, namespace_of, parent
from kino_backup_tui.core.kino.systemctl import SHOW_SECONDS
from kino_backup_tui.core.kino.systemd_unit import read_unit
from kino_backup_tui.core.supervisors.engine import PROGRAMS, Container, Engine, engines
from kino_backup_tui.core.supervisors.held import remembered

UNIT_LABEL = "PODMAN_SYSTEMD_UNIT"
"""Set by Podman on what a unit of systemd runs: quadlets, and those of `podman generate systemd`."""


class Found(NamedTuple):
    """A container and who knows it."""

    engine: Engine
    container: Container


def named_container(kino: Kino, name: str, environ: Mapping[str, str]) -> Found | KinoBackupError | None:
    """The configured container; None if it is another Kino's, an error if nobody can tell."""
    problem: KinoBackupError | None = None
    for engine in engines(environ):
        try:
            container = engine.container(name)
        except KinoBackupError as error:
            problem = problem or error
            continue
        if container is not None:
            return Found(engine, container) if is_of(container, kino) else None
    if problem is not None:
        return problem
    if not engines(environ):
        return ServiceError(
            f"The container {name} is configured, but neither {' nor '.join(PROGRAMS)} is installed.",
            hint="Install its program, or configure stop_command and start_command.",
        )
    return ServiceError(
        f"There is no container {name}.", hint="Correct container in the configuration of kino-backup-tui."
    )


def container_of_processes(kino: Kino, pids: Sequence[int], environ: Mapping[str, str]) -> Found | None:
    """The container in which one of these processes, which have our database open, runs.

    One that is told our data path beats one that only has it mounted, where nobody else could be Kino.
    """
    inside = [pid for pid in pids if in_container(pid)]
    if not inside:
        return None
    found = [
        each
        for each in _all(environ)
        if is_of(each.container, kino) and any(runs_in(pid, each.container) for pid in inside)
    ]
    told = [each for each in found if each.container.data_path == kino.data_path]
    if told:
        return told[0]
    return found[0] if len(found) == 1 else None


def container_of_data_path(kino: Kino, environ: Mapping[str, str]) -> Found | None:
    """While nothing has the database open: the only container that is told our data path.

    The one we keep stopped beats all others; of several, one that runs.
    """
    found = list(_all(environ))
    for each in found:
        if remembered(kino, each.container.id) is not None and is_of(each.container, kino):
            return each
    told = [each for each in found if each.container.data_path == kino.data_path]
    running = [each for each in told if each.container.pid is not None]
    return next((group[0] for group in (running, told) if len(group) == 1), None)


def is_of(container: Container, kino: Kino) -> bool:
    """Whether Kino in this container, if there is one, works on our data path."""
    return container.data_path == kino.data_path or container.mounts_writable(kino.data_path)


def runs_in(pid: int, container: Container) -> bool:
    """Whether a process of the host runs in a container."""
    named = container_id(pid)
    if named:
        return named == container.id
    if container.pid is None:
        return False
    spaces = [namespace_of(each) for each in (pid, container.pid, os.getpid())]
    if spaces[0] and spaces[0] == spaces[1] != spaces[2]:
        return True
    above: int | None = pid
    while above and above != container.pid:
        above = parent(above)
    return above == container.pid


def unit_of(container: Container) -> str | None:
    """The unit of systemd that runs it and would run it again; None if its engine alone does."""
    unit = container.labels.get(UNIT_LABEL, "")
    return unit if unit.endswith(".service") else None


def runs_for_unit(pid: int, unit: str, environ: Mapping[str, str]) -> bool:
    """Whether a process runs in a container that a unit of systemd runs, though not in its control group."""
    if not in_container(pid):
        return False
    inside = [each.container for each in _all(environ) if runs_in(pid, each.container)]
    if any(unit_of(container) == unit for container in inside):
        return True
    # Docker leaves no trace of the unit in which its program was called.
    told = read_unit(environ, name=unit, seconds=SHOW_SECONDS) if inside else None
    return told is not None and any(told.container in (each.name, each.id) for each in inside)


def _all(environ: Mapping[str, str]) -> Iterator[Found]:
    """Every container of every engine that answers; an engine that does not is asked about by `problem`."""
    seen = set()
    for engine in engines(environ):
        try:
            containers = engine.containers()
        except KinoBackupError:
            continue
        for container in containers:
            # `docker` may be another name of `podman`.
            if container.id not in seen:
                seen.add(container.id)
                yield Found(engine, container)
