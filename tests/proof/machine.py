"""The machine of the simulated nights, and what can be wrong with it for some of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kino_backup_tui.core.catalog.locations import MARKER
from kino_backup_tui.core.files import free_bytes
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.settings import BackupSettings
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.run_due import DueOutcome
from kino_backup_tui.core.operations.schedule import save_schedule
from kino_backup_tui.core.progress import Control
from tests.fakes import FakeClock

KEEP = 5


@dataclass
class Machine:
    """A Kino, its backup location, and the clock on the wall."""

    kino: Kino
    disk: Path
    clock: FakeClock
    news: Path
    """What the notification command was given, a JSON object a line."""

    @property
    def context(self) -> Context:
        """What the operations work on."""
        return Context(self.kino, self.clock, host="nas01")

    @property
    def location(self) -> Path:
        """The folder for backups, on its disk."""
        return self.disk / "backups"

    @property
    def aside(self) -> Path:
        """Where the location, or the database, is while a fault has taken it away."""
        return self.disk / "aside"

    def settle(self, *, accept_location: bool = False) -> None:
        """Save the schedule, as the admin does."""
        settings = BackupSettings(keep=KEEP, location=str(self.location))
        save_schedule(self.context, settings, Control(), accept_location=accept_location)


@dataclass(frozen=True)
class Fault:
    """Something that is wrong for some nights."""

    name: str
    outcome: DueOutcome | None
    """How a run ends meanwhile; None if nothing runs at all."""
    begin: Callable[[Machine], None]
    end: Callable[[Machine], None]
    stays_due: bool = False
    """Whether the missed slot is made up for once it is over."""
    blind: bool = False
    """Whether the location cannot be seen meanwhile."""
    always: bool = False
    """Whether it fails each waking, be anything due or not."""


def _nothing(machine: Machine) -> None:
    """The host sleeps: nothing has to be done to the machine."""


def _fill(machine: Machine) -> None:
    with (machine.disk / "filler").open("wb") as stream:
        stream.write(bytes(free_bytes(machine.disk) - 2048))


def _free(machine: Machine) -> None:
    (machine.disk / "filler").unlink()


def _unmount(machine: Machine) -> None:
    machine.location.rename(machine.aside)


def _mount(machine: Machine) -> None:
    machine.aside.rename(machine.location)


def _swap_disks(machine: Machine) -> None:
    _unmount(machine)
    machine.location.mkdir()
    (machine.location / MARKER).write_text("6f1c2d1e-0000-4000-8000-000000000000\n")


def _swap_back(machine: Machine) -> None:
    shutil.rmtree(machine.location)
    _mount(machine)


def _lose_database(machine: Machine) -> None:
    machine.kino.database.rename(machine.kino.data_path / "lost")


def _find_database(machine: Machine) -> None:
    (machine.kino.data_path / "lost").rename(machine.kino.database)


def _damage_database(machine: Machine) -> None:
    sound = machine.kino.database.read_bytes()
    (machine.kino.data_path / "sound").write_bytes(sound)
    page = sound[4096:8192]
    machine.kino.database.write_bytes(sound.replace(page, bytes(len(page)), 1))


def _mend_database(machine: Machine) -> None:
    (machine.kino.data_path / "sound").replace(machine.kino.database)


def _break_settings(machine: Machine) -> None:
    shutil.copy(machine.kino.config_file, machine.kino.data_path / "good.toml")
    machine.kino.config_file.write_text("[backup]\nkeep = 'many'\n")


def _mend_settings(machine: Machine) -> None:
    (machine.kino.data_path / "good.toml").replace(machine.kino.config_file)


FULL = Fault("disk full", DueOutcome.SKIPPED, _fill, _free)
FAULTS = (
    FULL,
    Fault("not mounted", DueOutcome.LOCATION_MISSING, _unmount, _mount, stays_due=True, blind=True),
    Fault("another disk", DueOutcome.LOCATION_MISSING, _swap_disks, _swap_back, stays_due=True, blind=True),
    Fault("no database", DueOutcome.FAILED, _lose_database, _find_database, stays_due=True),
    Fault("damaged database", DueOutcome.FAILED, _damage_database, _mend_database),
    Fault("broken settings", DueOutcome.FAILED, _break_settings, _mend_settings, stays_due=True, always=True),
    Fault("asleep", None, _nothing, _nothing),
)
