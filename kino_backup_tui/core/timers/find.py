"""Who runs the schedule of a Kino: a timer or a server of ours, Kino itself, or nobody."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Mapping
from pathlib import Path

from kino_backup_tui.core.errors import KinoBackupError, ServiceError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.settings_store import settings_store
from kino_backup_tui.core.kino.systemctl import Manager
from kino_backup_tui.core.kino.systemd_unit import split_quoted
from kino_backup_tui.core.timers.base import Runner, night_job, timer_name
from kino_backup_tui.core.timers.launchd import plist_path, read_plist
from kino_backup_tui.core.timers.server import find_server
from kino_backup_tui.core.timers.unit_files import read_unit_file, units_folder
from kino_backup_tui.core.timers.units import read_written
from kino_backup_tui.core.workspace import workspace_of


def find_runner(kino: Kino, environ: Mapping[str, str]) -> Runner:
    """Look for a timer of ours, then for a server of ours that runs the schedule.

    A server comes before a timer that is stopped, or with which something is wrong. Raises nothing: what
    cannot be found out is told in the text.
    """
    timer = find_timer(kino, environ)
    if timer is not None and is_sound(timer):
        return timer
    return (
        find_server(workspace_of(kino))
        or timer
        or (Runner("kino", "Kino", True, "Kino itself") if kino.layout.runs_schedule else None)
        or Runner("none", "", False, "nothing runs the schedule", hint=_hint(kino, "install-service"))
    )


def is_sound(timer: Runner) -> bool:
    """Whether a timer will run the schedule, and nothing is wrong with it."""
    return timer.active and not timer.hint


def find_timer(kino: Kino, environ: Mapping[str, str]) -> Runner | None:
    """Look for a timer of ours, of the system before one of the user; systemd is asked only about a file of
    ours."""
    for user in (False, True):
        if sys.platform == "darwin":
            path = plist_path(timer_name(kino, environ, user=user), environ, user=user)
            if read_plist(path) == kino.data_path:
                return Runner("launchd", path.stem, True, f"launchd ({path.stem})")
        elif timer_file(kino, environ, user=user):
            return _asked(kino, environ, user=user)
    return _of_owner(kino, environ)


def timer_file(kino: Kino, environ: Mapping[str, str], *, user: bool) -> Path | None:
    """The unit of a timer of ours for this Kino, if it is there."""
    path = units_folder(environ, user=user) / f"{timer_name(kino, environ, user=user)}.timer"
    return path if _is_ours(path, kino) else None


def sandbox_problem(kino: Kino, location: Path, environ: Mapping[str, str]) -> str:
    """Why the timer of the system could not write to a location, as a sentence; empty if it can, or is none.

    What systemd says counts, for there may be a drop-in of the admin; it is asked only if need be.
    """
    if sys.platform == "darwin" or (file := timer_file(kino, environ, user=False)) is None:
        return ""
    written = read_written(read_unit_file(file) or "")
    real = Path(os.path.realpath(location))
    if real.is_relative_to(kino.data_path) or (written and written.location == location):
        return ""
    service = file.with_suffix(".service").name
    try:
        shown = Manager(environ).show(service, "ReadWritePaths").get("ReadWritePaths", "")
    except ServiceError:
        shown = ""
    writable = [Path(os.path.realpath(word.lstrip("-+"))) for word in split_quoted(shown)]
    if any(real.is_relative_to(each) for each in writable):
        return ""
    return f"The sandbox of {service} does not let it write to {location} yet."


def _asked(kino: Kino, environ: Mapping[str, str], *, user: bool) -> Runner:
    name = f"{timer_name(kino, environ, user=user)}.timer"
    shown_as = f"{name} of the user" if user else name
    try:
        shown = Manager(environ, user).show(name, "ActiveState", "UnitFileState")
    except ServiceError as error:
        return Runner("systemd", name, False, f"{shown_as}, but {_lowered(error.message)}")
    repair = _hint(kino, "install-service", user=user)
    if shown.get("ActiveState") != "active":
        return Runner("systemd", name, False, f"{shown_as}, which is stopped", repair)
    if shown.get("UnitFileState") != "enabled":
        return Runner("systemd", name, True, f"{shown_as}, only until the next boot", repair)
    problem = "" if user else _reach_problem(kino, environ)
    if problem:
        return Runner("systemd", name, True, f"{shown_as}, but {_lowered(problem)}", repair)
    return Runner("systemd", name, True, shown_as)


def _of_owner(kino: Kino, environ: Mapping[str, str]) -> Runner | None:
    """For root: the timer of the user who owns the database. That user's manager is not asked."""
    if os.geteuid() != 0 or kino.owner.uid == 0:
        return None
    try:
        entry = pwd.getpwuid(kino.owner.uid)
    except KeyError:
        return None
    theirs = {"HOME": entry.pw_dir, "PATH": environ.get("PATH", "")}
    file = timer_file(kino, theirs, user=True)
    if file is None:
        return None
    enabled = os.path.lexists(file.parent / "timers.target.wants" / file.name)
    state = "" if enabled else ", which is not enabled"
    return Runner("systemd", file.name, enabled, f"{file.name} of the user {entry.pw_name}{state}")


def _is_ours(path: Path, kino: Kino) -> bool:
    text = read_unit_file(path)
    written = read_written(text) if text else None
    return written is not None and written.data_path == kino.data_path


def _reach_problem(kino: Kino, environ: Mapping[str, str]) -> str:
    try:
        settings = settings_store(kino).load()
    except KinoBackupError:
        return ""  # told elsewhere
    return sandbox_problem(kino, Path(settings.location or kino.default_location), environ)


def _hint(kino: Kino, verb: str, *, user: bool = False) -> str:
    return night_job(kino, kino.default_location, {}, user=user).arguments(verb)


def _lowered(sentence: str) -> str:
    first, rest = sentence[:1], sentence[1:].removesuffix(".")
    return (first.lower() if rest[:1].islower() or rest[:1] == " " else first) + rest
