"""What must be true of what writers and tools have noted while all of them worked at once."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, pairwise
from pathlib import Path
from typing import NamedTuple

from kino_backup_tui.core.errors import BusyError
from kino_backup_tui.core.jobs.journal import read_events
from kino_backup_tui.core.progress import JobEvent, Stage
from tests.proof.writer import Commit

_LOOK_SECONDS = 0.1
_MILLISECOND = 0.001
"""What the times in a journal are cut off to."""
_CLOCK_SECONDS = 0.01
"""How far the times that the kernel gives to files may lag behind."""


class Change(NamedTuple):
    """A restore or a rollback, and how it said that it ended."""

    operation: str
    outcome: str
    source: str
    periods: int
    """How often Kino was started meanwhile."""


class Range(NamedTuple):
    """Transactions, of which one must have been the last; both included."""

    first: int
    last: int


class Commits:
    """All that the writers have committed, by the period in which they did."""

    def __init__(self, commits: Iterable[Commit]) -> None:
        self.all = tuple(commits)
        periods: defaultdict[int, list[Commit]] = defaultdict(list)
        for commit in self.all:
            periods[commit.period].append(commit)
        self._periods = {number: _Period(commits) for number, commits in sorted(periods.items())}

    def last_at(self, began: float, ended: float) -> list[Range]:
        """Which transaction may have been the last of a copy that was made between two instants."""
        return [
            Range(period.surely_by(began), period.perhaps_by(ended))
            for period in self._periods.values()
            if period.began <= ended and period.ended >= began
        ]

    def start_of(self, period: int) -> int | None:
        """The last transaction that the database held when the period began; None if nobody wrote in it."""
        return self._periods[period].first - 1 if period in self._periods else None

    def end_of(self, period: int) -> Range:
        """The last transaction that it held at its end."""
        commits = self._periods[period]
        return Range(commits.surely_by(float("inf")), commits.perhaps_by(float("inf")))

    def waits(self, began: float, ended: float) -> list[float]:
        """How long the transactions took that began between two instants, in seconds, the longest last."""
        return sorted(c.ended - c.began for c in self.all if c.ended and began <= c.began < ended)


class _Period:
    def __init__(self, commits: Sequence[Commit]) -> None:
        by_end = sorted((c.ended, c.number) for c in commits if c.ended)
        by_begin = sorted((c.began, c.number) for c in commits)
        self._ends = [end for end, _ in by_end]
        self._begins = [begin for begin, _ in by_begin]
        self._surely = list(accumulate((number for _, number in by_end), max))
        self._perhaps = list(accumulate((number for _, number in by_begin), max))
        self.first = min(commit.number for commit in commits)
        self.began, self.ended = self._begins[0], max(self._ends[-1], self._begins[-1])

    def surely_by(self, instant: float) -> int:
        at = bisect_left(self._ends, instant)
        return self._surely[at - 1] if at else self.first - 1

    def perhaps_by(self, instant: float) -> int:
        at = bisect_right(self._begins, instant)
        return self._perhaps[at - 1] if at else self.first - 1


class Seen(NamedTuple):
    """A journal, when it was first seen, and when it was last written."""

    events: tuple[JobEvent, ...]
    seen_at: float
    written_at: float

    @property
    def had_the_lock(self) -> bool:
        """False for a worker that only tells that it did not get it."""
        return [event.outcome for event in self.events] != [None, BusyError.code]

    @property
    def began(self) -> float:
        """When the job had certainly begun."""
        # The events of a night that is yet to come are dated in it.
        is_of_now = self.events[0].operation != "run-due"
        return min(self.events[0].at.timestamp() if is_of_now else self.seen_at, self.written_at)


@contextmanager
def journals_collected(folder: Path) -> Iterator[dict[str, Seen]]:
    """Read all journals that are written during the block; the newest fifty alone are kept."""
    seen: dict[str, Seen] = {}
    over = threading.Event()

    def look() -> None:
        for path in folder.glob("*.jsonl"):
            try:
                written_at = path.stat().st_mtime
            except FileNotFoundError:
                continue
            known = seen.get(path.stem)
            if known and known.written_at == written_at and known.events[-1].event == "end":
                continue
            if events := tuple(event for event, _ in read_events(path)):
                seen[path.stem] = Seen(events, known.seen_at if known else time.time(), written_at)

    def watch() -> None:
        while not over.wait(_LOOK_SECONDS):
            look()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()
        look()


def snapshot_times(journals: dict[str, Seen]) -> dict[str, tuple[float, float]]:
    """By the name of a backup: between which instants its copy of the database was made."""
    times = {}
    for journal in journals.values():
        events = [event for event in journal.events if event.event in ("stage", "end")]
        result = journal.events[-1].result or {}
        for event, after in pairwise(events):
            name = ""
            if event.operation == "create" and event.stage is Stage.DATABASE_SNAPSHOT:
                name = journal.events[-1].message
            elif event.stage is Stage.SAFETY_BACKUP:
                name = str(result.get("way_back", ""))
            if name:
                times[name] = event.at.timestamp(), after.at.timestamp() + _MILLISECOND
    return times


def overlapping(journals: dict[str, Seen]) -> list[str]:
    """Jobs that began before the one before them had ended."""
    order = sorted((each for each in journals.values() if each.had_the_lock), key=lambda each: each.began)
    wrong = [
        f"{later.events[0].operation} began {before.written_at - later.began:.3f} s before the end of "
        f"{before.events[0].operation}"
        for before, later in pairwise(order)
        if later.began < before.written_at - _CLOCK_SECONDS
    ]
    return wrong + [
        f"the journal of {journal.events[0].operation} has no end"
        for journal in order
        if journal.events[-1].event != "end"
    ]


def wrong_turns(changes: Sequence[Change], commits: Commits, archived: dict[str, int]) -> list[str]:
    """Where a restore or a rollback has not led to the state that it said."""
    wrong = []
    period = 0
    before: Range | None = None
    """Where a rollback leads."""
    for change in changes:
        here = commits.end_of(period)
        there = before if change.operation == "rollback" else None
        if change.operation == "restore" and change.source in archived:
            there = Range(archived[change.source], archived[change.source])
        expected: list[Range | None]
        if change.outcome == "ok":
            expected, before = [there], here
        elif change.outcome == "rolled_back":
            expected = [there, here]
        else:
            expected = [here] * change.periods
        if len(expected) != change.periods:
            wrong.append(f"{change.operation} ({change.outcome}) has started Kino {change.periods} times")
            return wrong
        for state in expected:
            period += 1
            found = commits.start_of(period)
            if state is None or found is None or not state.first <= found <= state.last:
                wrong.append(f"{change.operation} ({change.outcome}) led to {found}, not {state}")
        if change.outcome == "rolled_back" and change.operation == "rollback":
            # Kino has run on these files, and they are what the next one leads to.
            before = commits.end_of(period - 1)
    return wrong
