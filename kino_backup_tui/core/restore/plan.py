"""What a restore would do: a value to show, to confirm, and to compare with what is true later."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.kino.home import DOCUMENTED
from kino_backup_tui.core.models import BackupKind

if TYPE_CHECKING:
    from kino_backup_tui.core.restore.first_boot import FirstBoot


class Safety(StrEnum):
    """How the state from before the restore is kept, besides the replaced files themselves."""

    BACKUP = "backup"
    """A pre-restore backup, verified."""
    RAW = "raw"
    """The database is too damaged for a snapshot: its bytes are packed as they are."""
    NONE = "none"
    """The admin does without, or there is nothing to save."""


@dataclass(frozen=True, slots=True)
class State:
    """One side of the comparison: the backup, or Kino as it is now. None is "not known"."""

    created_at: datetime | None = None
    kind: BackupKind | None = None
    kino_version: str | None = None
    schema_version: int | None = None
    tables: Mapping[str, int] | None = None
    """Row counts; None for a database that is not there or cannot be read."""
    host: str = ""


@dataclass(frozen=True, slots=True)
class SpaceNeed:
    """Room one step needs in one folder."""

    step: str
    """For people: "Staging", "Safety backup"."""
    folder: Path
    needed_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Change:
    """A setting that will have another value after the restore and decides how Kino is reached."""

    setting: str
    """Dotted name, as in config.toml; or that of its column in Kino's database."""
    now: str
    """As TOML; "set" or "not set" where the value is a secret."""
    then: str


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """Everything that is known before a restore; nothing has been changed to find it out."""

    operation: str
    """ "restore" of an archive, or "rollback" to the set of files the last restore has replaced."""
    source: Path
    """The archive; of a rollback, the folder of that set."""
    data_path: Path
    replaced: tuple[str, ...]
    """What leaves the data path, by name: database, config, secrets, as far as they are there."""
    arriving: tuple[str, ...]
    """What takes its place."""
    backup: State
    now: State
    supervisor: str
    """The supervisor's name."""
    controls: bool
    """Whether it stops and starts Kino; if not, a person has to."""
    running: bool | None
    """Whether Kino runs now; None if that cannot be found out."""
    safety: Safety
    safety_location: Path | None
    """Where the pre-restore backup goes."""
    layout: str = DOCUMENTED.name
    """Of Kino's files afterwards, by its name; where there is no Kino yet, the archive decides."""
    space: tuple[SpaceNeed, ...] = ()
    changes: tuple[Change, ...] = ()
    effects: tuple[tuple[str, str], ...] = ()
    """What becomes of what, as Kino's documentation tells it under "After restore"."""
    first_boot: FirstBoot | None = None
    """What Kino does when it is started on it; None where it does nothing of its own, or nobody can tell."""
    warnings: tuple[str, ...] = ()
    blockers: tuple[KinoBackupError, ...] = ()
    """Everything that forbids it, each with its way out in `hint`; the restore can start if empty."""
    archive_sha256: str = ""
    after: str = ""
    """The restore that is in effect now, as its journal names it; what is replaced is its result."""
    health_seconds: float = 180.0
    """How long Kino may take until it is healthy."""
    undoes: str = ""
    """Of a rollback: file name of the archive whose restore is undone; empty if that was a rollback."""
    undone_at: datetime | None = None
    """Of a rollback: when what is undone was done."""

    @property
    def fingerprint(self) -> str:
        """The same for two plans that do the same; figures that change while Kino runs are not in it."""
        facts = [
            self.operation,
            str(self.data_path),
            self.layout,
            self.archive_sha256 or str(self.source),
            self.after,
            sorted(name for name in self.replaced if not name.endswith(("-wal", "-shm"))),
            sorted(self.arriving),
            self.backup.schema_version,
            self.now.schema_version,
            self.supervisor,
            self.controls,
            self.safety.value,
            sorted(blocker.message for blocker in self.blockers),
        ]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """How a restore or rollback ended, as far as it was proven."""

    job: str
    operation: str
    outcome: str
    """ "ok", "rolled_back", "service" (Kino did not stop or start), "undecided", or another error's code."""
    at: datetime
    message: str
    """One sentence on what is true now."""
    source: str = ""
    """File name of the archive that was restored, or tried."""
    kino_version: str | None = None
    """As Kino itself says after the start."""
    running: bool | None = None
    """Whether Kino runs again; None where it has to be started by hand."""
    tables: Mapping[str, int] | None = None
    """Row counts of the restored database, proven before the start."""
    way_back: str = ""
    """File name of the pre-restore backup; empty if there is none."""
    can_roll_back: bool = False
    """Whether `rollback` can put the replaced files back."""
    failed_stage: str = ""
    """The stage that failed; empty if none did."""
    log: tuple[str, ...] = ()
    """The last lines of Kino's log, if it did not become healthy."""
    hint: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A restore whose process has died before it was settled."""

    operation: str
    source: str
    since: datetime
    text: str
    """What is true now, and what settling will do."""
    decided: bool = True
    """False if it needs the admin: both, or neither, of the two states are there."""
