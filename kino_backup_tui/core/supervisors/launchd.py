"""Kino as a job of launchd on a Mac; see launchctl(1) and launchd.plist(5).

A job that launchd keeps alive is stopped by taking it out of its domain, and it is kept out over a restart of
the machine by disabling it.
"""

from __future__ import annotations

import os
import plistlib
import re
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kino_backup_tui.core.errors import KinoBackupError, NotPermittedError, ServiceError
from kino_backup_tui.core.files import user_name
from kino_backup_tui.core.kino.command import full_command
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.systemctl import Answer
from kino_backup_tui.core.kino.tool_config import user_folder
from kino_backup_tui.core.supervisors.base import ServiceState
from kino_backup_tui.core.supervisors.held import forget, remember, remembered
from kino_backup_tui.core.supervisors.output import last_lines

DAEMONS = Path("/Library/LaunchDaemons")
_ROOTS_HOME = Path("/var/root")
_ORDER_SECONDS = 60.0
_SETTLE_SECONDS = 30.0
_POLL_SECONDS = 0.25
_LOG_SECONDS = 10.0
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class LaunchJob(NamedTuple):
    """A property list that runs Kino."""

    path: Path
    label: str
    domain: str
    """ "system", or "gui/501" for that of a user who is logged in."""
    data_path: Path
    logs: tuple[Path, ...]


