"""Kino as a service of systemd, of the system or of a user; see systemctl(1)."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from kino_backup_tui.core.errors import KinoBackupError, NotPermittedError, ServiceError
from kino_backup_tui.core.files import name_of_user, user_name
from kino_backup_tui.core.kino.command import full_command
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.process_facts import process_name, service_of
from kino_backup_tui.core.kino.running import database_holders
from kino_backup_tui.core.kino.systemctl import Answer, Manager
from kino_backup_tui.core.kino.tool_config import user_folder
from kino_backup_tui.core.supervisors.base import ServiceState
from kino_backup_tui.core.supervisors.containers import runs_for_unit
from kino_backup_tui.core.supervisors.systemd_gate import OLDEST_SYSTEMD, Gate
from kino_backup_tui.core.supervisors.systemd_state import (
    STATE_PROPERTIES,
    is_being_asked,
    is_down,
    seconds_of,
    service_state,
    was_refused,
)

SYSTEM_UNITS = Path("/etc/systemd/system")

_ORDER_SECONDS = 60.0
_LOG_SECONDS = 15.0
_LONGEST_STOP_SECONDS = 1800.0
_SETTLE_SECONDS = 15.0
_POLL_SECONDS = 0.25
_STRAY_SECONDS = 0.5
_USABLE = ("LoadState", "LoadError", "Transient", "CanStart", "CanStop")


class SystemdSupervisor:
    """Stops, starts and holds one unit, by its name and never by a pattern."""

    controls = True

    def __init__(self, kino: Kino, unit: str, environ: Mapping[str, str], *, uid: int | None = None) -> None:
        """Take the unit `unit` of the system, or that of the user `uid`."""
        self.name = unit
        self._kino = kino
        self._uid = uid
        self._held = False
        self._manager = Manager(environ, user=uid is not None)
        units = SYSTEM_UNITS
        if uid is not None:
            units = user_folder(environ, "XDG_CONFIG_HOME", ".config") / "systemd/user"
        self._gate = Gate(self._manager, unit, units)

    @property
    def is_users(self) -> bool:
        """Whether it is a unit of a user, and not one of the system."""
        return self._uid is not None

    @property
    def gate_path(self) -> Path:
        """Where the drop-in of a closed gate is."""
        return self._gate.path

    def problem(self) -> KinoBackupError | None:
        """`NotPermittedError` for a user without the right, `ServiceError` for a unit that cannot be used,
        `LocationError` where its gate cannot be written; None if nothing is in the way."""
        try:
            return self._not_permitted() or self._unusable() or self._strayed() or self._gate.problem()
        except ServiceError as error:
            return error

    def state(self) -> ServiceState:
        """How systemd says that it is; raises `ServiceError` if systemd does not answer."""
        return service_state(self._shown())

    def stop(self) -> None:
        """Stop it and wait, as long as its own time limits allow, until systemd says that it is stopped.

        A start that somebody orders meanwhile cannot replace this order; behind a closed gate it is refused.
        """
        answer = self._order_stop()
        deadline = time.monotonic() + _SETTLE_SECONDS
        while not is_down(shown := self._shown(), held=self._held):
            canceled = answer.reason.endswith("canceled")
            if (answer.code != 0 and not canceled) or time.monotonic() >= deadline:
                raise self._refused("stop", answer.reason or f"it is {service_state(shown).text}")
            time.sleep(_POLL_SECONDS)
            if canceled:
                answer = self._order_stop()

    def start(self) -> None:
        """Have systemd start it; raises `ServiceError` or `NotPermittedError` if the order is refused.

        Where another start was being refused by the gate, this one was taken for the same: it is repeated.
        """
        deadline = time.monotonic() + _SETTLE_SECONDS
        while True:
            # Starts of the past count for the limit of the unit, those by hand too. A unit that is not
            # loaded has nothing to forget, and says so with an error.
            self._manager.systemctl("reset-failed", "--", self.name, seconds=_ORDER_SECONDS)
            answer = self._manager.systemctl("start", "--no-block", "--", self.name, seconds=_ORDER_SECONDS)
            if answer.code != 0:
                raise self._refused("start", answer.reason)
            while is_being_asked(shown := self._shown()) and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
            if not was_refused(shown) or time.monotonic() >= deadline:
                return

    def logs(self, lines: int) -> list[str]:
        """The last lines in the journal, those of systemd on the unit included; empty without a journal."""
        if lines <= 0:
            return []
        # As one word, so that no name of a unit is taken for an option.
        asked = (f"--unit={self.name}", "--no-pager", "--quiet", "--output=cat", f"--lines={lines}")
        try:
            answer = self._manager.run("journalctl", *asked, seconds=_LOG_SECONDS)
        except ServiceError:
            return []
        text = answer.output.encode(errors="surrogateescape").decode(errors="replace").rstrip()
        return text.splitlines()[-lines:] if answer.code == 0 else []

    def close_gate(self, gate: Sequence[str]) -> None:
        """Have the command `gate` decide at each start, with full privileges; raises as `Gate.close`."""
        self._gate.close(gate)
        self._held = True

    def open_gate(self) -> None:
        """Take it away again; raises as `Gate.open`."""
        self._held = False
        self._gate.open()

    def _shown(self) -> dict[str, str]:
        return self._manager.show(self.name, *STATE_PROPERTIES)

    def _order_stop(self) -> Answer:
        # Otherwise a start that is ordered by somebody else cancels it (systemctl(1), --job-mode=).
        order = ("stop", "--job-mode=replace-irreversibly", "--", self.name)
        return self._manager.systemctl(*order, seconds=self._stop_seconds())

    def _not_permitted(self) -> NotPermittedError | None:
        ours = full_command(self._kino)
        if self._uid is None:
            if os.geteuid() == 0:
                return None
            return NotPermittedError(
                f"{self.name} can be stopped and held only by root. You are {user_name()}.",
                hint=f"Run: sudo {ours}",
            )
        if self._uid == os.geteuid():
            return None
        owner = name_of_user(self._uid) or f"#{self._uid}"
        return NotPermittedError(
            f"{self.name} is a service of the user {owner}, who alone can stop and hold it. "
            f"You are {user_name()}.",
            hint=f"Run: sudo -u {owner} XDG_RUNTIME_DIR=/run/user/{self._uid} {ours}",
        )

    def _unusable(self) -> ServiceError | None:
        version = self._manager.version()
        if 0 < version < OLDEST_SYSTEMD:
            return ServiceError(
                f"systemd {version} cannot keep {self.name} stopped during a restore; "
                f"{OLDEST_SYSTEMD} or newer can.",
                hint="Configure stop_command and start_command.",
            )
        shown = self._manager.show(self.name, *_USABLE)
        loaded = shown.get("LoadState", "")
        systemctl = f"systemctl {'--user ' * self._manager.user}"
        if loaded == "masked":
            return ServiceError(
                f"{self.name} is masked, so it could not be started after a restore.",
                hint=f"Run: {systemctl}unmask {self.name}",
            )
        if loaded != "loaded":
            return ServiceError(
                f"systemd cannot load {self.name}: {loaded or 'no reason given'}.",
                hint=f"Run: {systemctl}status {self.name}",
            )
        if shown.get("Transient") == "yes":
            return ServiceError(
                f"{self.name} is a transient unit: once stopped, it is gone and cannot be started again.",
                hint="Stop Kino yourself, restore, and start it as before; or install it as a service.",
            )
        if "no" in (shown.get("CanStart"), shown.get("CanStop")):
            return ServiceError(
                f"{self.name} refuses to be started or stopped by hand.",
                hint="Remove RefuseManualStart= and RefuseManualStop= from it.",
            )
        return None

    def _strayed(self) -> ServiceError | None:
        """A process that has the database open and would not end with the unit."""
        strays = self._strays()
        if strays:
            # Somebody who only looked at the database is gone by now.
            time.sleep(_STRAY_SECONDS)
            strays &= self._strays()
        if not strays:
            return None
        pid = min(strays)
        text = process_name(pid)
        return ServiceError(
            f"{text[0].upper()}{text[1:]} has {self._kino.database} open, but is not part of {self.name}.",
            hint=f"End it first: kill {pid}",
        )

    def _strays(self) -> set[int]:
        strays = set()
        for pid in database_holders(self._kino).pids:
            service = service_of(pid)
            if service is not None and (service.unit, service.uid) == (self.name, self._uid):
                continue
            # A unit may have its container run in a control group of its own.
            if not runs_for_unit(pid, self.name, self._manager.environ):
                strays.add(pid)
        return strays

    def _stop_seconds(self) -> float:
        shown = self._manager.show(self.name, "TimeoutStopUSec").get("TimeoutStopUSec", "")
        limit = seconds_of(shown)
        # The limit holds for the polite signal, for the other one, and for each command of the unit.
        return _LONGEST_STOP_SECONDS if limit is None else min(4 * limit + 60, _LONGEST_STOP_SECONDS)

    def _refused(self, verb: str, reason: str) -> KinoBackupError:
        done = {"stop": "stopped", "start": "started"}[verb]
        text = f"{self.name} could not be {done}: {reason or 'systemd gave no reason'}."
        command = f"systemctl {'--user ' * self._manager.user}{verb} {self.name}"
        if "authentication required" in reason or "Access denied" in reason:
            return NotPermittedError(text, hint=f"Run as root: sudo {command}")
        return ServiceError(text, hint=f"Try it by hand: {command}")
