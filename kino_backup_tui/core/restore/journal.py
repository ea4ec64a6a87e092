"""The journal of a restore: one small file, replaced as a whole, that says how far it is.

Whatever dies in the middle, the next to look at it knows what to do: `kino_backup_tui.core.restore.swap`
moves files, and this file decides which way.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from kino_backup_tui.core.errors import NoSpaceError, UndecidedError
from kino_backup_tui.core.files import create_private, replace_file, storage_errors, sweep_partials_of
from kino_backup_tui.core.kino.home import LAYOUTS, SIDE_FILES, Layout
from kino_backup_tui.core.kino.path_map import Mounted
from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.core.restore.folders import (
    OLD,
    ensure_restore_folder,
    is_transaction,
    moved_names,
    restore_folder,
    set_folder,
    transactions,
)
from kino_backup_tui.core.restore.plan import State
from kino_backup_tui.core.workspace import Workspace

_VERSION = 1
_NAME = "journal.json"
_RESERVE = "reserve"
_RESERVE_BYTES = 64 * 1024


class Phase(StrEnum):
    """How far a restore is; each is on disk before what follows it begins."""

    STAGING = "staging"
    """The new set is being unpacked, beside a Kino that may be running."""
    STAGED = "staged"
    """The new set is whole."""
    QUIESCING = "quiescing"
    """Kino is being stopped, and must not start."""
    SWAPPING = "swapping"
    """Files are being renamed: the old set out, the new one in."""
    SWAPPED = "swapped"
    """The new set is in place and proven; whether Kino lives on it is not known yet."""
    REVERTING = "reverting"
    """Kino did not live on it, and is being stopped to undo the swap."""
    ROLLING_BACK = "rolling_back"
    """Files are being renamed back."""
    CONFIRMED = "confirmed"
    """Done: the new set stays, the old one is kept aside."""
    ROLLED_BACK = "rolled_back"
    """Done: the old set is back."""
    ABANDONED = "abandoned"
    """Done: it ended before any file was moved."""
    BLOCKED = "blocked"
    """It cannot be told which set is whole: the admin decides."""


FINAL = {Phase.CONFIRMED, Phase.ROLLED_BACK, Phase.ABANDONED}
"""Nothing is left to do."""
KINO_MUST_NOT_START = {
    Phase.QUIESCING,
    Phase.SWAPPING,
    Phase.REVERTING,
    Phase.ROLLING_BACK,
    Phase.BLOCKED,
}
UNTOUCHED = {Phase.STAGING, Phase.STAGED, Phase.QUIESCING}
"""No file of Kino has been moved."""


@dataclass(frozen=True, slots=True)
class Record:
    """The journal's contents."""

    transaction: str
    job: str
    operation: str
    source: str
    """File name of the archive, or what a rollback goes back to; for people."""
    since: datetime
    phase: Phase
    layout: str
    was_active: bool = False
    """Whether Kino ran when it was stopped."""
    leaving: tuple[str, ...] = ()
    """Names in the data path when the swap began."""
    arriving: tuple[str, ...] = ()
    """Names of the new set."""
    inodes: Mapping[str, int] = field(default_factory=dict)
    """Of the new set, to prove that these very files are in place."""
    arrived: State = field(default_factory=State)
    """What the new set is; its row counts are those of the database that was proven."""
    replaced: State = field(default_factory=State)
    """What the old set was."""
    previous: str = ""
    """Of a rollback: the earlier restore whose replaced files are the new set."""
    way_back: str = ""
    """File name of the pre-restore backup."""
    library_missing_ok: bool = False
    """The admin wants Kino started, whether its library is there or not."""
    mounts: tuple[Mounted, ...] = ()
    """Folders of Kino's container, to find its library without asking the engine again."""
    reindexed: bool = False
    """Kino's own list of backups, where it has one, names those that are there."""
    may_start: bool = False
    """Kino may be started on the new set by anybody: all that has to be done before that is done."""
    attempts: int = 0
    """How often Kino was let start on the new set with nobody there to judge it."""
    attempted_at: datetime | None = None
    earlier: Record | None = None
    """The restore in effect when this one began: if nothing remains of this one, that can be undone again."""

    def known_layout(self) -> Layout:
        """The layout by its name."""
        return LAYOUTS[self.layout]


def lets_start(record: Record) -> bool:
    """Whether Kino may start now, while whoever does the restore is at work."""
    return record.may_start if record.phase is Phase.SWAPPED else record.phase not in KINO_MUST_NOT_START


