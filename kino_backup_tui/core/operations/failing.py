"""The memory of scheduled runs: which slot was the last one dealt with, and since when they fail.

All of it is best effort. What is forgotten is found out again from the backups themselves; only a slot that
was given up, because there was no room for it, would be tried again. That happens on full disks, so the
file that says so keeps its size, and is written over in place where nothing new can be written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kino_backup_tui.core.catalog.dates import DISBELIEVED
from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.files import open_regular, replace_file
from kino_backup_tui.core.workspace import Workspace, best_effort

_FILE = "failing.json"
_BYTES = 4096
_LONGEST_TEXT = 800
_LAST_SLOT = "last_slot"


@dataclass(frozen=True, slots=True)
class Failing:
    """Scheduled runs fail; this is there until one is good again. Instants are aware, in UTC."""

    since: datetime
    """When the first of them failed."""
    last: datetime
    """When the last one failed, as far as that is known."""
    nights: int
    """How many slots have failed; trying again for the same slot does not count."""
    code: str
    """Of the last error."""
    message: str
    hint: str
    notified: datetime | None = None
    """When somebody was last told, if anybody was."""
    night: str = ""
    """What the last failure was counted under: its slot, or the date where no slot could be known."""
    given_up: datetime | None = None
    """The slot that is not tried again, if it is not."""


def read_failing(workspace: Workspace) -> Failing | None:
    """Since when and how scheduled runs fail; None if they do not, as far as anybody remembers."""
    fields = workspace.read(_FILE)
    try:
        return Failing(
            since=_required(fields["since"]),
            last=_required(fields["last"]),
            nights=int(fields["nights"]),
            code=str(fields["code"]),
            message=str(fields["message"]),
            hint=str(fields["hint"]),
            notified=_instant(fields["notified"]),
            night=str(fields["night"]),
            given_up=_instant(fields["given_up"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def note_failure(
    workspace: Workspace, error: KinoBackupError, *, now: datetime, night: str, given_up: datetime | None
) -> Failing:
    """Remember that a scheduled run has failed; returns the series as it is now.

    `night` is what it counts under, `given_up` the slot if it is not to be tried again.
    """
    before = read_failing(workspace)
    failing = Failing(
        since=before.since if before else now,
        last=now,
        nights=(before.nights if before else 0) + (before is None or before.night != night),
        code=error.code,
        message=error.message[:_LONGEST_TEXT],
        hint=error.hint[:_LONGEST_TEXT],
        notified=before.notified if before else None,
        night=night,
        given_up=given_up or (before.given_up if before else None),
    )
    _write(workspace, failing)
    return failing


def note_told(workspace: Workspace, failing: Failing, now: datetime) -> None:
    """Remember that somebody was told of it."""
    _write(workspace, replace(failing, notified=now))


def forget_failing(workspace: Workspace) -> None:
    """Scheduled runs are good again. The file stays, so that there is one to write over on a full disk."""
    if read_failing(workspace) is not None or not os.path.lexists(workspace.folder / _FILE):
        _write(workspace, None)


def last_slot(workspace: Workspace) -> datetime | None:
    """The slot that was served or given up last; None if nobody remembers."""
    failing = read_failing(workspace)
    known = (_instant(workspace.read_state().get(_LAST_SLOT)), failing.given_up if failing else None)
    return max((slot for slot in known if slot is not None), default=None)


def note_slot(workspace: Workspace, slot: datetime) -> None:
    """Remember that a slot needs no further run. The caller holds the lock."""
    with best_effort():
        workspace.update_state(**{_LAST_SLOT: slot.isoformat()})


def correct_last_slot(workspace: Workspace, slot: datetime | None, disbelieved: Sequence[str]) -> None:
    """Replace what was remembered while the clock was wrong. The caller holds the lock.

    `disbelieved` are the archives dated after now: when the clock gets there, they will not say that somebody
    has made a backup then.
    """
    with best_effort():
        last = slot.isoformat() if slot else None
        workspace.update_state(**{_LAST_SLOT: last, DISBELIEVED: list(disbelieved)})
    failing = read_failing(workspace)
    if failing is not None:
        _write(workspace, replace(failing, given_up=None))


def _write(workspace: Workspace, failing: Failing | None) -> None:
    fields: dict[str, Any] = asdict(failing) if failing else {}
    data = json.dumps(fields, default=datetime.isoformat, separators=(",", ":")).encode().ljust(_BYTES)
    path = workspace.folder / _FILE
    try:
        workspace.ensure()
        # Durable, though without it nothing is lost but the count: a night would be told of once more.
        replace_file(path, data, workspace.owner)
    except (OSError, KinoBackupError):
        _overwrite(path, data)


def _overwrite(path: Path, data: bytes) -> None:
    """Write into the blocks that a file has already; nothing of it needs room on the disk."""
    with best_effort():
        with open_regular(path) as stream:
            if os.fstat(stream.fileno()).st_size < len(data):
                return
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.write(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _required(value: object) -> datetime:
    instant = _instant(value)
    if instant is None:
        raise ValueError("no instant")
    return instant


def _instant(value: object) -> datetime | None:
    """An aware instant in UTC; None for anything else, which somebody has written by hand."""
    if not isinstance(value, str):
        return None
    try:
        instant = datetime.fromisoformat(value)
        return instant.astimezone(UTC) if instant.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
