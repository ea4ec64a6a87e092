"""Whether a Kino that was just started is well, judged from outside of it.

Well is: its supervisor has it running, always as the same process and without a restart; a process has our
database open; the HTTP API of that very process answers. All of it for a few seconds on end, or, where the
API did not answer before the restore either, up with the database open for a longer time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.process_facts import Activity, activity
from kino_backup_tui.core.kino.running import KinoState, observe
from kino_backup_tui.core.progress import CancelToken
from kino_backup_tui.core.supervisors.base import ServiceState, Supervisor

STEADY_SECONDS = 3.0
"""How long all of it must hold where the API answers."""
STEADY_WITHOUT_HTTP_SECONDS = 20.0
LONGEST_SECONDS = 1800.0
"""Migrating a large database takes its time, but not for ever."""
MOST_RESTARTS = 3

_POLL_SECONDS = 0.5
_NOTE_SECONDS = 1.0
_WORK_SECONDS = 5.0
"""How often it is looked for signs of work, and how busy Kino must have been since: a server that only
waits uses next to nothing of either."""
_WORK_CPU = 0.5
_WORK_BYTES = 1 << 20
_PATIENCE_SECONDS = 15.0
"""How long a sign of work puts off the end."""
_LOG_LINES = 20


@dataclass(frozen=True, slots=True)
class Health:
    """The verdict."""

    healthy: bool
    version: str | None
    """As Kino's API says; None if it did not answer."""
    text: str
    """One clause without a full stop: "kino.service failed (exit code 1), restarted 3 times"."""
    log: tuple[str, ...]
    """The last lines Kino has said, if it is not healthy."""
    seconds: float
    """How long it took."""


def wait_until_healthy(
    kino: Kino,
    supervisor: Supervisor,
    *,
    seconds: float,
    expect_http: bool,
    cancel: CancelToken,
    is_set_up: bool,
    note: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Health:
    """Watch a Kino that was just started until it is well, or until it is clear that it is not.

    It may take `seconds`, and up to half an hour as long as it has our database open and works: new lines in
    its log, processor time, bytes read and written. It is given up at once if the supervisor has, or has
    restarted it three times; or if it answers as one that nobody has set up, where `is_set_up` says that its
    database is one that was: it works on another, empty one then. `note` is told, at most once a second, what
    is waited for.
    Raises `OperationCancelledError`; `ServiceError` if the supervisor does not answer.
    """
    began = clock()
    watch = _Watch(kino, supervisor, expect_http, seconds, is_set_up)
    noted_at = began - _NOTE_SECONDS
    while True:
        cancel.raise_if_cancelled()
        passed = clock() - began
        verdict = watch.look(passed)
        if verdict is not None:
            log = () if verdict.healthy else tuple(supervisor.logs(_LOG_LINES))
            return Health(verdict.healthy, verdict.version, verdict.text, log, passed)
        if clock() - noted_at >= _NOTE_SECONDS:
            noted_at = clock()
            note(f"{watch.waiting_for} · {passed:.0f} s of {watch.limit:.0f} s")
        sleep(_POLL_SECONDS)


@dataclass(frozen=True, slots=True)
class _Verdict:
    healthy: bool
    text: str
    version: str | None = None


class _Watch:
    """What was seen so far; times count from the start of the watch."""

    def __init__(
        self, kino: Kino, supervisor: Supervisor, expect_http: bool, seconds: float, is_set_up: bool
    ) -> None:
        self.limit = seconds
        self.waiting_for = ""
        self._lack = ""
        self._kino = kino
        self._supervisor = supervisor
        self._expect_http = expect_http
        self._is_set_up = is_set_up
        self._first_restarts: int | None = None
        self._last_end = ""
        self._well: tuple[object, ...] | None = None
        self._well_since = 0.0
        self._work = _Work(supervisor)

    def look(self, passed: float) -> _Verdict | None:
        """Look once; None if it is too early to tell."""
        name = self._supervisor.name
        state = self._supervisor.state()
        if self._first_restarts is None:
            self._first_restarts = state.restarts
        if state.restarts > self._first_restarts:
            self._last_end = state.ended or self._last_end
        if not state.active and state.settled:
            return _Verdict(False, f"{name}: {state.text}")
        if (ended := state.restarts - self._first_restarts) >= MOST_RESTARTS:
            # It may just be in its next short life, of which the state says nothing bad.
            last = f": {self._last_end}" if self._last_end else ""
            return _Verdict(False, f"{name} ended {ended} times since it was started{last}")
        # Nobody opens the database between two lives, and to look for who does costs most of the round.
        seen = observe(self._kino) if state.active and state.settled else KinoState(None)
        if seen.first_time_setup and self._is_set_up:
            return _Verdict(False, f"{name} answers as a Kino that was never set up, not with this database")
        self._remember(state, seen, passed)
        steady = STEADY_SECONDS if seen.version else STEADY_WITHOUT_HTTP_SECONDS
        if self._well and passed - self._well_since >= steady:
            answers = f" and answers as Kino {seen.version}" if seen.version else ", with its database open"
            return _Verdict(True, f"{name} is up{answers}", seen.version)
        if seen.pid is not None and self._work.goes_on(seen.pid, passed):
            self.limit = min(max(self.limit, passed + _PATIENCE_SECONDS), LONGEST_SECONDS)
        if passed >= self.limit:
            return _Verdict(False, f"{name} {self._lack} within {passed:.0f} s")
        return None

    def _remember(self, state: ServiceState, seen: KinoState, passed: float) -> None:
        name = self._supervisor.name
        well = None
        if not (state.active and state.settled):
            self.waiting_for = f"{name} is not up yet: {state.text}"
            self._lack = f"did not come up ({state.text})"
        elif seen.pid is None:
            self.waiting_for = f"{name} is up, waiting until it opens its database"
            self._lack = "did not open its database"
        elif self._expect_http and seen.version is None:
            self.waiting_for = f"{name} is up, waiting for its API"
            self._lack = "is up, but its API did not answer"
        else:
            self.waiting_for = f"{name} is up, watching that it stays up"
            self._lack = "did not stay up long enough"
            well = (state.pid, state.restarts, seen.pid, seen.version)
        if well is None or well != self._well:
            self._well_since = passed
        self._well = well


class _Work:
    """Signs that Kino is busy with something, such as migrating its database."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._looked_at: float | None = None
        self._pid = 0
        self._before = Activity(0.0, 0)
        self._log: list[str] = []

    def goes_on(self, pid: int, passed: float) -> bool:
        """Whether there was a sign since it was last looked for, some seconds ago."""
        if self._looked_at is not None and passed - self._looked_at < _WORK_SECONDS:
            return False
        now, log = activity(pid), self._supervisor.logs(_LOG_LINES)
        busy = (
            now.cpu_seconds - self._before.cpu_seconds >= _WORK_CPU
            or now.io_bytes - self._before.io_bytes >= _WORK_BYTES
            or log != self._log
        )
        goes_on = busy and self._looked_at is not None and pid == self._pid
        self._looked_at, self._pid, self._before, self._log = passed, pid, now, log
        return goes_on
