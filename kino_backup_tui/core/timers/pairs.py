"""The two pairs of units that this program installs: for the schedule, and for the HTTP API."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from kino_backup_tui.core.errors import UsageError
from kino_backup_tui.core.timers.base import NightJob, api_job
from kino_backup_tui.core.timers.first_run import first_answer, first_run
from kino_backup_tui.core.timers.systemd import SystemdUnits, UnitKind
from kino_backup_tui.core.timers.unit_files import read_unit_file, units_folder
from kino_backup_tui.core.timers.units import (
    api_service_text,
    read_port,
    read_written,
    service_text,
    socket_text,
    timer_text,
)


def timer_units(job: NightJob, environ: Mapping[str, str]) -> SystemdUnits:
    """The timer of a Kino, and the service that makes what is due."""
    kind = UnitKind("timer", "timers.target", service_text, timer_text, first_run)
    return SystemdUnits(job, environ, kind)


def api_units(job: NightJob, environ: Mapping[str, str], port: int) -> SystemdUnits:
    """The socket of the HTTP API of a Kino, and the service that answers; `job` is that of the timer."""
    kind = UnitKind(
        "socket",
        "sockets.target",
        api_service_text,
        lambda job: socket_text(job, port),
        lambda manager, service, job: first_answer(manager, service, job, port),
    )
    return SystemdUnits(api_job(job), environ, kind)


def api_port(job: NightJob, environ: Mapping[str, str]) -> int | None:
    """The port of the installed socket of a Kino; None if there is none that is ours."""
    folder = units_folder(environ, user=job.user)
    text = read_unit_file(folder / f"{api_job(job).name}.socket") or ""
    written = read_written(text)
    return read_port(text) if written and written.data_path == job.kino.data_path else None


def require_free(port: int) -> None:
    """Raise `UsageError` if something listens at a port of this host already, such as another Kino's API."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise UsageError(
                f"127.0.0.1 port {port} cannot be had: {error.strerror}.",
                hint="Give --port another number.",
            ) from error
