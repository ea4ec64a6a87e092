"""What the kernel tells about one process: its name, its parent, its unit of systemd, how busy it is.

All of it is in /proc (proc(5)); elsewhere than on Linux only what psutil knows.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import NamedTuple

_PROC = "/proc"
_USER_MANAGER = re.compile(r"user@(\d+)\.service")
_CONTAINER = re.compile(
    r"(^|/)(docker|lxc|lxc\.payload[^/]*|kubepods[^/]*|containerd?)(/|$)"
    r"|(^|/)((docker|libpod|crio|cri-containerd|nerdctl)-|libpod-payload|machine-)[^/]*"
)

_CONTAINER_ID = re.compile(r"(?:^|[/:-])([0-9a-f]{64})(?:\.scope)?(?:/|$)")


class ServiceOf(NamedTuple):
    """The unit of systemd in whose control group a process runs."""

    unit: str
    """ "kino.service", "session-3.scope"."""
    uid: int | None = None
    """The user whose manager has started it; None for the system's."""


class Activity(NamedTuple):
    """Counters that only grow while a process works."""

    cpu_seconds: float
    io_bytes: int
    """Read and written, whether from the disk or not."""


def process_name(pid: int) -> str:
    """What a process is called, for messages: "process 4711 (kino)"."""
    name = _text(pid, "comm").strip()
    return f"process {pid} ({name})" if name and name.isprintable() else f"process {pid}"


def program(pid: int) -> str:
    """The short name of the program a process runs; empty if the process is gone."""
    return _text(pid, "comm").strip()


def arguments(pid: int) -> list[str]:
    """Its command line; empty if it has none."""
    return _text(pid, "cmdline").rstrip("\0").split("\0") if _text(pid, "cmdline") else []


def parent(pid: int) -> int | None:
    """Who started it, or took it over; 0 if that is outside of what can be seen here, None if unknown."""
    if not sys.platform.startswith("linux"):
        return _psutil_parent(pid)
    found = re.search(r"^PPid:\s*(\d+)$", _text(pid, "status"), re.MULTILINE)
    return int(found.group(1)) if found else None


def effective_user(pid: int) -> int | None:
    """The number of the user it runs as; None if unknown."""
    found = re.search(r"^Uid:\s*\d+\s+(\d+)", _text(pid, "status"), re.MULTILINE)
    return int(found.group(1)) if found else None


def service_of(pid: int) -> ServiceOf | None:
    """The unit a process belongs to; None without systemd."""
    return parse_service(_text(pid, "cgroup"))


def parse_service(cgroups: str) -> ServiceOf | None:
    """Read /proc/PID/cgroup: the unified hierarchy, else the one that systemd has named.

    As in systemd, the unit is the first step of the path that is no slice; what a user's manager has
    started is below the unit of that manager.
    """
    path = _path(cgroups)
    uid = None
    steps = [step.removeprefix("_") for step in path.split("/") if step]
    for step in steps:
        if step.endswith(".slice"):
            continue
        if (manager := _USER_MANAGER.fullmatch(step)) and uid is None and step != steps[-1]:
            uid = int(manager.group(1))
            continue
        return ServiceOf(step, uid) if step.endswith((".service", ".scope")) else None
    return None


def in_container(pid: int) -> bool:
    """Whether a process runs in a container that this process does not run in."""
    own, its = (_text(each, "cgroup") for each in ("self", pid))
    if _CONTAINER.search(_path(its)) and _path(its) != _path(own):
        return True
    namespaces = [namespace_of(each) for each in (os.getpid(), pid)]
    return "" not in namespaces and namespaces[0] != namespaces[1]


def container_id(pid: int) -> str:
    """The id of the container a process runs in, as its engine has written it into the name of the control
    group; empty if it has not."""
    found = _CONTAINER_ID.findall(_path(_text(pid, "cgroup")))
    return found[-1] if found else ""


def namespace_of(pid: int) -> str:
    """The process namespace of a process, which all processes of a container share; empty if unknown."""
    try:
        return os.readlink(f"{_PROC}/{pid}/ns/pid")  # noqa: PTH115
    except OSError:
        return ""


def activity(pid: int) -> Activity:
    """How much it has worked so far; what cannot be read counts as nothing."""
    fields = _text(pid, "stat").rpartition(")")[2].split()
    ticks = sum(int(field) for field in fields[11:13]) if len(fields) > 13 else 0
    moved = re.findall(r"^[rw]char: (\d+)$", _text(pid, "io"), re.MULTILINE)
    return Activity(ticks / os.sysconf("SC_CLK_TCK"), sum(map(int, moved)))


def _path(cgroups: str) -> str:
    paths = {}
    for line in cgroups.splitlines():
        hierarchy, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        paths[controllers if hierarchy != "0" else ""] = path
    unified = paths.get("", "")
    # Where both are there, systemd goes by the unified one, and the other may lag behind (systemd.io,
    # CGROUP_DELEGATION, "hybrid"); with the old ones alone, everything is at the unified root.
    return unified if unified.strip("/") else paths.get("name=systemd", unified)


def _text(pid: int | str, name: str) -> str:
    try:
        return Path(_PROC, str(pid), name).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""


def _psutil_parent(pid: int) -> int | None:
    import psutil

    try:
        return int(psutil.Process(pid).ppid())
    except psutil.Error:
        return None
