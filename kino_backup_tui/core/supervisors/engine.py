"""Asking an engine of containers, Docker or Podman, by its command-line program; both take the same words.

What `inspect` prints is described at https://docs.docker.com/reference/cli/docker/inspect/ and in
podman-inspect(1).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from kino_backup_tui.core.errors import KinoBackupError, NotPermittedError, ServiceError
from kino_backup_tui.core.files import user_name
from kino_backup_tui.core.kino.systemctl import Answer

PROGRAMS = ("docker", "podman")
ASK_SECONDS = 20.0

_STOP_SECONDS = 10.0
"""What both give a container unless it says otherwise."""
_NAMES = {"docker": "Docker", "podman": "Podman"}


class Mount(NamedTuple):
    """A folder of the host inside a container."""

    source: str
    destination: str
    writable: bool


class Container(NamedTuple):
    """A container as its engine tells it."""

    id: str
    name: str
    status: str
    """ "running", "exited", "restarting", "paused" and others."""
    pid: int | None
    """Of its first process, on the host."""
    exit_code: int
    """Of the last end; it says nothing while it runs."""
    out_of_memory: bool
    restarts: int
    """By the engine itself."""
    restart_policy: str
    """As `update --restart` takes it: "no", "always", "unless-stopped", "on-failure:5"."""
    stop_seconds: float
    """How long a stop may take before it is killed."""
    stop_signal: str
    """What it is stopped with, as its maker or its user says; empty if nobody does."""
    removed_at_end: bool
    mounts: tuple[Mount, ...]
    environment: Mapping[str, str]
    arguments: tuple[str, ...]
    labels: Mapping[str, str]
    is_podmans: bool

    def host_path(self, path: str) -> Path | None:
        """Where on the host a path inside of it is, resolved; None if it is in the container alone."""
        inside = PurePosixPath(path)
        over = [mount for mount in self.mounts if inside.is_relative_to(mount.destination)]
        if not over or not inside.is_absolute():
            return None
        # The innermost mount is the one that is seen.
        nearest = max(over, key=lambda mount: len(PurePosixPath(mount.destination).parts))
        below = inside.relative_to(nearest.destination)
        return Path(os.path.realpath(os.path.join(nearest.source, below)))  # noqa: PTH118 - "." and all

    @property
    def data_path(self) -> Path | None:
        """The data path that it gives to Kino, on the host; None if it names none."""
        named = _option(self.arguments) or self.environment.get("KINO_DATA_PATH")
        return self.host_path(named) if named else None

    def mounts_writable(self, folder: Path) -> bool:
        """Whether one of its mounts is this very folder of the host, for writing."""
        return any(mount.writable and Path(os.path.realpath(mount.source)) == folder for mount in self.mounts)


class Engine(NamedTuple):
    """One program, and the environment in which it finds its engine."""

    program: str
    environ: Mapping[str, str]

    @property
    def title(self) -> str:
        """What people call it."""
        return _NAMES.get(self.program, self.program)

    @property
    def is_installed(self) -> bool:
        """Whether its program is there; the engine itself may still be silent."""
        return shutil.which(self.program, path=self.environ.get("PATH")) is not None

    def run(self, *arguments: str, seconds: float = ASK_SECONDS) -> Answer:
        """Run the program; raises `ServiceError` if it is missing or takes longer."""
        path = shutil.which(self.program, path=self.environ.get("PATH"))
        if path is None:
            raise ServiceError(f"{self.title} is not installed: there is no program {self.program}.")
        try:
            done = subprocess.run(
                [path, *arguments],
                env=dict(self.environ) | {"LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ServiceError(
                f"{self.program} {arguments[0]} did not end within {seconds:.0f} s."
            ) from error
        except OSError as error:
            raise ServiceError(f"{path} could not be started: {error.strerror or error}.") from error
        said = done.stderr.decode(errors="replace").strip()
        return Answer(done.returncode, done.stdout.decode(errors="replace"), said.rstrip("."))

    def containers(self) -> list[Container]:
        """All of them, those that do not run included; raises as `failure`."""
        listed = self.run("ps", "--all", "--quiet", "--no-trunc")
        if listed.code != 0:
            raise self.failure("list its containers", listed)
        return self._inspect(*listed.output.split())

    def container(self, name: str) -> Container | None:
        """One, by name or id; None if there is none. Raises as `failure`."""
        # Without containers an engine may be silent without a word on the one that is asked for.
        found = self._inspect(name)
        if found:
            return found[0]
        listed = self.run("ps", "--all", "--quiet")
        if listed.code != 0:
            raise self.failure(f"say how {name} is", listed)
        return None

    def failure(self, what: str, answer: Answer) -> KinoBackupError:
        """Why the engine does not do something: `NotPermittedError` where another user could."""
        reason = answer.reason.rpartition("\n")[2] or f"exit code {answer.code}"
        if "permission denied" in answer.reason.lower():
            return NotPermittedError(
                f"{user_name()} may not use {self.title}, so it cannot {what}.",
                hint="Run kino-backup-tui as root, or as the user who runs the container.",
            )
        return ServiceError(
            f"{self.title} does not {what}: {sentence(reason)}", hint=f"Try: {self.program} ps --all"
        )

    def _inspect(self, *names: str) -> list[Container]:
        if not names:
            return []
        # One that was removed meanwhile makes an error of all of it, but the others are printed.
        answer = self.run("inspect", "--type", "container", *names)
        try:
            documents = json.loads(answer.output)
        except ValueError:
            return []
        return [parse_container(each) for each in documents if isinstance(each, dict) and each.get("Id")]


def sentence(said: str) -> str:
    """What a program says, with an end."""
    return said if said.endswith(("?", "!")) else f"{said}."


def engines(environ: Mapping[str, str]) -> list[Engine]:
    """Those that are installed, Docker first."""
    return [engine for name in PROGRAMS if (engine := Engine(name, environ)).is_installed]


def parse_container(document: Mapping[str, Any]) -> Container:
    """Read one object of what `inspect` prints; what is missing counts as not set."""
    state, config, host = (_table(document, key) for key in ("State", "Config", "HostConfig"))
    policy = _table(host, "RestartPolicy")
    name = policy.get("Name") or "no"
    retries = policy.get("MaximumRetryCount") or 0
    seconds = config.get("StopTimeout")
    return Container(
        id=str(document["Id"]),
        name=str(document.get("Name", "")).lstrip("/"),
        status=str(state.get("Status") or "not known"),
        pid=int(state.get("Pid") or 0) or None,
        exit_code=int(state.get("ExitCode") or 0),
        out_of_memory=bool(state.get("OOMKilled")),
        restarts=int(document.get("RestartCount") or 0),
        restart_policy=f"{name}:{retries}" if name == "on-failure" and retries else str(name),
        stop_seconds=_STOP_SECONDS if seconds is None else float(seconds),
        stop_signal=str(config.get("StopSignal") or ""),
        removed_at_end=bool(host.get("AutoRemove")),
        mounts=tuple(
            Mount(str(each["Source"]), str(each["Destination"]), each.get("RW") is not False)
            for each in document.get("Mounts") or ()
            if each.get("Source") and each.get("Destination")
        ),
        environment=dict(
            word.partition("=")[::2] for word in config.get("Env") or () if isinstance(word, str)
        ),
        arguments=(str(document.get("Path", "")), *(str(word) for word in document.get("Args") or ())),
        labels={str(key): str(value) for key, value in (config.get("Labels") or {}).items()},
        is_podmans="ConmonPidFile" in document,
    )


def _table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def _option(arguments: tuple[str, ...]) -> str | None:
    for index, argument in enumerate(arguments):
        if argument.startswith("--data-path="):
            return argument.partition("=")[2]
        if argument == "--data-path" and index + 1 < len(arguments):
            return arguments[index + 1]
    return None
