"""A thousand scheduled nights in simulated time, with faults that come and go at random.

The clock is all that is simulated. The database, the backup location (where root may mount, a small disk of
its own, so that full means full), the command that is told of failures, and the faults are real.

Every morning the machine must be as a careful admin would expect, who keeps books of what has happened:
which scheduled backups there are, to the file; that nothing else has been touched; how old the newest good
one is said to be; and who was told of what, once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kino_backup_tui.core.archive.names import format_name
from kino_backup_tui.core.catalog.locations import MARKER
from kino_backup_tui.core.errors import ArchiveError, IncompatibleError
from kino_backup_tui.core.kino.home import WORKING_FOLDER, Kino
from kino_backup_tui.core.kino.settings import BackupSettings
from kino_backup_tui.core.kino.tool_config import CONFIG_VARIABLE
from kino_backup_tui.core.models import Backup, BackupKind
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.run_due import DueOutcome, run_due
from kino_backup_tui.core.operations.status import read_status
from kino_backup_tui.core.operations.verify import verify_backup
from kino_backup_tui.core.progress import Control
from tests.conftest import write_database
from tests.core.archive.archives import honest
from tests.fakes import FakeClock
from tests.proof.figures import Figures, Options
from tests.proof.machine import FAULTS, FULL, KEEP, Fault, Machine

_WAKINGS = (timedelta(minutes=-10), timedelta(minutes=3), timedelta(minutes=18), timedelta(hours=5))
"""When the timer wakes the program, from the slot on."""
_MORNING = timedelta(hours=6)
_FIRST_DAY = datetime(2026, 1, 5, tzinfo=UTC)
_DISK_BYTES = 4 << 20


@dataclass
class Books:
    """What a careful admin knows must be there."""

    scheduled: list[Backup] = field(default_factory=list)
    """Ours, good, oldest first."""
    manual: list[Backup] = field(default_factory=list)
    """Made by hand, good, oldest first."""
    misdated: set[str] = field(default_factory=set)
    """Names of those that were made while the clock was wrong."""
    digests: dict[str, str] = field(default_factory=dict)
    """SHA-256 of every file that must be in the location, by its name."""

    def add(self, path: Path) -> None:
        """Note a file as it is now."""
        self.digests[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()

    def made(self, backup: Backup, now: datetime) -> None:
        """A scheduled run was good: the oldest beyond `KEEP` goes, never the new one.

        What is dated after now takes no place, and stays until then; what a wrong clock has dated goes first.
        """
        self.scheduled.append(backup)
        self.add(backup.path)
        reached = [one for one in self.scheduled if _date(one) <= now]
        ranked = sorted(reached, key=lambda one: (one.filename not in self.misdated, _date(one)))
        for old in ranked[:-KEEP]:
            if old is not backup:
                self.scheduled.remove(old)
                self.digests.pop(old.filename, None)

    def newest(self, now: datetime) -> Backup | None:
        """The newest good one whose date can be believed."""
        everything = [*self.scheduled, *self.manual]
        good = [one for one in everything if _date(one) <= now and one.filename not in self.misdated]
        return max(good, key=_date, default=None)


def _date(backup: Backup) -> datetime:
    assert backup.created_at is not None
    return backup.created_at


class Nights:
    """The simulation; `broken` says in words what was not as it should be."""

    def __init__(self, machine: Machine, seed: int, *, small_disk: bool) -> None:
        self.broken: list[str] = []
        self.counts: Counter[str] = Counter()
        self.machine = machine
        self.random = random.Random(seed)  # noqa: S311 - no secret
        self.books = Books()
        self._faults = [fault for fault in FAULTS if small_disk or fault is not FULL]
        self._fault: Fault | None = None
        self._nights_left = 0
        self.owed = True
        """Whether a slot is due: a new installation makes up for the last one."""
        self._told: list[str] = []
        self.failing = False

    def run(self, nights: int) -> None:
        """Live through so many nights."""
        self.machine.location.mkdir()
        self.machine.settle()
        for number in range(nights):
            day = (_FIRST_DAY + timedelta(days=number)).date()
            zone = self.machine.clock.zone()
            slot = datetime.combine(day, BackupSettings().time, tzinfo=zone).astimezone(UTC)
            self._night(slot)
            self._go_to(slot + _MORNING)
            self._inspect()
            self._spend_the_day(slot)

    def _go_to(self, instant: datetime) -> None:
        self.machine.clock.instant = instant

    def _night(self, slot: datetime) -> None:
        self.counts["nights"] += 1
        if self._fault is not None:
            self.counts[f"nights: {self._fault.name}"] += 1
        if self._fault is not None and self._fault.outcome is None:
            self.owed = True
            return
        for index, after in enumerate(_WAKINGS):
            self._go_to(slot + after)
            self.wake(first=index == 1)

    def wake(self, *, first: bool = False) -> None:
        """Let the timer wake the program, and compare what it does with what it should."""
        fault = self._fault
        if fault is None:
            expected = DueOutcome.MADE if first or self.owed else DueOutcome.NOT_DUE
        elif fault.stays_due:
            assert fault.outcome is not None
            expected = fault.outcome if self.owed or first or fault.always else DueOutcome.NOT_DUE
            self.owed = self.owed or first
        else:
            assert fault.outcome is not None
            expected = fault.outcome if first else DueOutcome.NOT_DUE
        run = run_due(self.machine.context, Control(wait_seconds=0))
        if run.outcome is not expected:
            self._complain(f"the run ended with {run.outcome} ({run.problem}), not {expected}")
        if run.outcome is DueOutcome.MADE and run.backup is not None:
            self.owed = False
            if self.failing:
                self._told.append("backup_recovered")
            self.failing = False
            self.books.made(run.backup, self.machine.clock.now())
            self.counts["backups made"] += 1
        elif run.problem is not None and not run.repeated:
            self.failing = True
            self._told.append("backup_failed")

    def _inspect(self) -> None:
        """What there is in the morning, against the books."""
        machine, books = self.machine, self.books
        told = [json.loads(line)["event"] for line in machine.news.read_text().splitlines()]
        if told != self._told:
            self._complain(f"told {told[-3:]}, expected {self._told[-3:]}")
            self._told = told
        status = read_status(machine.context)
        if self._fault is not None and self._fault.blind:
            if status.freshness.newest is not None or status.stale(timedelta(hours=26)) is None:
                self._complain("a location that cannot be seen looks fresh")
            return
        here = {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in machine.location.iterdir()
            if path.name != MARKER
        }
        if here != books.digests:
            changed = sorted(set(here.items()) ^ set(books.digests.items()))
            self._complain(f"the location differs from the books in {[name for name, _ in changed]}")
            books.digests = here
        newest = books.newest(machine.clock.now())
        found = status.freshness.newest
        if (found and found.filename) != (newest and newest.filename):
            self._complain(f"the newest good backup is said to be {found and found.filename}")
        if newest is not None and newest.created_at is not None:
            age = machine.clock.now() - newest.created_at
            stale = status.stale(timedelta(hours=26)) is not None
            if stale != (age > timedelta(hours=26)):
                self._complain(f"{age} old, and stale is {stale}")
        if (status.failing is not None) != self.failing:
            self._complain(f"failing is {status.failing}")

    def _spend_the_day(self, slot: datetime) -> None:
        """Faults begin and end, and people do what people do, between morning and evening."""
        self._go_to(slot + timedelta(hours=9))
        if self._fault is None:
            self._something_happens()
        self._go_to(slot + timedelta(hours=17))
        if self._fault is not None:
            self._nights_left -= 1
            if self._nights_left <= 0:
                self._fault.end(self.machine)
                self._fault = None
                self.wake()
        elif self.random.random() < 0.12:
            self._fault = self.random.choice(self._faults)
            self._nights_left = self.random.randint(1, 4)
            self._fault.begin(self.machine)

    def _something_happens(self) -> None:
        chance = self.random.random()
        for name, (share, event) in EVENTS.items():
            if chance < share:
                self.counts[f"days: {name}"] += 1
                event(self)
                return
            chance -= share

    def _complain(self, what: str) -> None:
        fault = self._fault.name if self._fault else "nothing wrong"
        self.broken.append(f"{self.machine.clock.now():%Y-%m-%d %H:%M} UTC, {fault}: {what}")


def _made_by_hand(nights: Nights) -> None:
    created = create_backup(nights.machine.context, Control())
    nights.books.manual.append(created.backup)
    nights.books.add(created.backup.path)


def _rots(nights: Nights) -> None:
    """A bit flips in one of ours; half the time somebody looks at it soon."""
    if not nights.books.scheduled:
        return
    victim = nights.random.choice(nights.books.scheduled)
    data = bytearray(victim.path.read_bytes())
    data[nights.random.randrange(len(data))] ^= 1 << nights.random.randrange(8)
    victim.path.write_bytes(data)
    nights.books.add(victim.path)
    nights.books.scheduled.remove(victim)
    if nights.random.random() < 0.5:
        with contextlib.suppress(ArchiveError, IncompatibleError):
            verify_backup(nights.machine.context, victim, Control())
            # It was one of the few bits that say nothing: in the padding, or of the packer's system.
            nights.books.scheduled = sorted([*nights.books.scheduled, victim], key=lambda one: one.filename)


def _deleted(nights: Nights) -> None:
    if not nights.books.scheduled:
        return
    victim = nights.random.choice(nights.books.scheduled)
    victim.path.unlink()
    nights.books.scheduled.remove(victim)
    nights.books.digests.pop(victim.filename, None)


def _from_another_kino(nights: Nights) -> None:
    """Another installation puts its own into the same folder."""
    clock = nights.machine.clock
    name = format_name(BackupKind.SCHEDULED, clock.now(), "0.4.1", clock.zone())
    path = nights.machine.location / name
    created = clock.now().astimezone(clock.zone()).isoformat()
    path.write_bytes(honest(kind="scheduled", instance="another", created_at=created))
    nights.books.add(path)


def _working_folder_lost(nights: Nights) -> None:
    """With it goes the id of this installation: what is there is nobody's, and stays for ever."""
    shutil.rmtree(nights.machine.kino.data_path / WORKING_FOLDER)
    nights.machine.settle(accept_location=True)
    nights.books.scheduled.clear()
    nights.books.manual.clear()
    nights.owed, nights.failing = True, False
    nights.wake()


