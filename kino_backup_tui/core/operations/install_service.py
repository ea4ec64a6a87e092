"""install-service and uninstall-service: have the host run the schedule, or no longer."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace

from kino_backup_tui.core.errors import UsageError
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.session import open_session
from kino_backup_tui.core.timers import find
from kino_backup_tui.core.timers.base import Installed, NightJob, Uninstalled, night_job
from kino_backup_tui.core.timers.by_hand import cron_line, schtasks_command
from kino_backup_tui.core.timers.launchd import LaunchdTimer
from kino_backup_tui.core.timers.systemd import RUNS, SystemdTimer
from kino_backup_tui.core.timers.units import account_name

__all__ = ["Installed", "Uninstalled", "install_service", "sandbox_problem", "uninstall_service"]

_TASK_BY_HAND = "If a scheduled task runs it, delete that in the Task Scheduler."


def install_service(context: Context, environ: Mapping[str, str], *, user: bool) -> Installed:
    """Write and enable a timer that wakes this program every 15 minutes, and see that it works.

    Once it is there and in force, nothing is done. With `user` it is a timer of the current user. Raises
    `UsageError` where there is no service manager that it knows (the hint is the way without), or a file of
    that name is not ours; `NotPermittedError`; `ServiceError`; those of a write.
    """
    session = open_session(context)
    job = night_job(context.kino, session.location, environ, user=user)
    installed = _timer(job, environ).install()
    warnings = list(installed.warnings)
    if session.settings_problem is not None:
        warnings.append(session.settings_problem.message)
    elif not session.settings.runs:
        warnings.append("The schedule is off: no backup will be made until it is switched on.")
    if sys.platform != "darwin" and find.timer_file(context.kino, environ, user=not user):
        other = job._replace(user=not user).arguments("uninstall-service")
        warnings.append(f"There is another timer for this Kino, which is not needed any more: {other}")
    return replace(installed, warnings=tuple(warnings))


def uninstall_service(context: Context, environ: Mapping[str, str], *, user: bool) -> Uninstalled:
    """Remove that timer and everything of it; nothing is done if there is none. Raises as installing."""
    job = night_job(context.kino, context.kino.default_location, environ, user=user)
    return _timer(job, environ, remove=True).uninstall()


def sandbox_problem(context: Context, environ: Mapping[str, str]) -> tuple[str, str]:
    """Why the installed timer cannot write to the current location, and what to run; empty if it can."""
    location = open_session(context).location
    problem = find.sandbox_problem(context.kino, location, environ)
    job = night_job(context.kino, location, environ, user=False)
    return (problem, f"sudo {job.arguments('install-service')}") if problem else ("", "")


def _timer(job: NightJob, environ: Mapping[str, str], *, remove: bool = False) -> SystemdTimer | LaunchdTimer:
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
    return SystemdTimer(job, environ)
