"""The values that the timers of all systems speak in."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import kino_backup_tui
from kino_backup_tui.core.files import Owner
from kino_backup_tui.core.kino.command import PROGRAM, full_command, naming_options
from kino_backup_tui.core.kino.find import SYSTEM_DATA_PATH
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.tool_config import CONFIG_VARIABLE, SYSTEM_CONFIG, user_folder

MINUTES = 15
"""How often the timer wakes this program, which then finds out whether anything is due."""
BASE_NAME = PROGRAM

_LONGEST_SLUG = 40


class Runner(NamedTuple):
    """Who will run the schedule of a Kino."""

    kind: str
    """ "systemd", "launchd", "serve" (a server of ours), "kino" (by itself) or "none"."""
    name: str
    """What an admin calls it, such as "kino-backup-tui.timer"; empty if there is none."""
    active: bool
    """Whether it will, as far as can be told."""
    text: str
    """For people: a part of a sentence, without a full stop."""
    hint: str = ""
    """What to do if something is wrong with it; empty if nothing is."""


class NightJob(NamedTuple):
    """What a timer has to run, as whom, and what that needs to reach."""

    kino: Kino
    location: Path
    """Where backups go."""
    user: bool
    """Whether it is the timer of a user, and not one of the system."""
    owner: Owner
    """The user it runs as."""
    name: str
    """Of its files, without their endings."""
    command: tuple[str, ...]
    config_file: Path | None
    """The configuration of this program, if another one would count for that user; it may be absent."""
    handed_over: bool = False
    """Whether the service manager reads it and hands it over: the user may not be able to read it."""

    @property
    def environment(self) -> dict[str, str]:
        """The variables it runs with, where nothing is handed over."""
        file = self.config_file
        return {CONFIG_VARIABLE: str(file)} if file and _exists(file) else {}

    @property
    def read(self) -> tuple[Path, ...]:
        """What it has to be able to read besides: the interpreter, this program, the configuration."""
        program = Path(kino_backup_tui.__file__).parents[1]
        places = [Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable), program]
        return tuple(places) + ((self.config_file,) if self.config_file else ())

    @property
    def written(self) -> tuple[Path, ...]:
        """What it has to be able to write; a location below the data path is not named again."""
        inside = Path(os.path.realpath(self.location)).is_relative_to(self.kino.data_path)
        return (self.kino.data_path,) if inside else (self.kino.data_path, self.location)

    def arguments(self, verb: str) -> str:
        """How to call this program for the same timer again, for hints."""
        scope = ("--user",) if self.user else ()
        return full_command(self.kino, verb, *scope)


@dataclass(frozen=True, slots=True)
class Installed:
    """What installing has found and done."""

    kind: str
    name: str
    """What an admin calls the timer."""
    files: tuple[Path, ...]
    """Those that belong to it."""
    written: tuple[Path, ...] = ()
    """Those of them that were written now."""
    commands: tuple[str, ...] = ()
    """What was run, in order; questions that change nothing are left out."""
    done: tuple[str, ...] = ()
    """What was done, in sentences; empty if it was all there."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Uninstalled:
    """What uninstalling has found and done."""

    kind: str
    name: str
    removed: tuple[Path, ...] = ()
    commands: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    """Empty if nothing was there."""
    warnings: tuple[str, ...] = ()


def night_job(kino: Kino, location: Path, environ: Mapping[str, str], *, user: bool) -> NightJob:
    """What a timer for this Kino has to run."""
    return NightJob(
        kino=kino,
        location=location,
        user=user,
        owner=Owner(os.geteuid(), os.getegid()) if user else kino.owner,
        name=timer_name(kino, environ, user=user),
        command=_command(kino, "run-due"),
        config_file=_config_file(kino, environ, user=user),
    )


def api_job(job: NightJob) -> NightJob:
    """What the service of the HTTP API has to run, for the same Kino and as the same user."""
    return job._replace(name=f"{job.name}-api", command=_command(job.kino, "serve"))


def timer_name(kino: Kino, environ: Mapping[str, str], *, user: bool) -> str:
    """Its name on this host: with something of the data path unless that is the usual one."""
    usual = user_folder(environ, "XDG_DATA_HOME", ".local/share") / "kino" if user else SYSTEM_DATA_PATH
    if kino.data_path == Path(os.path.realpath(usual)):
        return BASE_NAME
    digest = hashlib.sha256(os.fsencode(kino.data_path)).hexdigest()[:8]
    slug = re.sub("[^A-Za-z0-9]+", "-", str(kino.data_path)).strip("-")[-_LONGEST_SLUG:].strip("-")
    return "-".join(filter(None, (BASE_NAME, slug, digest)))


def _command(kino: Kino, verb: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "kino_backup_tui", *naming_options(kino), verb)


def _config_file(kino: Kino, environ: Mapping[str, str], *, user: bool) -> Path | None:
    """A timer of the system runs as Kino's user, for whom a file in that user's home would count."""
    if named := environ.get(CONFIG_VARIABLE):
        return Path(named)
    return None if user or kino.owner.uid == 0 else SYSTEM_CONFIG


def _exists(path: Path) -> bool:
    return os.path.exists(path)  # noqa: PTH110 - a Path may raise
