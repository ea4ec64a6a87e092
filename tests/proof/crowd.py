"""All who work on one Kino at once: two tools, the timer, and those who look, remove, kill and restore.

Each is a thread that runs the real program, again and again, in processes of their own. What a process may
end with is said where it is started; anything else is a complaint.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from tests.cli.harness import Cli, Result, clean_environ
from tests.proof.history import Change
from tests.proof.household import Household

_ZONE = ZoneInfo("Europe/Berlin")
"""Of `clean_environ`."""
_RUNNERS = 2
"""Timers that wake at the same moment."""
_MOST_NIGHTS = 36
"""The newest fifty journals are kept, by date: those of nights to come must leave room for today's."""
_LOG_LOOK_SECONDS = 0.05
PATIENCE_SECONDS = 600.0


@dataclass(frozen=True)
class Effort:
    """How much is done."""

    rounds: int
    """How often each of them does what it does, at the most."""
    seconds: float = float("inf")
    """When they stop to begin anything new."""
    restores: int = 1
    """Restores, each with a rollback after it."""
    kills: int = 1
    """Of the server, and of writers."""
    kill_seconds: float = 0.0
    """Between two kills; the supervisor gives up on a server that does not live for ten seconds."""


class Made(NamedTuple):
    """A backup that was made, and a copy of it that nobody removes."""

    name: str
    copy: Path
    kind: str
    began: float
    ended: float
    """When its making had certainly begun, and was certainly over."""


