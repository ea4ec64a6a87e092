"""Whether a service can write to the location: what root sees over SSH is not what a hardened unit sees.

It is tried, with a passing unit that has the user and the mounts of the real one (systemd.exec(5)), and does
nothing but ask. Nothing is stopped or started for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from kino_backup_tui.core.errors import KinoBackupError, LocationError, NotPermittedError, ServiceError
from kino_backup_tui.core.kino.command import PROGRAM, command_for, full_command
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.systemctl import Manager
from kino_backup_tui.core.kino.systemd_text import shown_path
from kino_backup_tui.core.operations.checks.base import Check, Facts, failure, good, skipped, warned
from kino_backup_tui.core.supervisors.container import ContainerSupervisor
from kino_backup_tui.core.supervisors.systemd import SystemdSupervisor
from kino_backup_tui.core.timers.find import timer_file

_TRY_SECONDS = 30.0
_WHO = ("User", "Group", "SupplementaryGroups")
_MOUNTS = (
    "ProtectSystem",
    "ProtectHome",
    "ReadWritePaths",
    "ReadOnlyPaths",
    "InaccessiblePaths",
    "TemporaryFileSystem",
    "BindPaths",
    "BindReadOnlyPaths",
)
_STATE = ("StateDirectory", "CacheDirectory", "LogsDirectory")
_STATE_ROOTS = {"StateDirectory": "/var/lib", "CacheDirectory": "/var/cache", "LogsDirectory": "/var/log"}
_ELSEWHERE = ("DynamicUser", "RootDirectory", "RootImage")
_MISSING = 1


def check_services(facts: Facts) -> Iterator[Check]:
    """Kino's own service, which makes backups for its web page, and the one of our timer."""
    location = facts.status.location
    place = location if location.is_dir() else facts.session.file_system_of(location)
    if isinstance(facts.supervisor, ContainerSupervisor):
        yield _check_container(facts.supervisor, place)
    if isinstance(facts.supervisor, SystemdSupervisor):
        yield _check_unit(facts, "kino_access", facts.supervisor.name, facts.supervisor.is_users, place)
    runner = facts.status.runner
    if runner.kind == "systemd" and runner.name.endswith(".timer"):
        service = f"{runner.name.removesuffix('.timer')}.service"
        user = timer_file(facts.context.kino, facts.environ, user=False) is None
        yield _check_unit(facts, "timer_access", service, user, place)


def _check_unit(facts: Facts, name: str, unit: str, user: bool, place: Path) -> Check:
    if user:
        return skipped(name, f"{unit} is a user's, and it was not tried whether it can write to {place}.")
    if os.geteuid() != 0:
        return skipped(
            name,
            f"Whether {unit} can write to {place} can be tried only by root.",
            f"Run: sudo {full_command(facts.context.kino, 'doctor')}",
        )
    if not place.is_dir():
        return skipped(name, f"{place} is not there, so it was not tried whether {unit} can write to it.")
    manager = Manager(facts.environ)
    try:
        shown = manager.show(unit, "LoadState", *_WHO, *_MOUNTS, *_STATE, *_ELSEWHERE)
        if shown.get("LoadState") != "loaded":
            return skipped(name, f"systemd does not know {unit}.")
        if any(shown.get(key, "") not in ("", "no") for key in _ELSEWHERE):
            return skipped(name, f"{unit} has a root or a user of its own, in which nothing was tried.")
        problem = _problem(facts.context.kino, manager, shown, unit, place)
    except ServiceError as error:
        return skipped(name, f"It could not be tried whether {unit} can write: {error.message}")
    user_of = shown.get("User") or "root"
    if problem is None:
        return good(name, f"{unit} can write to {place}, as {user_of} and in its sandbox.")
    # Without Kino's own service, its web page makes no backups; without ours, nobody does.
    return failure(name, problem) if name == "timer_access" else warned(name, problem)


def _problem(
    kino: Kino, manager: Manager, shown: Mapping[str, str], unit: str, place: Path
) -> KinoBackupError | None:
    user = shown.get("User") or "root"
    if _can_write(manager, _who(shown) + _mounts(shown), place):
        return None
    if not _can_write(manager, _who(shown), place):
        return NotPermittedError(
            f"{unit} runs as {user}, who may not write to {place}.",
            hint=f"Give it to that user: chown {user}: '{place}'"
            if place.stat().st_uid == 0
            else f"Let {user} write there, by owner, group or an ACL, and enter each folder above it.",
        )
    return LocationError(
        f"{unit} cannot write to {place} from inside its sandbox, although {user} may.",
        hint=f"Run `systemctl edit {unit}`, and enter:\n[Service]\nReadWritePaths={shown_path(place)}\n"
        f"Then: systemctl restart {unit}"
        if not unit.startswith(PROGRAM)
        else f"Run: {command_for(kino, 'install-service')}",
    )


def _can_write(manager: Manager, properties: list[str], place: Path) -> bool:
    """Raises `ServiceError` if that cannot be found out."""
    asked = [word for each in properties for word in ("-p", each)]
    quiet = ("--quiet", "--wait", "--collect", "--pipe", "--no-ask-password")
    answer = manager.run("systemd-run", *quiet, *asked, "--", "test", "-w", str(place), seconds=_TRY_SECONDS)
    if answer.code not in (0, _MISSING):
        raise ServiceError(f"systemd-run ended with {answer.code}: {answer.reason or 'no reason given'}.")
    if answer.code == _MISSING and answer.reason:
        raise ServiceError(f"systemd-run: {answer.reason}.")
    return answer.code == 0


def _who(shown: Mapping[str, str]) -> list[str]:
    return [f"{key}={shown[key]}" for key in _WHO if shown.get(key)]


def _mounts(shown: Mapping[str, str]) -> list[str]:
    properties = [f"{key}={shown[key]}" for key in _MOUNTS if shown.get(key)]
    # Given as what they amount to: with the properties themselves systemd would make and chown folders.
    for key in _STATE:
        for name in shown.get(key, "").split():
            folder = f"{_STATE_ROOTS[key]}/{name.partition(':')[0]}"
            if Path(folder).is_dir():
                properties.append(f"ReadWritePaths={folder}")
    return properties


def _check_container(supervisor: ContainerSupervisor, place: Path) -> Check:
    name, real = "kino_access", Path(os.path.realpath(place))
    mount = supervisor.mount_of(real)
    if mount is not None and mount.writable:
        return good(name, f"{place} is in {supervisor.name}, as a part of {mount.destination}.")
    said = "is mounted read-only in" if mount is not None else "is not in"
    return warned(
        name,
        LocationError(
            f"{place} {said} {supervisor.name}, so Kino itself cannot make backups there; "
            "those of kino-backup-tui are not concerned.",
            hint=f"Give the container a volume: {real}:{real}",
        ),
    )
