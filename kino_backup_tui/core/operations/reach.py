"""Whether Kino itself reaches a location, by what its service or container says; `doctor` really tries."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from kino_backup_tui.core.errors import ServiceError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.systemctl import Manager
from kino_backup_tui.core.kino.systemd_text import shown_path
from kino_backup_tui.core.kino.systemd_unit import split_quoted
from kino_backup_tui.core.supervisors.detect import find_mounts, find_supervisor
from kino_backup_tui.core.supervisors.systemd import SystemdSupervisor


def reach_problem(kino: Kino, location: Path, environ: Mapping[str, str]) -> str:
    """Why Kino could not write to a location from its sandbox or container, as a sentence; empty if it could.

    See `ProtectSystem=` and `ReadWritePaths=` in systemd.exec(5). Nobody is asked about the data path. What
    nobody tells speaks for it.
    """
    real = Path(os.path.realpath(location))
    if real.is_relative_to(kino.data_path):
        return ""
    supervisor = find_supervisor(kino, environ)
    if mounts := find_mounts(kino, supervisor, environ):
        if any(real.is_relative_to(mounted.host) for mounted in mounts):
            return ""
        return (
            f"{location} is not mounted into Kino's container: what Kino writes there goes when "
            "the container does."
        )
    if not isinstance(supervisor, SystemdSupervisor) or supervisor.is_users:
        return ""
    try:
        shown = Manager(environ).show(supervisor.name, "ProtectSystem", "ReadWritePaths")
    except ServiceError:
        return ""
    return sandbox_text(supervisor.name, shown, real)


def sandbox_text(unit: str, shown: Mapping[str, str], real: Path) -> str:
    """The sentence for what systemd shows of a unit; `real` is the location without links."""
    if shown.get("ProtectSystem") != "strict":
        return ""
    words = split_quoted(shown.get("ReadWritePaths", ""))
    if any(real.is_relative_to(os.path.realpath(word.lstrip("-+"))) for word in words):
        return ""
    return (
        f"The sandbox of {unit} does not let Kino write there: `systemctl edit {unit}`, "
        f"[Service] ReadWritePaths={shown_path(real)}"
    )