@dataclass
class Crowd:
    """What is shared by all of them, and what they have to say."""

    household: Household
    effort: Effort
    copies: Path
    random: random.Random
    complaints: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    made: dict[str, Made] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    log_peak: int = 0
    changing: threading.Lock = field(default_factory=threading.Lock)
    """Held during a restore or rollback, so that their order is known."""
    _wanted: set[str] = field(default_factory=set)
    """Names of backups that nobody may remove."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _began: float = field(default_factory=time.monotonic)

    @property
    def cli(self) -> Cli:
        """The command on this Kino."""
        return Cli(self.household.kino.data_path)

    def rounds(self, most: int | None = None) -> Iterator[int]:
        """The numbers of the rounds that there is time for."""
        for number in range(self.effort.rounds if most is None else most):
            if time.monotonic() - self._began > self.effort.seconds:
                return
            yield number

    def call(self, *verb: str, may: tuple[int, ...] = (0,)) -> Result:
        """Run a verb to its end; a code that it may not end with is a complaint."""
        result = _end(_begin(self, verb))
        self.judge(result, verb, may)
        return result

    def judge(self, result: Result, verb: tuple[str, ...], may: tuple[int, ...]) -> None:
        """Count how a verb has ended, and complain of what it may not end with."""
        what = "restore --dry-run" if "--dry-run" in verb else verb[0]
        self.counts[f"{what} {result.code}"] += 1
        if result.code not in may or "Traceback" in result.err:
            said = f"{result.out.strip()[-600:]} {result.err.strip()[-900:]}"
            self.complain(f"{' '.join(verb)} ended with {result.code}: {said}")

    def complain(self, what: str) -> None:
        """Note what is wrong."""
        with self._lock:
            self.complaints.append(what)

    def keep(self, name: str, kind: str, began: float) -> None:
        """Copy a backup that was just made."""
        ended = time.time()
        copy = self.copies / name
        try:
            shutil.copy(self.cli.location / name, copy)
        except FileNotFoundError:
            self.complain(f"{name} is gone as soon as it was made")
            return
        with self._lock:
            self.made[name] = Made(name, copy, kind, began, ended)

    def is_new(self, backup: Mapping[str, Any], at: float) -> bool:
        """Whether a listed backup may be unverified: whoever made it had not ended then."""
        made = self.made.get(backup["filename"])
        return backup["status"] == "unverified" and (made is None or made.ended > at)

    def choose(self, kind: str, *, last: bool = False) -> str | None:
        """A backup that is there, which nobody will remove meanwhile."""
        with self._lock:
            names = [made.name for made in self.made.values() if made.kind == kind]
            names = [name for name in names if name not in self._wanted]
            names = [name for name in names if (self.cli.location / name).exists()]
            if not names:
                return None
            name = names[-1] if last else self.random.choice(names)
            self._wanted.add(name)
            return name

    def release(self, name: str) -> None:
        """It may be removed again."""
        with self._lock:
            self._wanted.discard(name)


def assemble(crowd: Crowd, *more: Callable[[Crowd], None]) -> None:
    """Have all of them work at once, and wait until they are done."""
    over = threading.Event()
    threads = [
        threading.Thread(target=_alive, args=(crowd, each), name=each.__name__)
        for each in (_create, _create, _run_due, _look, _remove, _kill, _restore, *more)
    ]
    watcher = threading.Thread(target=_watch_the_log, args=(crowd, over))
    for thread in (watcher, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    over.set()
    watcher.join()


def _alive(crowd: Crowd, work: Callable[[Crowd], None]) -> None:
    try:
        work(crowd)
    except Exception as error:
        crowd.complain(f"{work.__name__} died of {type(error).__name__}: {error}")


def _create(crowd: Crowd) -> None:
    """Somebody with a tool; there are two of them."""
    for _ in crowd.rounds():
        began = time.time()
        result = crowd.call("create", "--json")
        if result.code == 0:
            crowd.keep(result.json["filename"], "manual", began)


def _run_due(crowd: Crowd) -> None:
    """The timer, as if it were night again and again; more than one wakes at the same moment."""
    tomorrow = datetime.now(_ZONE).date() + timedelta(days=1)
    for number in crowd.rounds():
        if number == _MOST_NIGHTS:
            return
        night = datetime.combine(tomorrow + timedelta(days=number), datetime.min.time(), _ZONE)
        verb = ("run-due", "--now", night.replace(hour=3, second=30).isoformat(), "--json")
        began = time.time()
        runs = [_begin(crowd, verb) for _ in range(_RUNNERS)]
        outcomes = []
        for each in runs:
            result = _end(each)
            crowd.judge(result, verb, (0,))
            if result.code == 0:
                outcomes.append(result.json["outcome"])
                if outcomes[-1] == "made":
                    crowd.keep(result.json["backup"]["filename"], "scheduled", began)
        if sorted(outcomes) != ["made", *["not_due"] * (_RUNNERS - 1)]:
            crowd.complain(f"the runs of one night ended with {outcomes}")


def _begin(crowd: Crowd, verb: tuple[str, ...]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        crowd.cli.arguments(*verb),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environ(**crowd.household.environ),
    )


def _end(process: subprocess.Popen[str]) -> Result:
    with process:
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    return Result(process.returncode, out, err)


def _look(crowd: Crowd) -> None:
    """Somebody who changes nothing, but reads everything; what is removed meanwhile is not found."""
    exported = crowd.copies.with_name("exported")
    exported.mkdir()
    for _ in crowd.rounds():
        began = time.time()
        listed = crowd.call("list", "--json")
        for backup in listed.json if listed.code == 0 else []:
            if backup["status"] != "verified" and not crowd.is_new(backup, began):
                crowd.complain(f"{backup['filename']} is listed as {backup['status']}: {backup['problem']}")
        crowd.call("status", "--json")
        crowd.call("restore", "latest", "--dry-run", "--json", may=(0, 3, 7))
        name = crowd.choose("scheduled", last=True) or crowd.choose("manual")
        if name is None:
            continue
        crowd.release(name)
        crowd.call("verify", name, "--json", may=(0, 3))
        if crowd.call("export", name, str(exported), may=(0, 3)).code == 0:
            if _digest(exported / name) != _digest(crowd.copies / name):
                crowd.complain(f"the exported copy of {name} is another file")
            (exported / name).unlink()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _remove(crowd: Crowd) -> None:
    """Somebody who needs the space."""
    for _ in crowd.rounds():
        name = crowd.choose("manual")
        if name is not None:
            crowd.call("delete", name, "--yes")
        crowd.call("prune", "--json")


def _kill(crowd: Crowd) -> None:
    """Whatever can go wrong with Kino itself."""
    for number in crowd.rounds(crowd.effort.kills):
        crowd.counts["server killed"] += crowd.household.kill_server()
        crowd.household.kill_writer(number % 2)
        crowd.counts["writer killed"] += 1
        time.sleep(crowd.effort.kill_seconds * (1 + crowd.random.random() / 2))


def _restore(crowd: Crowd) -> None:
    """The admin, who goes back to a backup, and then back from that."""
    for number in crowd.rounds(crowd.effort.restores):
        while (name := crowd.choose("manual", last=number % 2 == 0)) is None:
            time.sleep(0.1)
        _change(crowd, "restore", name)
        _change(crowd, "rollback")
        crowd.release(name)


def _change(crowd: Crowd, *verb: str) -> None:
    with crowd.changing:
        before = crowd.household.period()
        result = crowd.call(*verb, "--yes", "--json", may=(0, 9))
        told: dict[str, Any] = {"outcome": f"exit code {result.code}"}
        with contextlib.suppress(IndexError, json.JSONDecodeError):
            told |= result.json
        note_change(crowd, verb[0], told, before)


def note_change(crowd: Crowd, operation: str, told: Mapping[str, Any], before: int) -> None:
    """Note how a restore or a rollback said that it has ended; `before` is the period in which it began."""
    periods = crowd.household.period() - before
    crowd.changes.append(Change(operation, told["outcome"], told.get("source", ""), periods))


def _watch_the_log(crowd: Crowd, over: threading.Event) -> None:
    while not over.wait(_LOG_LOOK_SECONDS):
        crowd.log_peak = max(crowd.log_peak, crowd.household.log_bytes)