class LaunchdSupervisor:
    """Takes one job out of its domain and puts it back, by its label."""

    controls = True

    def __init__(self, kino: Kino, job: LaunchJob, environ: Mapping[str, str]) -> None:
        self.name = job.label
        self._kino = kino
        self._job = job
        self._environ = environ
        self._target = f"{job.domain}/{job.label}"

    def problem(self) -> KinoBackupError | None:
        """`NotPermittedError` for a user without the right, `ServiceError` for a job that is disabled."""
        if self._job.domain == "system" and os.geteuid() != 0:
            return NotPermittedError(
                f"{self.name} can be stopped and held only by root. You are {user_name()}.",
                hint=f"Run: sudo {full_command(self._kino)}",
            )
        try:
            if self._is_disabled() and remembered(self._kino, self._target) is None:
                return ServiceError(
                    f"{self.name} is disabled, so it could not be started after a restore.",
                    hint=f"Run: launchctl enable {self._target}",
                )
        except KinoBackupError as error:
            return error
        return None

    def state(self) -> ServiceState:
        """How launchd says that it is; raises `ServiceError` if launchctl cannot be run."""
        answer = self._launchctl("print", self._target)
        return job_state(answer.output) if answer.code == 0 else ServiceState(False, "not loaded")

    def stop(self) -> None:
        """Take it out of its domain, which ends it for good, and wait until it is gone."""
        answer = self._launchctl("bootout", self._target)
        deadline = time.monotonic() + _SETTLE_SECONDS
        # bootout may return before the process has ended, with an error that says so.
        while self._launchctl("print", self._target).code == 0:
            if time.monotonic() >= deadline:
                raise self._refused("bootout", answer)
            time.sleep(_POLL_SECONDS)

    def start(self) -> None:
        """Put it into its domain again and start it; raises `ServiceError` if launchd refuses."""
        # A disabled job cannot be put there.
        self._order("enable", self._target)
        if self._launchctl("print", self._target).code != 0:
            answer = self._launchctl("bootstrap", self._job.domain, str(self._job.path))
            if answer.code != 0 and self._launchctl("print", self._target).code != 0:
                raise self._refused("bootstrap", answer)
        self._order("kickstart", self._target)

    def logs(self, lines: int) -> list[str]:
        """The last lines of the files that its property list names; none without them."""
        tail = shutil.which("tail", path=self._environ.get("PATH"))
        if tail is None or lines <= 0 or not self._job.logs:
            return []
        printed: list[str] = []
        for path in self._job.logs:
            printed += last_lines([tail, "-n", str(lines), "--", str(path)], lines, _LOG_SECONDS)
        return printed[-lines:]

    def close_gate(self, gate: Sequence[str]) -> None:
        """Disable it, which survives a restart of the machine. The command cannot be asked."""
        begun = remembered(self._kino, self._target) is None
        if begun:
            remember(self._kino, self._target, "enabled")
        try:
            self._order("disable", self._target)
        except BaseException:
            if begun:
                forget(self._kino)
            raise

    def open_gate(self) -> None:
        """Enable it again; nothing happens if we have not disabled it."""
        if remembered(self._kino, self._target) is not None:
            self._order("enable", self._target)
        forget(self._kino)

    def _is_disabled(self) -> bool:
        answer = self._launchctl("print-disabled", self._job.domain)
        found = re.search(rf'"{re.escape(self._job.label)}"\s*=>\s*(\w+)', answer.output)
        return bool(found and found.group(1) in ("true", "disabled"))

    def _order(self, *words: str) -> None:
        answer = self._launchctl(*words)
        if answer.code != 0:
            raise self._refused(words[0], answer)

    def _launchctl(self, *words: str) -> Answer:
        path = shutil.which("launchctl", path=self._environ.get("PATH"))
        if path is None:
            raise ServiceError("launchctl is not installed.")
        try:
            done = subprocess.run(
                [path, *words],
                env=dict(self._environ),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_ORDER_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ServiceError(f"launchctl {words[0]} did not end within {_ORDER_SECONDS:.0f} s.") from error
        except OSError as error:
            raise ServiceError(f"{path} could not be started: {error.strerror or error}.") from error
        said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        return Answer(done.returncode, done.stdout.decode(errors="replace"), said.rstrip("."))

    def _refused(self, order: str, answer: Answer) -> KinoBackupError:
        text = f"launchctl {order} {self._target} did not succeed: {answer.reason or 'no reason given'}."
        if "not permitted" in answer.reason.lower() or "privileges" in answer.reason.lower():
            return NotPermittedError(text, hint=f"Run as root: sudo launchctl {order} {self._target}")
        return ServiceError(text, hint=f"Try it by hand: launchctl print {self._target}")


def find_launchd(
    kino: Kino, environ: Mapping[str, str], *, daemons: Path = DAEMONS
) -> LaunchdSupervisor | None:
    """The job whose property list runs Kino on our data path, of the system or of this user."""
    own = user_folder(environ, "HOME", "")
    for folder, domain, home in (
        (daemons, "system", _ROOTS_HOME),
        (own / "Library/LaunchAgents", f"gui/{os.geteuid()}", own),
    ):
        for path in sorted(folder.glob("*.plist")):
            job = read_job(path, domain, home)
            if job is not None and job.data_path == kino.data_path:
                return LaunchdSupervisor(kino, job, environ)
    return None


def read_job(path: Path, domain: str, home: Path) -> LaunchJob | None:
    """What a property list runs; None if that is not Kino. Without a word on it, data are below the home."""
    try:
        document: Any = plistlib.loads(path.read_bytes())
    except (OSError, ValueError, plistlib.InvalidFileException):
        return None
    if not isinstance(document, dict):
        return None
    words = document.get("ProgramArguments")
    arguments = [str(word) for word in words] if isinstance(words, list) else []
    program = str(document.get("Program") or (arguments[0] if arguments else ""))
    label = str(document.get("Label", ""))
    if Path(program).name != "kino" or not _LABEL.fullmatch(label):
        return None
    variables = document.get("EnvironmentVariables")
    named = variables.get("KINO_DATA_PATH") if isinstance(variables, dict) else None
    for index, word in enumerate(arguments):
        if word.startswith("--data-path="):
            named = word.partition("=")[2]
        elif word == "--data-path" and index + 1 < len(arguments):
            named = arguments[index + 1]
    data_path = Path(str(named)) if named else home / ".local/share/kino"
    if not data_path.is_absolute():
        return None
    logs = (document.get("StandardOutPath"), document.get("StandardErrorPath"))
    files = tuple(dict.fromkeys(Path(str(each)) for each in logs if each))
    return LaunchJob(path, label, domain, Path(os.path.realpath(data_path)), files)


def job_state(printed: str) -> ServiceState:
    """Read what `launchctl print` says of a job, which is meant for people and has kept these lines."""
    fields = dict(re.findall(r"^\t(state|pid|runs|last exit code) = (.+)$", printed, re.MULTILINE))
    state = fields.get("state", "not known")
    active = state in ("running", "spawn scheduled", "spawning")
    pid = fields.get("pid", "")
    runs = int(fields["runs"]) if fields.get("runs", "").isdecimal() else 0
    code = fields.get("last exit code", "").partition(":")[0].strip()
    ended = f"exit code {code}" if code.isdecimal() and code != "0" and state != "running" else ""
    text = "waiting to be restarted" if state == "spawn scheduled" else state
    if ended:
        text += f" ({ended})"
    restarts = max(runs - 1, 0)
    if restarts:
        text += f", restarted {restarts} time{'s' if restarts > 1 else ''}"
    settled = state in ("running", "not running")
    return ServiceState(active, text, settled, int(pid) if pid.isdecimal() else None, restarts, ended)