def _clock_ahead(nights: Nights) -> None:
    """For an hour the clock says that it is forty days later; a run takes that for the truth."""
    clock = nights.machine.clock
    clock.advance(days=40)
    nights.owed = True
    before = {backup.filename for backup in nights.books.scheduled}
    nights.wake()
    nights.books.misdated |= {backup.filename for backup in nights.books.scheduled} - before
    clock.advance(days=-40)


EVENTS: Mapping[str, tuple[float, Callable[[Nights], None]]] = {
    "made by hand": (0.03, _made_by_hand),
    "one rots": (0.04, _rots),
    "one deleted": (0.03, _deleted),
    "from another Kino": (0.03, _from_another_kino),
    "working folder lost": (0.004, _working_folder_lost),
    "clock ahead": (0.006, _clock_ahead),
}
"""What happens on a day, and how likely."""


@contextmanager
def simulated(folder: Path) -> Iterator[tuple[Machine, bool]]:
    """A machine to live on, and whether its backup disk is a small one of its own."""
    kino = Kino(folder / "kino")
    kino.data_path.mkdir()
    write_database(kino.database)
    disk = folder / "disk"
    disk.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "tmpfs", str(disk)]
    small = os.geteuid() == 0 and not subprocess.run(["mount", *options], capture_output=True).returncode
    news = folder / "news"
    news.touch()
    config = folder / "tool.toml"
    config.write_text(f"notify_command = {json.dumps(['sh', '-c', f'cat >>{news}; echo >>{news}'])}\n")
    config.chmod(0o600)
    before = os.environ.get(CONFIG_VARIABLE)
    os.environ[CONFIG_VARIABLE] = str(config)
    try:
        yield Machine(kino, disk, FakeClock(), news), small
    finally:
        if before is None:
            del os.environ[CONFIG_VARIABLE]
        else:
            os.environ[CONFIG_VARIABLE] = before
        if small:
            subprocess.run(["umount", str(disk)], check=True)


def run(options: Options) -> Figures:
    """Live through a thousand nights, or as many as the stride leaves of them."""
    figures = Figures()
    with tempfile.TemporaryDirectory() as folder, simulated(Path(folder)) as (machine, small):
        nights = Nights(machine, options.seed, small_disk=small)
        nights.run(1000 // options.stride)
        figures.broken += nights.broken
        for name, count in sorted(nights.counts.items()):
            figures.add(what=name, count=count)
    if not small:
        figures.notes.append("No full disk: only root may mount one of its own.")
    return figures
