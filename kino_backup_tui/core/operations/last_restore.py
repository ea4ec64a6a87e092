"""What the last restore has left: a way back, or work for `apply`. A listing asks, so this loads little."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kino_backup_tui.core.errors import BusyError, KinoBackupError, UndecidedError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.progress import APPLY, RESTORE
from kino_backup_tui.core.restore.folders import OLD, restore_folder, set_folder
from kino_backup_tui.core.workspace import Workspace, workspace_of

if TYPE_CHECKING:
    from kino_backup_tui.core.restore.journal import Record
    from kino_backup_tui.core.restore.plan import Interrupted


def way_back(context: Context) -> str:
    """File name of the pre-restore backup of the newest restore; empty if there is none."""
    workspace = workspace_of(context.kino)
    if not os.path.exists(restore_folder(workspace)):  # noqa: PTH110 - a Path may raise
        return ""
    # A tenth of a listing's time, and most have never seen a restore.
    from kino_backup_tui.core.restore.journal import Phase, read_record

    try:
        record = read_record(workspace)
    except KinoBackupError:
        return ""
    return record.way_back if record is not None and record.phase is Phase.CONFIRMED else ""


def can_undo(context: Context) -> bool:
    """Whether there is a restore in effect whose undoing can be planned."""
    from kino_backup_tui.core.restore.journal import Phase, read_record

    try:
        record = read_record(workspace_of(context.kino))
    except KinoBackupError:
        return False
    return record is not None and record.phase is Phase.CONFIRMED and bool(record.way_back or record.leaving)


def interrupted(context: Context) -> Interrupted | None:
    """The restore whose worker is gone before its end; None if there is none. Changes nothing."""
    from kino_backup_tui.core.jobs.lock import current_holder
    from kino_backup_tui.core.restore.journal import Phase, is_unsettled, read_record
    from kino_backup_tui.core.restore.plan import Interrupted

    workspace = workspace_of(context.kino)
    if current_holder(workspace) is not None:
        return None
    try:
        record = read_record(workspace)
    except UndecidedError as error:
        return Interrupted(RESTORE, "", context.clock.now(), error.full_text, decided=False)
    if record is None or not is_unsettled(record):
        return None
    decided = record.phase is not Phase.BLOCKED
    return Interrupted(record.operation, record.source, record.since, _outlook(workspace, record), decided)


def unsettled_problem(workspace: Workspace, job: str = "") -> KinoBackupError | None:
    """The restore that has to end before anything else can be restored; None if there is none but `job`."""
    from kino_backup_tui.core.jobs.lock import current_holder
    from kino_backup_tui.core.kino.command import command_for
    from kino_backup_tui.core.restore.journal import is_unsettled, read_record

    try:
        record = read_record(workspace)
    except KinoBackupError as error:
        return error
    if record is None or not is_unsettled(record) or record.job == job:
        return None
    what = f"A {record.operation} of {record.source}"
    holder = current_holder(workspace)
    if holder is not None and holder.job == record.job:
        return BusyError(
            f"{what} is running, process {holder.pid}.",
            hint=f"`{command_for(workspace.kino, 'watch')}` shows it.",
        )
    return UndecidedError(
        f"{what} was interrupted and is not settled.",
        hint=f"`{command_for(workspace.kino, APPLY)}` finishes or undoes it; then retry.",
    )


def is_being_replaced(kino: Kino) -> bool:
    """Whether a restore is replacing the database, or was interrupted in that: nobody may open it then.

    SQLite would put a log and an index beside it, and beside whatever takes its place in that instant.
    """
    from kino_backup_tui.core.restore.journal import KINO_MUST_NOT_START, read_record

    try:
        record = read_record(workspace_of(kino))
    except KinoBackupError:
        return True
    return record is not None and record.phase in KINO_MUST_NOT_START


def replacing_problem(workspace: Workspace) -> KinoBackupError | None:
    """Why no backup can be made of what is in the data path: a restore is in the middle of replacing it."""
    return unsettled_problem(workspace) if is_being_replaced(workspace.kino) else None


def _outlook(workspace: Workspace, record: Record) -> str:
    from kino_backup_tui.core.restore.journal import UNTOUCHED, Phase

    what = f"A {record.operation} of {record.source} was interrupted"
    if record.phase in UNTOUCHED:
        return f"{what} before anything was replaced. Settling it removes what was unpacked."
    if record.phase is Phase.SWAPPED:
        return f"{what} after the files were replaced. Settling it starts Kino and judges it."
    if record.phase is Phase.BLOCKED:
        old = set_folder(workspace, record.transaction, OLD)
        return (
            f"{what}, and it cannot be told which files are whole. What was replaced is in {old}, "
            f"what took its place in {workspace.data_path}. Kino stays stopped until you decide."
        )
    return f"{what} while files were replaced. Settling it puts the old ones back."
