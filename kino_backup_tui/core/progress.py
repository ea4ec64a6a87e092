"""How a long operation tells of itself and is asked to stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from kino_backup_tui.core.errors import OperationCancelledError

RESTORE, ROLLBACK, APPLY = "restore", "rollback", "apply"
RESTORING = frozenset({RESTORE, ROLLBACK, APPLY})
"""The operations that replace Kino's files, start it again, and end with a `RestoreResult`."""


class Stage(StrEnum):
    """A step of an operation."""

    WAITING = "waiting"
    DATABASE_SNAPSHOT = "database_snapshot"
    HASHING = "hashing"
    PACKING = "packing"
    READING_BACK = "reading_back"
    CHECKING_DATABASE = "checking_database"
    COPYING = "copying"
    READING = "reading"
    DELETING = "deleting"
    MOVING = "moving"
    CHECKING_ARCHIVE = "checking_archive"
    STAGING = "staging"
    SAFETY_BACKUP = "safety_backup"
    WAITING_FOR_KINO = "waiting_for_kino"
    STOPPING = "stopping"
    SWAPPING = "swapping"
    STARTING = "starting"
    CHECKING_HEALTH = "checking_health"
    ROLLING_BACK = "rolling_back"
    RESTARTING = "restarting"


_REPLACING = (
    Stage.SAFETY_BACKUP,
    Stage.STOPPING,
    Stage.SWAPPING,
    Stage.STARTING,
    Stage.CHECKING_HEALTH,
)

_MAKING = (
    Stage.DATABASE_SNAPSHOT,
    Stage.HASHING,
    Stage.PACKING,
    Stage.READING_BACK,
    Stage.CHECKING_DATABASE,
)

OPERATION_STAGES: dict[str, tuple[Stage, ...]] = {
    "create": _MAKING,
    "run-due": (*_MAKING, Stage.DELETING),
    "verify": (Stage.READING, Stage.CHECKING_DATABASE),
    "import": (Stage.COPYING, Stage.READING, Stage.CHECKING_DATABASE),
    "export": (Stage.COPYING, Stage.READING_BACK),
    "delete": (Stage.DELETING,),
    "move": (Stage.MOVING,),
    "prune": (Stage.READING_BACK, Stage.DELETING),
    RESTORE: (Stage.CHECKING_ARCHIVE, Stage.STAGING, *_REPLACING),
    ROLLBACK: _REPLACING,
}
"""The stages of each operation in their order, so that a view can show those still to come."""


class JobEvent(NamedTuple):
    """One line of a job's story; a later "progress" replaces an earlier one."""

    event: str
    """"start", "stage", "progress", "note" or "end"."""
    job: str
    """The job's id."""
    operation: str
    """Name of the verb, as in `OPERATION_STAGES`."""
    at: datetime
    stage: Stage | None = None
    done_bytes: int = 0
    total_bytes: int | None = None
    outcome: str | None = None
    """With "end": "ok", or the code of the error that ended it ("cancelled" is one)."""
    message: str = ""
    """With "end": what to tell the user about the outcome."""
    note: str = ""
    """With "note": what the current stage has found, or is waiting for; a later one replaces it."""

    result: Mapping[str, Any] | None = None
    """With "end": what the operation found or did, where a sentence does not hold it."""


ProgressSink = Callable[[JobEvent], None]


class CancelToken:
    """A request to stop, set by a front end and looked at by the work, at least every 4 MiB."""

    def __init__(self) -> None:
        # A plain flag: an Event's lock would hang a signal handler that interrupts the setting of it.
        self._cancelled = False

    def cancel(self) -> None:
        """Ask the operation to stop; safe from any thread and from a signal handler."""
        self._cancelled = True

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked."""
        return self._cancelled

    def raise_if_cancelled(self) -> None:
        """Raise `OperationCancelledError` if somebody asked to stop."""
        if self._cancelled:
            raise OperationCancelledError("Cancelled.")


def ignore(_event: JobEvent) -> None:
    """A sink for those who do not want to know."""


@dataclass(frozen=True, slots=True)
class Control:
    """What a front end holds of an operation: a way to stop it, news of it, patience for the lock."""

    cancel: CancelToken = field(default_factory=CancelToken)
    report: ProgressSink = ignore
    wait_seconds: float = 600.0
    """How long to wait for another operation; 0 raises `BusyError` at once."""
