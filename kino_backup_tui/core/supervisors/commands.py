"""Kino stopped and started by commands that the admin has configured: an init script, a NAS's own tool."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import PurePath
from typing import IO, NamedTuple

from kino_backup_tui.core.errors import KinoBackupError, ServiceError
from kino_backup_tui.core.files import user_name
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.processes import Holders
from kino_backup_tui.core.kino.running import database_holders
from kino_backup_tui.core.kino.tool_config import ToolConfig
from kino_backup_tui.core.supervisors.base import ServiceState
from kino_backup_tui.core.supervisors.output import end_group, last_lines

_LOG_SECONDS = 10.0
_POLL_SECONDS = 0.1
_LARGEST_COMPLAINT = 64 << 10


class Patience(NamedTuple):
    """How long to wait, in seconds."""

    command: float = 120.0
    """For a command to end. Docker gives a container ten seconds, and can be told to give it more."""
    closing: float = 30.0
    """From the stop command's end until the database is closed: some commands only send a signal."""
    starting: float = 15.0
    """From the start command's end until Kino opens its database."""


_PATIENCE = Patience()


class CommandsSupervisor:
    """Runs `stop_command`, `start_command` and `log_command` of the configuration.

    Commands get our environment and working folder, no input, and a session of their own, so that the end
    of a terminal does not end them. How Kino is, is told by who has its database open: no command says it.
    """

    name = "Kino"
    controls = True

    def __init__(self, kino: Kino, config: ToolConfig, patience: Patience = _PATIENCE) -> None:
        self._kino = kino
        self._config = config
        self._patience = patience
        self._started_at: float | None = None
        self._stopped = False
        self._must_be_stopped = False
        self._pid: int | None = None
        self._restarts = 0

    def problem(self) -> KinoBackupError | None:
        """`ServiceError` if the program of a command cannot be run by this user; None if both can."""
        for key in ("stop_command", "start_command"):
            program = getattr(self._config, key)[0]
            if shutil.which(program) is None:
                return ServiceError(
                    f"{key} cannot be run: {program} does not exist, or {user_name()} may not execute it.",
                    hint=f"Correct {key} in the configuration of kino-backup-tui.",
                )
        return None

    def state(self) -> ServiceState:
        """Whether a process has the database open; where that cannot be seen, what was ordered last.

        Not settled for some seconds after the start, until Kino has opened it. Restarts are counted from the
        start that we have ordered, as far as they were seen.
        """
        found = database_holders(self._kino)
        pids = found.pids
        if pids and self._pid not in pids:
            # The lowest of several: somebody who looks into the database of a running Kino came later.
            self._restarts += self._pid is not None
            self._pid = pids[0]
        if pids:
            text = f"process {self._pid} has the database open"
            return ServiceState(True, text, True, self._pid, self._restarts)
        if not self._would_see(found):
            text = f"not known: {user_name()} may not look into every process"
            return ServiceState(not self._stopped, text, restarts=self._restarts)
        if self._must_be_stopped:
            return ServiceState(False, "not stopped by stop_command yet", False, None, self._restarts)
        starting = self._is_starting()
        return ServiceState(starting, self._absence(), not starting, restarts=self._restarts)

    def stop(self) -> None:
        """Run the stop command, and wait until no process has the database open any more.

        Raises `ServiceError` if the command fails, takes longer than two minutes, or a process keeps the
        database open for half a minute after it. Where nothing had it open before, the command may fail: some
        do when there is nothing to stop.
        """
        self._started_at = None
        found = database_holders(self._kino)
        nothing_runs = not found.pids and self._would_see(found)
        self._run("stop_command", self._config.stop_command, may_fail=nothing_runs)
        deadline = time.monotonic() + self._patience.closing
        while pids := database_holders(self._kino).pids:
            if time.monotonic() > deadline:
                raise ServiceError(
                    f"stop_command has ended, but process {pids[0]} still has {self._kino.database} open.",
                    hint="stop_command must stop Kino for good: nothing may start it again by itself.",
                )
            time.sleep(_POLL_SECONDS)
        self._stopped = True
        self._must_be_stopped = False

    def start(self) -> None:
        """Run the start command; raises `ServiceError` if it fails or takes longer than two minutes."""
        self._stopped = self._must_be_stopped = False
        self._pid, self._restarts = None, 0
        self._run("start_command", self._config.start_command)
        self._started_at = time.monotonic()

    def logs(self, lines: int) -> list[str]:
        """The last lines of what the log command prints within ten seconds, errors included.

        Raises nothing: a log goes into a report, where "there is none" is a line like any other.
        """
        if not self._config.log_command:
            return []
        return last_lines(self._config.log_command, lines, _LOG_SECONDS)

    def close_gate(self, gate: Sequence[str]) -> None:
        """Write nothing: `stop_command` is the admin's word that Kino stays stopped until `start_command`.

        From now on Kino counts as stopped only after that command, even if nothing runs just now: whatever
        the commands talk to may be about to start it again.
        """
        self._must_be_stopped = not self._stopped

    def open_gate(self) -> None:
        """There is no gate; Kino need not be stopped any more."""
        self._must_be_stopped = False

    def _is_starting(self) -> bool:
        if self._started_at is None:
            return False
        return time.monotonic() < self._started_at + self._patience.starting

    def _would_see(self, found: Holders) -> bool:
        # Where the database is ours, so is the Kino that has it open.
        return found.complete or self._kino.owner.uid == os.geteuid()

    def _absence(self) -> str:
        if self._pid is not None:
            return f"process {self._pid}, which had the database open, has ended"
        if self._is_starting():
            return "waiting until it opens its database"
        if self._started_at is not None:
            return "start_command has ended without an error, but no process has opened the database"
        return "no process has the database open"

    def _run(self, key: str, command: Sequence[str], *, may_fail: bool = False) -> None:
        called = f"{key} ({PurePath(command[0]).name})"
        # Not pipes: what the start command leaves running holds them open, and would be ended by writing
        # to one that nobody reads. Standard output, where a server may write for months, is not kept at all.
        with tempfile.TemporaryFile() as complaint:
            try:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=complaint,
                    start_new_session=True,
                )
            except OSError as error:
                raise ServiceError(
                    f"{called} could not be run: {error.strerror or error}.",
                    hint=f"Correct {key} in the configuration of kino-backup-tui.",
                ) from error
            code = _wait(process, self._patience.command)
            said = _last_line(complaint)
        if code is None:
            raise ServiceError(
                f"{called} did not end within {self._patience.command:.0f} seconds, and was ended{said}",
                hint=f"{key} must return as soon as Kino has taken the order.",
            )
        if code and not may_fail:
            raise ServiceError(f"{called} {_ending(code)}{said}", hint="Run it by hand to see what is wrong.")


def _wait(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    """The exit code; None if the command had to be ended, with all that it has started."""
    with process:
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            end_group(process)
            return None


def _ending(code: int) -> str:
    return f"ended with exit code {code}" if code > 0 else f"was ended by signal {-code}"


def _last_line(complaint: IO[bytes]) -> str:
    size = complaint.seek(0, os.SEEK_END)
    complaint.seek(max(0, size - _LARGEST_COMPLAINT))
    lines = complaint.read(_LARGEST_COMPLAINT).decode(errors="replace").split("\n")
    said = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f": {said}" if said else "."
