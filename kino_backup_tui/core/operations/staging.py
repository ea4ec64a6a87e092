"""The first half of a restore: a whole new set beside Kino's files, and the plan as it is true now."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

from kino_backup_tui.core.archive.apart import facts_apart
from kino_backup_tui.core.archive.verify import ReadArchive
from kino_backup_tui.core.errors import KinoBackupError, OperationCancelledError
from kino_backup_tui.core.jobs.job import Job
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.examine import examine, expected_bytes, peek
from kino_backup_tui.core.operations.obstacles import require_room
from kino_backup_tui.core.operations.open_archive import open_source
from kino_backup_tui.core.operations.plan import build_plan, plan_rollback
from kino_backup_tui.core.operations.present import Present
from kino_backup_tui.core.operations.session import Session
from kino_backup_tui.core.operations.task import Task
from kino_backup_tui.core.operations.transition import Transition
from kino_backup_tui.core.progress import Control, Stage
from kino_backup_tui.core.restore.folders import NEW, OLD, open_sets, set_folder
from kino_backup_tui.core.restore.journal import Phase, Record, kept_names
from kino_backup_tui.core.restore.plan import RestorePlan
from kino_backup_tui.core.restore.swap import staged_inodes


class Staging:
    """Makes the new set of one restore, and says in its journal when it is whole.

    Raises what reading the archive raises, `NoSpaceError`, `OperationCancelledError`; nothing of Kino's has
    been touched then.
    """

    def __init__(
        self,
        context: Context,
        session: Session,
        present: Present,
        task: Task,
        job: Job,
        control: Control,
        step: Transition,
    ) -> None:
        self._context = context
        self._session = session
        self._present = present
        self._task = task
        self._job = job
        self._control = control
        self._step = step

    def from_archive(self) -> RestorePlan:
        """Unpack the archive, prove it, and plan with what it really holds."""
        workspace, record = self._session.workspace, self._step.record
        with (
            open_source(self._task.source) as archive,
            open_sets(workspace, record.transaction) as sets,
        ):
            size = os.fstat(archive.fileno()).st_size
            require_room(self._context.kino.data_path, expected_bytes(peek(archive), size))
            self._job.stage(Stage.CHECKING_ARCHIVE, size)
            target = set_folder(workspace, record.transaction, NEW)
            examined = examine(archive, self._context.kino, target, sets.new, self._job, durable=True)
            self._job.note(_read_text(examined.read))
            self._job.stage(Stage.STAGING)
            inodes = staged_inodes(sets, self._context.kino.layout)
        self._step.enter(Phase.STAGED, arriving=tuple(inodes), inodes=inodes, arrived=examined.state)
        return build_plan(
            self._context,
            self._session,
            self._present,
            self._task.source,
            examined,
            self._task.options,
            self._control,
            operation=self._task.operation,
            job=self._task.job,
        )

    def from_kept_files(self, earlier: Record) -> RestorePlan:
        """Take what an earlier restore has put aside for the new set, where it is."""
        plan = plan_rollback(
            self._context, self._control, self._task.options, earlier=earlier, job=self._task.job
        )
        names = kept_names(self._session.workspace, earlier)
        record = self._step.record
        with open_sets(self._session.workspace, record.transaction, record.previous) as sets:
            inodes = {
                name: inode
                for name, inode in staged_inodes(sets, self._context.kino.layout).items()
                if name in names
            }
        # Kino may have written between the plan of that restore and its stop: what counts is counted now.
        tables = self._kept_tables(names)
        arrived = replace(earlier.replaced, tables=tables)
        self._step.enter(Phase.STAGED, arriving=tuple(inodes), inodes=inodes, arrived=arrived)
        return plan

    def _kept_tables(self, names: tuple[str, ...]) -> Mapping[str, int] | None:
        """Row counts of the files a rollback goes back to; None if Kino has to work a log into them first."""
        database = self._context.kino.layout.database
        folder = set_folder(self._session.workspace, self._step.record.previous, OLD)
        logs = [folder / f"{database}{end}" for end in ("-wal", "-journal")]
        if database not in names or any(log.exists() and log.stat().st_size for log in logs):
            return None
        try:
            return facts_apart(folder / database, self._job.cancel, check=False).tables
        except OperationCancelledError:
            raise
        except KinoBackupError:
            return None  # it was damaged before, too


def _read_text(read: ReadArchive) -> str:
    count = len(read.contents)
    files = f"{count} file{'s' if count > 1 else ''}"
    return f"{files}, {'every digest matches' if read.manifest.contents else 'no digests recorded'}"
