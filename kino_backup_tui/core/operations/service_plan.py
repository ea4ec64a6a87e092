"""What install-service would write, and whether this user may: what is shown before it is asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kino_backup_tui.core.errors import KinoBackupError, NotPermittedError
from kino_backup_tui.core.files import user_name
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.session import open_session
from kino_backup_tui.core.timers.base import MINUTES, night_job
from kino_backup_tui.core.timers.launchd import plist_path
from kino_backup_tui.core.timers.unit_files import units_folder
from kino_backup_tui.core.timers.units import account_name


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """A timer that is not installed yet."""

    name: str
    files: tuple[Path, ...]
    account: str
    """The user it will run as."""
    user: bool
    """Whether it is a timer of the current user, and not one of the system."""
    minutes: int
    """How often it wakes this program."""
    problem: KinoBackupError | None
    """Why this user cannot install it."""


def plan_service(context: Context, environ: Mapping[str, str]) -> ServicePlan:
    """Choose between the system, for root, and the user whose own Kino it is; changes nothing."""
    user = os.geteuid() != 0 and context.kino.owner.uid == os.geteuid()
    job = night_job(context.kino, open_session(context).location, environ, user=user)
    if sys.platform == "darwin":
        files: tuple[Path, ...] = (plist_path(job.name, environ, user=user),)
    else:
        folder = units_folder(environ, user=user)
        files = (folder / f"{job.name}.service", folder / f"{job.name}.timer")
    problem = None
    if not user and os.geteuid() != 0:
        problem = NotPermittedError(
            f"{user_name()} may not install a timer in {files[0].parent}.",
            hint=f"Run: sudo {job.arguments('install-service')}",
        )
    return ServicePlan(files[-1].name, files, account_name(job.owner), user, MINUTES, problem)
