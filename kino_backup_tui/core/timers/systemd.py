"""Units of systemd, of the system or of a user: written, enabled, seen to work, and removed again.

Always two: a service, and what starts it, a timer or the socket of the HTTP API.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from kino_backup_tui.core.errors import KinoBackupError, NotPermittedError, ServiceError, UsageError
from kino_backup_tui.core.files import (
    Owner,
    make_folders,
    replace_file,
    storage_errors,
    sync_folder,
    user_name,
)
from kino_backup_tui.core.kino.systemctl import Manager
from kino_backup_tui.core.kino.systemd_text import is_word
from kino_backup_tui.core.kino.systemd_unit import split_quoted
from kino_backup_tui.core.kino.tool_config import user_folder
from kino_backup_tui.core.timers.base import Installed, NightJob, Uninstalled
from kino_backup_tui.core.timers.first_run import Outcome, can_hand_over, is_readable, require_runnable
from kino_backup_tui.core.timers.unit_files import is_same, read_unit_file, units_folder
from kino_backup_tui.core.timers.units import account_name, read_written

_LINGER = Path("/var/lib/systemd/linger")
_STAMPS = Path("/var/lib/systemd/timers")
_ORDER_SECONDS = 120.0
_UNIT_MODE = 0o644


class UnitKind(NamedTuple):
    """What starts a service, and how to see that the service works."""

    suffix: str
    target: str
    """What wants it at boot."""
    service_text: Callable[[NightJob], str]
    text: Callable[[NightJob], str]
    prove: Callable[[Manager, str, NightJob], Outcome]


class SystemdUnits:
    """Two units of one Kino, in the folder of the admin's own units."""

    def __init__(self, job: NightJob, environ: Mapping[str, str], kind: UnitKind) -> None:
        self._job = job
        self._kind = kind
        self._environ = environ
        self._manager = Manager(environ, user=job.user)
        self._folder = units_folder(environ, user=job.user)
        self._commands: list[str] = []
        self.name = f"{job.name}.{kind.suffix}"
        self.service = f"{job.name}.service"
        self._files = (self._folder / self.service, self._folder / self.name)

    def install(self) -> Installed:
        """Write what is missing or different, enable it, and see to it that it is in force and can run.

        What was there before is put back if that fails. Raises `NotPermittedError`, `UsageError` (a file of
        that name is not ours, a path that systemd cannot be given), `ServiceError`, and those of a write.
        """
        self._require_permitted("install-service")
        self._require_words()
        before = {path: self._own_text(path) for path in self._files}
        texts = self._wanted(before)
        changed = [path for path in self._files if before[path] != texts[path]]
        if not changed and self._problem() is None:
            return Installed("systemd", self.name, self._files, warnings=self._warnings())
        require_runnable(self._job)
        try:
            for path in changed:
                with storage_errors(path, "write"):
                    make_folders(path.parent)
                    replace_file(path, texts[path].encode(), _caller(), _UNIT_MODE)
            done = [f"Wrote {path}." for path in changed]
            self._order("daemon-reload")
            self._order("enable", self.name)
            self._start()
            if problem := self._problem():
                raise problem
            done.append(f"Enabled and started {self.name}.")
            if self._kind.suffix == "timer":
                self._commands.append(self._shown("start", "--no-block", self.service))
            outcome = self._kind.prove(self._manager, self.service, self._job)
        except BaseException:
            with contextlib.suppress(KinoBackupError):
                self._put_back(before)
            raise
        return Installed(
            "systemd",
            self.name,
            self._files,
            written=tuple(changed),
            commands=tuple(self._commands),
            done=(*done, *outcome.done),
            warnings=(*self._warnings(), *outcome.warnings),
        )

    def uninstall(self) -> Uninstalled:
        """Stop it and remove everything of it: units, links, what systemd has noted about it.

        Files that are not ours stay. Raises `NotPermittedError`, `ServiceError` if systemd refuses, and
        those of a removal.
        """
        warnings = []
        there = []
        for path in self._files:
            try:
                there += [path] if self._own_text(path) is not None else []
            except UsageError as error:
                warnings.append(error.message)
        links = [] if warnings else [path for path in self._links() if os.path.lexists(path)]
        if not there and not links:
            return Uninstalled("systemd", self.name, warnings=tuple(warnings))
        self._require_permitted("uninstall-service")
        answers = self._answers()
        if answers and there:
            self._order("disable", "--now", self.name)
            # A backup that is being made is given up, and leaves nothing; a restore goes on.
            self._order("stop", self.service)
        removed = self._remove([*there, *links])
        if answers:
            self._order("daemon-reload")
            self._forget()
        else:
            warnings.append("systemd did not answer; it forgets the units when it is started again.")
        warnings += [f"{path} is not ours and stays." for path in self._drop_ins()]
        done = tuple(f"Removed {path}." for path in removed)
        return Uninstalled("systemd", self.name, removed, tuple(self._commands), done, tuple(warnings))

    def _wanted(self, before: Mapping[Path, str | None]) -> dict[Path, str]:
        job = self._job
        if not job.user and job.owner.uid != 0 and job.config_file:
            handing = job._replace(handed_over=True)
            known = before[self._files[0]] == self._kind.service_text(handing)
            # Not in every container: then the user has to be able to read the file.
            if known or can_hand_over(self._manager, job):
                self._job = job = handing
        return dict(zip(self._files, (self._kind.service_text(job), self._kind.text(job)), strict=True))

    def _require_permitted(self, verb: str) -> None:
        job = self._job
        if not job.user and os.geteuid() != 0:
            raise NotPermittedError(
                f"Only root may change the units of the system. You are {user_name()}.",
                hint=f"Run: sudo {job.arguments(verb)}\nOr, for a timer of your own: "
                f"{job._replace(user=True).arguments(verb)}",
            )
        if job.user and verb.startswith("install") and job.kino.owner.uid != job.owner.uid:
            other = account_name(job.kino.owner)
            raise NotPermittedError(
                f"{job.kino.data_path} belongs to {other}: a timer of {user_name()} could not read it.",
                hint=f"Run: sudo {job._replace(user=False).arguments(verb)}",
            )

    def _require_words(self) -> None:
        for word in (*map(str, self._job.written), *self._job.command, *self._job.environment.values()):
            if not is_word(word):
                raise UsageError(
                    f"systemd cannot be given a name that is not UTF-8 or not on one line: {word!r}.",
                    hint="Rename it.",
                )

    def _own_text(self, path: Path) -> str | None:
        """The present text; None if there is no such file. Raises `UsageError` for one that is not ours."""
        if not os.path.lexists(path):
            return None
        text = read_unit_file(path)
        written = read_written(text or "")
        if written is None:
            raise UsageError(
                f"{path} is there already, and was not written by this program; it was left as it is.",
                hint="Move it away if it is not needed.",
            )
        if written.data_path != self._job.kino.data_path:
            other = self._job._replace(kino=self._job.kino._replace(data_path=written.data_path))
            raise UsageError(
                f"{path} is that of another Kino, {written.data_path}; it was left as it is.",
                hint=f"If that one is gone, run: {other.arguments('uninstall-service')}",
            )
        return text

    def _problem(self) -> ServiceError | None:
        """Why it is not in force; raises `ServiceError` if systemd does not answer."""
        wanted = {"LoadState": "loaded", "NeedDaemonReload": "no"}
        enabled = {"ActiveState": "active", "UnitFileState": "enabled"}
        for unit, needed in ((self.service, wanted), (self.name, wanted | enabled)):
            shown = self._manager.show(unit, "FragmentPath", "ReadWritePaths", *needed)
            wrong = [f"{name}={shown.get(name)}" for name in needed if shown.get(name) != needed[name]]
            if not is_same(shown.get("FragmentPath", ""), self._folder / unit):
                wrong.append(f"FragmentPath={shown.get('FragmentPath')}")
            if unit == self.service and not self._reaches(shown.get("ReadWritePaths", "")):
                wrong.append(f"ReadWritePaths={shown.get('ReadWritePaths')}")
            if wrong:
                return ServiceError(
                    f"{unit} is not in force as it was written: {', '.join(wrong)}.",
                    hint=f"`{self._shown('status', unit)}` may say more.",
                )
        return None

    def _reaches(self, shown: str) -> bool:
        return self._job.user or {f"-{path}" for path in self._job.written} <= set(split_quoted(shown))

    def _warnings(self) -> tuple[str, ...]:
        name = account_name(self._job.owner)
        if not self._job.user:
            file = None if self._job.handed_over or self._job.owner.uid == 0 else self._job.config_file
            hint = f"chgrp {name} {file} && chmod 640 {file}"
            if file and not is_readable(file, self._job):
                return (f"{file} cannot be read by {name}, who makes the backups; to change that: {hint}",)
            return ()
        if (_LINGER / name).exists():
            return ()
        return (f"It runs only while {name} is logged in; to change that: loginctl enable-linger {name}",)

    def _put_back(self, before: Mapping[Path, str | None]) -> None:
        if any(text is None for text in before.values()):
            for order in (("disable", "--now", self.name), ("stop", self.service)):
                with contextlib.suppress(KinoBackupError):
                    self._order(*order)
            self._remove([*before, *self._links()])
        else:
            for path, text in before.items():
                with storage_errors(path, "put back"):
                    replace_file(path, (text or "").encode(), _caller(), _UNIT_MODE)
        self._order("daemon-reload")
        self._forget()
        if None not in before.values():
            self._start()

    def _start(self) -> None:
        """Start it, also where it is active: it goes by what it had read when it was started."""
        if self._kind.suffix == "socket":
            # A socket cannot be started while its service runs, which goes by its old unit besides.
            self._order("stop", self.service)
        self._order("restart", self.name)

    def _links(self) -> tuple[Path, ...]:
        """What systemd keeps of an enabled unit, besides its file."""
        stamps = _STAMPS
        if self._job.user:
            stamps = user_folder(self._environ, "XDG_DATA_HOME", ".local/share") / "systemd/timers"
        return self._folder / f"{self._kind.target}.wants" / self.name, stamps / f"stamp-{self.name}"

    def _drop_ins(self) -> list[Path]:
        folders = [self._folder / f"{unit}.d" for unit in (self.service, self.name)]
        return [folder for folder in folders if os.path.lexists(folder)]

    def _remove(self, paths: list[Path]) -> tuple[Path, ...]:
        removed = []
        for path in paths:
            with storage_errors(path, "remove"), contextlib.suppress(FileNotFoundError):
                path.unlink()
                sync_folder(path.parent)
                removed.append(path)
        if self._job.user:
            # Those that have been made for it, if nothing else has come to be in them.
            with contextlib.suppress(OSError):
                for folder in (
                    self._folder / f"{self._kind.target}.wants",
                    self._folder,
                    self._folder.parent,
                ):
                    if folder.exists():
                        folder.rmdir()
        return tuple(removed)

    def _answers(self) -> bool:
        try:
            self._manager.show(self.name, "LoadState")
        except ServiceError:
            return False
        return True

    def _forget(self) -> None:
        # A failed unit is kept in memory although its file is gone. One that is not there is an error.
        self._manager.systemctl("reset-failed", "--", self.service, self.name, seconds=_ORDER_SECONDS)

    def _order(self, *words: str) -> None:
        self._commands.append(self._shown(*words))
        answer = self._manager.systemctl(*words, seconds=_ORDER_SECONDS)
        if answer.code != 0:
            raise ServiceError(
                f"`{self._shown(*words)}` failed: {answer.reason or 'systemd gave no reason'}.",
                hint="Try it by hand.",
            )

    def _shown(self, *words: str) -> str:
        return " ".join(["systemctl", *(["--user"] if self._job.user else []), *words])


def _caller() -> Owner:
    return Owner(os.geteuid(), os.getegid())
