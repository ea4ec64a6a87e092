"""Asking a service manager of systemd: the system's, or the user's own; see systemctl(1)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from kino_backup_tui.core.errors import ServiceError

SHOW_SECONDS = 20.0
"""A machine that swaps or has just booted needs more than a moment."""


class Answer(NamedTuple):
    """What a program has said, and how it ended."""

    code: int
    output: str
    reason: str
    """Its last line on standard error, without a full stop."""


class Manager(NamedTuple):
    """One service manager."""

    environ: Mapping[str, str]
    user: bool = False

    def systemctl(self, *arguments: str, seconds: float) -> Answer:
        """Run systemctl; raises `ServiceError` if it is missing or takes longer than `seconds`."""
        return self.run("systemctl", "--no-pager", "--no-ask-password", *arguments, seconds=seconds)

    def run(self, program: str, *arguments: str, seconds: float) -> Answer:
        """The same for another program of systemd, such as journalctl."""
        import shutil
        import subprocess

        path = shutil.which(program, path=self.environ.get("PATH"))
        if path is None:
            raise ServiceError(f"{program} is not installed.")
        scope = ["--user"] if self.user else []
        try:
            done = subprocess.run(
                [path, *scope, *arguments],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            asked = " ".join([program, *(word for word in arguments if not word.startswith("--"))])
            raise ServiceError(f"{asked} did not end within {seconds:.0f} s.") from error
        except OSError as error:
            raise ServiceError(f"{path} could not be started: {error.strerror or error}.") from error
        said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        return Answer(done.returncode, done.stdout.decode(errors="surrogateescape"), said.rstrip("."))

    def show(self, unit: str, *properties: str, seconds: float = SHOW_SECONDS) -> dict[str, str]:
        """Properties of a unit; one that is given several times has its values on a line each.

        Raises `ServiceError` if the manager does not answer.
        """
        asked = ("-p", ",".join(properties))
        answer = self.systemctl("show", *asked, "--", unit, seconds=seconds)
        if answer.code != 0:
            raise ServiceError(f"systemd does not answer about {unit}: {answer.reason or 'no reason given'}.")
        return parse_properties(answer.output)

    def version(self) -> int:
        """Its major version; 0 if it does not say. Raises `ServiceError` if it does not answer."""
        answer = self.systemctl("show", "-p", "Version", seconds=SHOW_SECONDS)
        digits = ""
        for character in answer.output.partition("=")[2].lstrip("v"):
            if not character.isdecimal():
                break
            digits += character
        return int(digits or "0")

    def _environment(self) -> dict[str, str]:
        environment = dict(self.environ) | {"LC_ALL": "C", "LANG": "C", "SYSTEMD_COLORS": "0"}
        if self.user and not environment.get("XDG_RUNTIME_DIR"):
            # Not set by su, nor by cron; that is where it is on every systemd (user@.service(5)).
            folder = Path("/run/user") / str(os.geteuid())
            if folder.is_dir():
                environment["XDG_RUNTIME_DIR"] = str(folder)
        return environment


def parse_properties(shown: str) -> dict[str, str]:
    """The lines `Name=value` of systemctl's answer."""
    found: dict[str, str] = {}
    for line in shown.splitlines():
        name, equals, value = line.partition("=")
        if equals:
            found[name] = f"{found[name]}\n{value}" if name in found else value
    return found