def write_record(workspace: Workspace, record: Record) -> Record:
    """Put the record on disk, durably; raises `LocationError`, `NotPermittedError`, `NoSpaceError`.

    From `Phase.STAGED` on there is room for it even where the disk has become full since: a Kino that filled
    it is a reason to go back.
    """
    ensure_restore_folder(workspace)
    reserve = restore_folder(workspace) / _RESERVE
    if record.phase is Phase.STAGED and not reserve.exists():
        with storage_errors(reserve, "set room aside in"), create_private(reserve, workspace.owner) as stream:
            stream.write(bytes(_RESERVE_BYTES))
    try:
        _replace_journal(workspace, record)
    except NoSpaceError:
        if not reserve.exists():
            raise
        with storage_errors(reserve, "remove"):
            reserve.unlink()
        _replace_journal(workspace, record)
    if record.phase in FINAL:
        with contextlib.suppress(OSError):  # what stays is used by the next restore
            reserve.unlink()
    return record


def _replace_journal(workspace: Workspace, record: Record) -> None:
    path = restore_folder(workspace) / _NAME
    body = _encode(record)
    document = {"version": _VERSION, "sha256": _digest(body), "record": body}
    with storage_errors(path, "write the journal"):
        replace_file(path, json.dumps(document, indent=1).encode(), workspace.owner)


def sweep_journal(workspace: Workspace) -> None:
    """Remove what a power cut has left of a journal that was being written. Best effort."""
    sweep_partials_of(restore_folder(workspace) / _NAME)


def enter(workspace: Workspace, record: Record, phase: Phase, **changes: Any) -> Record:
    """Move on to the next phase, on disk before anything of it happens; raises as `write_record`."""
    return write_record(workspace, replace(record, phase=phase, **changes))


def read_record(workspace: Workspace) -> Record | None:
    """What the journal says; None if there has been no restore.

    Raises `UndecidedError` if it cannot be read although files of a restore are there.
    """
    path = restore_folder(workspace) / _NAME
    try:
        document = json.loads(path.read_bytes())
        body = document["record"]
        if document["version"] != _VERSION or document["sha256"] != _digest(body):
            raise ValueError("the checksum differs")
        return _decode(body)
    except FileNotFoundError:
        what = "is missing"
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        what = f"cannot be read ({error})"
    left = transactions(workspace)
    if not left:
        return None
    from kino_backup_tui.core.kino.command import command_for

    keep_old = command_for(workspace.kino, "apply", "--keep", "old")
    raise UndecidedError(
        f"The journal of a restore, {path}, {what}, and it cannot be told which files belong to Kino: "
        f"those in {workspace.data_path}, or what was replaced, in {set_folder(workspace, left[-1], OLD)}.",
        hint=f"`{keep_old}` puts the old files back, --keep new leaves what is there.",
    )


def kept_names(workspace: Workspace, record: Record) -> tuple[str, ...]:
    """The files that a restore has replaced; none if not all of them are still kept."""
    folder = set_folder(workspace, record.transaction, OLD)
    layout = record.known_layout()
    beside = {f"{layout.database}{end}" for end in SIDE_FILES}
    if not all(os.path.lexists(folder / name) for name in record.leaving if name not in beside):
        return ()
    # Whoever has opened the database there since may have worked its log into it, or begun another.
    return tuple(
        name
        for name in moved_names(layout)
        if name in {*record.leaving, *beside} and os.path.lexists(folder / name)
    )


def is_unsettled(record: Record | None) -> bool:
    """Whether a restore has begun and not come to its end."""
    return record is not None and record.phase not in FINAL


def _encode(record: Record) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(json.dumps(asdict(record), default=_plain))
    return body


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"a {type(value).__name__} has no place in the journal")


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _state(body: dict[str, Any]) -> State:
    kind = BackupKind(body["kind"]) if body["kind"] else None
    return State(**{**body, "created_at": _instant(body["created_at"]), "kind": kind})


def _decode(body: dict[str, Any]) -> Record:
    names = set(moved_names(LAYOUTS[body["layout"]]))
    leaving, arriving = tuple(body["leaving"]), tuple(body["arriving"])
    ids = [body["transaction"], *([body["previous"]] if body["previous"] else [])]
    if not all(map(is_transaction, ids)) or not names.issuperset(leaving + arriving):
        raise ValueError("it names what is none of Kino's files")
    return Record(
        **{
            **body,
            "since": datetime.fromisoformat(body["since"]),
            "phase": Phase(body["phase"]),
            "leaving": leaving,
            "arriving": arriving,
            "arrived": _state(body["arrived"]),
            "replaced": _state(body["replaced"]),
            "mounts": tuple(Mounted(kino, Path(host)) for kino, host in body.get("mounts", ())),
            "attempted_at": _instant(body["attempted_at"]),
            "earlier": _decode(body["earlier"]) if body["earlier"] else None,
        }
    )


def _digest(body: Any) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
