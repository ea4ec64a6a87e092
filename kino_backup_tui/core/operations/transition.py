"""The steps of replacing Kino's files, shared by a restore and by whoever settles an interrupted one.

Each step says in the journal what it is about to do before it does it.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

from kino_backup_tui.core.archive.apart import facts_apart
from kino_backup_tui.core.errors import (
    ArchiveDamagedError,
    KinoBackupError,
    LibraryMissingError,
    ServiceError,
    UndecidedError,
)
from kino_backup_tui.core.jobs.job import Job
from kino_backup_tui.core.kino.closed import require_closed
from kino_backup_tui.core.kino.command import command_for
from kino_backup_tui.core.kino.home import SIDE_FILES
from kino_backup_tui.core.kino.index import index_of
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.reindex import reindex_restored
from kino_backup_tui.core.progress import APPLY, CancelToken, Stage
from kino_backup_tui.core.restore.first_boot import Host, is_set_up, look_for_library, rows_at_rest
from kino_backup_tui.core.restore.folders import (
    FAILED,
    OLD,
    Sets,
    inode,
    open_sets,
    remove_transaction,
    set_folder,
)
from kino_backup_tui.core.restore.health import Health, wait_until_healthy
from kino_backup_tui.core.restore.journal import UNTOUCHED, Phase, Record, enter, write_record
from kino_backup_tui.core.restore.kept import remove_needless
from kino_backup_tui.core.restore.swap import lost_names, present_in, swap, swap_back, swap_on
from kino_backup_tui.core.supervisors.base import Supervisor, gate_command
from kino_backup_tui.core.workspace import Workspace

RESTART_SECONDS = 60.0
"""How long Kino may take on the state that it ran on before."""


class Transition:
    """One restore or rollback on its way, with its journal."""

    def __init__(
        self, context: Context, workspace: Workspace, supervisor: Supervisor, job: Job, record: Record
    ) -> None:
        self.kino = context.kino
        self._context = context
        self.workspace = workspace
        self.supervisor = supervisor
        self.job = job
        self.record = record
        self.health: Health | None = None
        self._is_set_up = False

    def enter(self, phase: Phase, **changes: Any) -> None:
        """Move the journal on."""
        self.record = enter(self.workspace, self.record, phase, **changes)

    def quiesce(self) -> None:
        """Keep Kino from starting, stop it, and prove that nobody has its database open.

        Raises `ServiceError`, `NotPermittedError`, `LocationError`.
        """
        supervisor = self.supervisor
        active = supervisor.controls and supervisor.state().active
        self.enter(Phase.QUIESCING, was_active=active)
        self.stop()

    def stop(self) -> None:
        """The same for a Kino whose journal says already that it must not start."""
        supervisor = self.supervisor
        if supervisor.controls:
            supervisor.close_gate(gate_command(self.kino))
            state = supervisor.state()
            if state.active or not state.settled:
                supervisor.stop()
            self.job.note(f"{supervisor.name}, waiting for it to let go of the database")
        require_closed(self.kino)
        if supervisor.controls:
            self.job.note(f"{supervisor.name} is stopped")

    def swap(self) -> None:
        """Replace the old set by the new one, and prove what is in place.

        Raises `OSError`, `ServiceError`, `ArchiveDamagedError`; the caller then goes back.
        """
        with self._sets() as sets:
            self.enter(Phase.SWAPPING, leaving=present_in(sets.data, self.kino.layout))
            swap(sets, self.record.leaving, self.record.arriving)
            self._prove(sets)
        require_closed(self.kino)
        self.enter(Phase.SWAPPED)

    def reindex(self) -> tuple[str, ...]:
        """Have Kino's own list of backups name those that are there; returns what to warn of.

        After the proof, which counts its rows, and before Kino is started. It can be repeated.
        """
        if self.record.reindexed or not index_of(self.kino).is_kept:
            return ()
        with self.job.as_one_stage(Stage.SWAPPING):
            warnings = reindex_restored(self._context, self.job)
        self.enter(self.record.phase, reindexed=True)
        return warnings

    def allow_start(self) -> None:
        """Say that Kino may be started by anybody from now on."""
        self.enter(self.record.phase, may_start=True)

    def library_problem(self) -> LibraryMissingError | None:
        """Why Kino must not be started now on the database in place; None if it may."""
        rows = rows_at_rest(self.kino.database, self.kino.layout, self.workspace, self.job.cancel)
        self._is_set_up = is_set_up(rows)
        if self.record.library_missing_ok:
            return None
        return look_for_library(rows, Host(self.record.mounts), self.job.cancel)

    def start(self) -> None:
        """Start Kino; raises `LibraryMissingError`, or `ServiceError` if it cannot be."""
        self._require_library()
        self.allow_start()
        self.job.stage(Stage.STARTING)
        self.supervisor.start()

    def judge(self, seconds: float, *, expect_http: bool) -> Health:
        """Wait until Kino is healthy on what is in place now, or it is plain that it will not be."""
        self.health = wait_until_healthy(
            self.kino,
            self.supervisor,
            seconds=seconds,
            expect_http=expect_http,
            cancel=CancelToken(),
            is_set_up=self._is_set_up,
            note=self.job.note,
        )
        return self.health

    def go_back(self) -> None:
        """Stop Kino if it runs on the new set, and put the old one back.

        Raises `UndecidedError` where that cannot be done now: Kino stays stopped, the journal unsettled.
        """
        self.job.cancel = CancelToken()
        self.job.stage(Stage.ROLLING_BACK)
        try:
            if self.record.phase in UNTOUCHED:
                # The swap was to begin, and its journal could not be written: what is in place is the old
                # set, and must not be taken for one that has arrived.
                with self._sets() as sets:
                    leaving = present_in(sets.data, self.kino.layout)
                self.record = replace(self.record, leaving=leaving)
            if self.record.phase in (Phase.SWAPPED, Phase.REVERTING):
                self.enter(Phase.REVERTING)
            else:
                self.enter(Phase.ROLLING_BACK)
            self.stop()
            self.enter(Phase.ROLLING_BACK)
            with self._sets() as sets:
                swap_back(sets, self.kino.layout, self.record.leaving, self.record.arriving)
            self.enter(Phase.ROLLED_BACK)
        except UndecidedError as error:
            self.enter(Phase.BLOCKED)
            raise self._undecided(error.message) from error
        except (OSError, KinoBackupError) as error:
            raise self._undecided(str(error)) from error

    def go_on(self) -> None:
        """Put the new set in place wherever the swap, or the way back, was interrupted.

        For an admin who has decided for it. Raises `UndecidedError` if it is not whole, and as `stop`.
        """
        self.job.stage(Stage.SWAPPING)
        self.stop()
        with self._sets() as sets:
            swap_on(sets, self.kino.layout, self.record.leaving, self.record.inodes)
        self.enter(Phase.SWAPPED)

    def give_up_lost(self) -> None:
        """For an admin who has decided for the old set: go back without what of it is lost.

        Raises `UndecidedError` if that is the database.
        """
        record = self.record
        with self._sets() as sets:
            lost = lost_names(sets, record.leaving, record.inodes)
        if self.kino.layout.database in lost:
            raise self._undecided("the database from before the restore is gone.")
        if lost:
            self.enter(record.phase, leaving=tuple(name for name in record.leaving if name not in lost))

    def confirm(self) -> None:
        """The new set stays; what earlier restores have kept aside goes once it is old enough."""
        self.enter(Phase.CONFIRMED)
        self.tidy()

    def abandon(self) -> None:
        """End a restore that has moved nothing: what was unpacked goes, Kino runs as it did.

        Raises `LibraryMissingError` if it must not run, and as `Supervisor.start`; all else is done then.
        """
        was_quiet = self.record.phase is Phase.QUIESCING
        # First, for on a full disk this makes the room that the journal needs.
        remove_transaction(self.workspace, self.record.transaction)
        self.enter(Phase.ABANDONED)
        self.remember_earlier()
        self.release()
        # The gate has no supervisor that could: there it is Kino's own start that waits for this.
        if was_quiet and self.record.was_active and self.supervisor.controls:
            state = self.supervisor.state()
            # What is being started now may be about to be refused by the gate of before.
            if not (state.active and state.settled):
                self._require_library()
                self.supervisor.start()

    def remember_earlier(self) -> None:
        """Of a restore of which nothing remains: leave the way back of the one before it in the journal."""
        earlier = self.record.earlier
        if earlier is None:
            return
        if earlier.transaction == self.record.previous:
            # Kino may have run on these files, and have worked their log into the database or begun one.
            with self._sets() as sets:
                earlier = replace(earlier, leaving=present_in(sets.new, self.kino.layout))
        write_record(self.workspace, earlier)

    def release(self) -> None:
        """Let Kino be started by anybody again."""
        if self.supervisor.controls:
            self.supervisor.open_gate()

    def restart(self) -> Health | None:
        """Start Kino on the old set if it ran on it; None if it did not, or nobody here can start it."""
        if not (self.supervisor.controls and self.record.was_active):
            return None
        self.job.stage(Stage.RESTARTING)
        try:
            self._require_library()
            self.supervisor.start()
            return self.judge(RESTART_SECONDS, expect_http=False)
        except KinoBackupError as error:
            return Health(False, None, error.message.rstrip("."), (), 0.0)

    def tidy(self) -> None:
        """Remove the sets of restores that are over, but for those replaced files that are kept."""
        remove_needless(self.workspace, self.record, self.job.now())

    def _require_library(self) -> None:
        if problem := self.library_problem():
            raise problem

    def _sets(self) -> contextlib.AbstractContextManager[Sets]:
        return open_sets(self.workspace, self.record.transaction, self.record.previous)

    def _prove(self, sets: Sets) -> None:
        """Read the swapped files back: these very files, nothing beside the database, the same rows."""
        layout = self.kino.layout
        for name in self.record.arriving:
            if inode(sets.data, name) != self.record.inodes.get(name):
                raise ServiceError(f"{name} was replaced by something else while it was put in place.")
        beside = [layout.database + end for end in SIDE_FILES if sets.has(sets.data, layout.database + end)]
        if set(beside) - set(self.record.arriving):
            raise ServiceError(f"{beside[0]} appeared beside the restored database.")
        expected = self.record.arrived.tables
        if expected is None or beside:
            return
        facts = facts_apart(self.kino.database, CancelToken(), check=False)
        if dict(facts.tables) != dict(expected):
            raise ArchiveDamagedError("The database in place has other rows than the one that was checked.")

    def _undecided(self, reason: str) -> UndecidedError:
        old = set_folder(self.workspace, self.record.transaction, OLD)
        return UndecidedError(
            f"The files could not be put back: {reason} Kino stays stopped. What was replaced is in {old}, "
            f"what was put in its place in {self.kino.data_path} or {old.with_name(FAILED)}.",
            hint=f"`{command_for(self.kino, APPLY)}` tries again; "
            "with --keep old or --keep new it does as you decide.",
        )
