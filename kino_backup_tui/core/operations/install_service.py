"""install-service and uninstall-service: have the host run the schedule and the HTTP API, or no longer."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace

from kino_backup_tui.core.errors import KinoBackupError, UsageError
from kino_backup_tui.core.models import API_PORT
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.session import open_session
from kino_backup_tui.core.timers import find
from kino_backup_tui.core.timers.base import Installed, NightJob, Uninstalled, night_job
from kino_backup_tui.core.timers.by_hand import cron_line, schtasks_command
from kino_backup_tui.core.timers.launchd import LaunchdTimer
from kino_backup_tui.core.timers.pairs import api_port, api_units, require_free, timer_units
from kino_backup_tui.core.timers.systemd import SystemdUnits
from kino_backup_tui.core.timers.unit_files import RUNS
from kino_backup_tui.core.timers.units import account_name

__all__ = ["Installed", "Uninstalled", "install_service", "sandbox_problem", "uninstall_service"]

_TASK_BY_HAND = "If a scheduled task runs it, delete that in the Task Scheduler."


def install_service(
    context: Context,
    environ: Mapping[str, str],
    *,
    user: bool,
    api: bool = False,
    port: int | None = None,
) -> Installed:
    """Write and enable a timer that wakes this program every 15 minutes, and see that it works.

    With `api` also the socket of the HTTP API, at `port`, else where it is, else at the usual one.
    What is there and in force stays as it is; a socket that is there is brought up to date in any case. With
    `user` all of it is the current user's.
    Raises `UsageError` where there is no service manager that it knows (the hint is the way without), or a
    file of that name is not ours; `NotPermittedError`; `ServiceError`; those of a write.
    """
    session = open_session(context)
    job = night_job(context.kino, session.location, environ, user=user)
    present = api_port(job, environ)
    wanted = port or present or API_PORT
    if api:
        _require_sockets(job)
        if wanted != present:
            require_free(wanted)
    installed = _timer(job, environ).install()
    if api or present is not None:
        installed = _with_api(installed, api_units(job, environ, wanted))
    warnings = list(installed.warnings)
    if session.settings_problem is not None:
        warnings.append(session.settings_problem.message)
    elif not session.settings.runs:
        warnings.append("The schedule is off: no backup will be made until it is switched on.")
    if sys.platform != "darwin" and find.timer_file(context.kino, environ, user=not user):
        other = job._replace(user=not user).arguments("uninstall-service")
        warnings.append(f"There is another timer for this Kino, which is not needed any more: {other}")
    return replace(installed, warnings=tuple(warnings))


def uninstall_service(
    context: Context, environ: Mapping[str, str], *, user: bool, api_only: bool = False
) -> Uninstalled:
    """Remove that timer and the socket of the HTTP API, or that alone, and everything of them.

    Nothing is done if there is none. Raises as installing.
    """
    job = night_job(context.kino, context.kino.default_location, environ, user=user)
    if api_only:
        _require_sockets(job)
        return api_units(job, environ, API_PORT).uninstall()
    timer = _timer(job, environ, remove=True)
    if not isinstance(timer, SystemdUnits):
        return timer.uninstall()
    # The socket first: who asks there would find a server that has the schedule to itself.
    api = api_units(job, environ, API_PORT).uninstall()
    removed = timer.uninstall()
    return replace(
        removed,
        removed=(*api.removed, *removed.removed),
        commands=(*api.commands, *removed.commands),
        done=(*api.done, *removed.done),
        warnings=(*api.warnings, *removed.warnings),
    )


def _with_api(timer: Installed, units: SystemdUnits) -> Installed:
    try:
        api = units.install()
    except KinoBackupError as error:
        hint = f"{error.hint}\n{timer.name} is installed, the HTTP API is not.".strip()
        raise type(error)(error.message, hint=hint) from error
    return replace(
        timer,
        name=f"{timer.name} and {api.name}",
        files=(*timer.files, *api.files),
        written=(*timer.written, *api.written),
        commands=(*timer.commands, *api.commands),
        done=(*timer.done, *api.done),
        warnings=tuple(dict.fromkeys((*timer.warnings, *api.warnings))),
    )


def _require_sockets(job: NightJob) -> None:
    if sys.platform == "darwin" or not RUNS.is_dir():
        raise UsageError(
            "The HTTP API can be installed only where systemd runs.",
            hint=f"Elsewhere, have this run all the time, as {account_name(job.owner)}: "
            f"{job.arguments('serve')}",
        )


def sandbox_problem(context: Context, environ: Mapping[str, str]) -> tuple[str, str]:
    """Why the installed timer cannot write to the current location, and what to run; empty if it can."""
    location = open_session(context).location
    problem = find.sandbox_problem(context.kino, location, environ)
    job = night_job(context.kino, location, environ, user=False)
    return (problem, f"sudo {job.arguments('install-service')}") if problem else ("", "")


def _timer(job: NightJob, environ: Mapping[str, str], *, remove: bool = False) -> SystemdUnits | LaunchdTimer:
    """The timer of this host; raises `UsageError` with what to do by hand, to `remove` it or to have it."""
    if sys.platform == "darwin":
        return LaunchdTimer(job, environ)
    if sys.platform == "win32":
        raise UsageError(
            "On Windows this program installs nothing.",
            hint=_TASK_BY_HAND if remove else f"As an administrator, run: {schtasks_command(job.command)}",
        )
    if not RUNS.is_dir():
        owner = account_name(job.owner)
        raise UsageError(
            "There is no service manager here that this program knows: neither systemd nor launchd.",
            hint=f"If cron runs it, take its line out with `crontab -u {owner} -e`."
            if remove
            else f"Have cron run it, with `crontab -u {owner} -e`: {cron_line(job.command)}",
        )
    return timer_units(job, environ)
