"""A job of launchd, for macOS: see launchd.plist(5) and launchctl(1). Written from the manuals, never tried.

`StartCalendarInterval` is used and not `StartInterval`: only what it has missed while the Mac slept is made
up when it wakes.
"""

from __future__ import annotations

import contextlib
import os
import plistlib
import subprocess
from collections.abc import Mapping
from pathlib import Path

from kino_backup_tui.core.errors import NotPermittedError, ServiceError, UsageError
from kino_backup_tui.core.files import (
    Owner,
    make_folders,
    replace_file,
    storage_errors,
    sync_folder,
    user_name,
)
from kino_backup_tui.core.timers.base import BASE_NAME, MINUTES, Installed, NightJob, Uninstalled
from kino_backup_tui.core.timers.first_run import require_runnable
from kino_backup_tui.core.timers.units import account_name

_UNTRIED = "This was written from the manual of launchd and never tried on a Mac: see that backups appear."
_SECONDS = 60.0


def plist_text(job: NightJob) -> str:
    """The job as a property list in XML."""
    document = {
        "Label": job.name,
        "ProgramArguments": list(job.command),
        "RunAtLoad": True,
        "StartCalendarInterval": [{"Minute": minute} for minute in range(0, 60, MINUTES)],
        "ProcessType": "Background",
        "LowPriorityIO": True,
        "Nice": 19,
        "Umask": 0o077,
    }
    if job.environment:
        document["EnvironmentVariables"] = job.environment
    if not job.user and job.owner.uid != 0:
        document["UserName"] = account_name(job.owner)
    mark = f"<!-- Written by {BASE_NAME}; uninstall-service removes it. -->"
    return plistlib.dumps(document).decode().replace("<plist ", f"{mark}\n<plist ", 1)


def plist_path(name: str, environ: Mapping[str, str], *, user: bool) -> Path:
    """Where launchd looks for it."""
    home = Path(environ.get("HOME") or Path.home())
    return (home / "Library/LaunchAgents" if user else Path("/Library/LaunchDaemons")) / f"{name}.plist"


def read_plist(path: Path) -> Path | None:
    """The data path that a job of ours is for; None if there is no such file, or it is not ours."""
    try:
        arguments = plistlib.loads(path.read_bytes())["ProgramArguments"]
        if "kino_backup_tui" not in arguments:
            return None
        return Path(arguments[arguments.index("--data-path") + 1])
    except (OSError, ValueError, KeyError, IndexError, TypeError, plistlib.InvalidFileException):
        return None


class LaunchdTimer:
    """The job of one Kino."""

    def __init__(self, job: NightJob, environ: Mapping[str, str]) -> None:
        self._job = job
        self._commands: list[str] = []
        self.path = plist_path(job.name, environ, user=job.user)
        self._domain = f"gui/{os.geteuid()}" if job.user else "system"

    def install(self) -> Installed:
        """Write it and have launchd load it; raises as the one for systemd does."""
        self._require_permitted("install-service")
        self._require_ours()
        text = plist_text(self._job).encode()
        before = self.path.read_bytes() if self.path.exists() else None
        loaded = self._is_loaded()
        if before == text and loaded:
            return Installed("launchd", self._job.name, (self.path,), warnings=(_UNTRIED,))
        require_runnable(self._job)
        with storage_errors(self.path, "write"):
            make_folders(self.path.parent)
            replace_file(self.path, text, Owner(os.geteuid(), os.getegid()), 0o644)
        try:
            if loaded:
                self._launchctl("bootout", f"{self._domain}/{self._job.name}")
            self._launchctl("bootstrap", self._domain, str(self.path))
        except ServiceError:
            if before is None:
                self.path.unlink(missing_ok=True)
            raise
        return Installed(
            "launchd",
            self._job.name,
            (self.path,),
            written=(self.path,),
            commands=tuple(self._commands),
            done=(f"Wrote {self.path}.", f"Loaded {self._job.name}."),
            warnings=(_UNTRIED,),
        )

    def uninstall(self) -> Uninstalled:
        """Have launchd forget it, and remove the file."""
        if not self.path.exists():
            return Uninstalled("launchd", self._job.name)
        self._require_permitted("uninstall-service")
        self._require_ours()
        if self._is_loaded():
            self._launchctl("bootout", f"{self._domain}/{self._job.name}")
        with storage_errors(self.path, "remove"), contextlib.suppress(FileNotFoundError):
            self.path.unlink()
            sync_folder(self.path.parent)
        done = (f"Removed {self.path}.",)
        return Uninstalled("launchd", self._job.name, (self.path,), tuple(self._commands), done)

    def _require_permitted(self, verb: str) -> None:
        if not self._job.user and os.geteuid() != 0:
            raise NotPermittedError(
                f"Only root may change the jobs of the system. You are {user_name()}.",
                hint=f"Run: sudo {self._job.arguments(verb)}",
            )

    def _require_ours(self) -> None:
        if os.path.lexists(self.path) and read_plist(self.path) != self._job.kino.data_path:
            raise UsageError(
                f"{self.path} is there already, and is not that of this Kino; it was left as it is.",
                hint="Move it away if it is not needed.",
            )

    def _is_loaded(self) -> bool:
        return self._run("print", f"{self._domain}/{self._job.name}").returncode == 0

    def _launchctl(self, *words: str) -> None:
        self._commands.append(" ".join(["launchctl", *words]))
        done = self._run(*words)
        if done.returncode != 0:
            reason = done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}"
            raise ServiceError(f"`{self._commands[-1]}` failed: {reason}.", hint="Try it by hand.")

    def _run(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(
                ["launchctl", *words],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise ServiceError(f"launchctl could not be run: {error}.") from error
