"""Restoring from a screen: plan, ask, follow the worker, show the end, and settle what was interrupted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kino_backup_tui.core.errors import OperationCancelledError
from kino_backup_tui.core.models import Backup
from kino_backup_tui.core.progress import APPLY, RESTORE, ROLLBACK, Control
from kino_backup_tui.presentation import text
from kino_backup_tui.tui.jobs import Job
from kino_backup_tui.tui.messages import JobFailed
from kino_backup_tui.tui.screens.operating import OperatingScreen

if TYPE_CHECKING:
    from kino_backup_tui.core.jobs.journal import JobRecord
    from kino_backup_tui.core.progress import JobEvent
    from kino_backup_tui.core.restore.plan import Interrupted, RestorePlan, RestoreResult

RESTORES = frozenset({RESTORE, ROLLBACK})
"""Operations that have a worker of their own."""

_CANCELLED = "Cancelled. Nothing was changed."
_LEFT = "The restore goes on. Press w to watch it."


class Waived(NamedTuple):
    """What the admin does without, see `RestoreOptions`."""

    safety_backup: bool = True
    library_missing_ok: bool = False


NOTHING_WAIVED = Waived()


class RestoringScreen(OperatingScreen):
    """A screen whose keys restore. Each method returns once the admin has seen the end, or left it."""

    async def restore(self, source: Backup | Path, waived: Waived = NOTHING_WAIVED) -> None:
        """Restore a backup of the list, or a file."""
        path = source if isinstance(source, Path) else source.path
        title = f"Checking {text.printable(path.name)}"

        def plan(control: Control) -> RestorePlan:
            return self.backend.plan_restore(source, control, **waived._asdict())

        if further := await self._plan_and_start(title, plan, waived):
            await self.restore(source, further)

    async def undo(self, waived: Waived = NOTHING_WAIVED) -> None:
        """Undo the last restore."""

        def plan(control: Control) -> RestorePlan:
            return self.backend.plan_rollback(control, **waived._asdict())

        title = "Looking at the state from before the last restore"
        if further := await self._plan_and_start(title, plan, waived):
            await self.undo(further)

    async def _plan_and_start(
        self, title: str, plan: Callable[[Control], RestorePlan], waived: Waived
    ) -> Waived | None:
        """Plan, ask, start and follow; what is waived if the admin wants it planned again like that."""
        from kino_backup_tui.tui.screens.plan import PlanAnswer, PlanScreen

        plans: list[RestorePlan] = []

        def run(control: Control) -> str:
            plans.append(plan(control))
            return ""

        job = Job("plan", title, run, note="Nothing is changed yet.", cancelled=_CANCELLED)
        error = await self.perform(job)
        if error is not None:
            await self.show_error(error, "Nothing was restored")
        if not plans:
            return None
        answer = await self.app.push_screen_wait(
            PlanScreen(plans[0], self.backend.now(), self.backend.zone())
        )
        if answer is PlanAnswer.GO:
            await self._follow(
                plans[0].operation,
                plans[0].source.name,
                lambda control: self.backend.start_restore(plans[0], control, **waived._asdict()),
            )
        return {
            PlanAnswer.WITHOUT_SAFETY: waived._replace(safety_backup=False),
            PlanAnswer.WITHOUT_LIBRARY: waived._replace(library_missing_ok=True),
        }.get(answer)

    async def watch_restore(self, job: JobRecord) -> None:
        """Follow a restore that runs already."""
        await self._follow(job.operation, "", lambda _control: job.id)

    async def _follow(self, operation: str, source: str, start: Callable[[Control], str]) -> None:
        from kino_backup_tui.tui.following import Follower
        from kino_backup_tui.tui.screens.restore_progress import RestoreProgressScreen

        follower = Follower(self.backend, start)
        title = _title(operation, source)
        watch = await asyncio.to_thread(self.backend.command, "watch")
        end = await self.app.push_screen_wait(
            RestoreProgressScreen(operation, title, follower, self.backend.now, watch)
        )
        if isinstance(end, JobFailed):
            if not isinstance(end.error, OperationCancelledError):
                await self.show_error(end.error, "Nothing was restored")
            else:
                self.notify(_LEFT if follower.job else _CANCELLED, markup=False)
        elif follower.end is not None:
            await self._show_end(follower.end, follower.result)

    async def _show_end(self, end: JobEvent, result: RestoreResult | None) -> None:
        if end.outcome == OperationCancelledError.code:
            self.notify(_CANCELLED, markup=False)
            return
        stage = end.stage.value if end.stage and end.outcome != "ok" else ""
        if result is None:
            from kino_backup_tui.core.restore.plan import RestoreResult

            # All that is known of a worker that left no result of its own.
            result = RestoreResult(end.job, end.operation, end.outcome or "", end.at, end.message)
        await self.show_result(result if result.failed_stage else replace(result, failed_stage=stage))

    async def show_result(self, result: RestoreResult) -> None:
        """Show how it ended; undo it if that is wanted."""
        from kino_backup_tui.tui.screens.result import ResultAnswer, ResultScreen

        if await self.app.push_screen_wait(ResultScreen(result)) is ResultAnswer.UNDO:
            await self.undo()

    async def settle(self, interrupted: Interrupted) -> None:
        """Say what settling an interrupted restore will do, then do it."""
        from kino_backup_tui.tui.screens.settle import SettleAnswer, SettleScreen

        answer = await self.app.push_screen_wait(
            SettleScreen(interrupted, self.backend.now(), self.backend.zone())
        )
        if answer is SettleAnswer.NOTHING:
            return
        results: list[RestoreResult | None] = []

        def run(control: Control) -> str:
            results.append(self.backend.settle(control, answer.value or None))
            return ""

        title = "Settling the interrupted restore"
        job = Job(APPLY, title, run, stoppable=False, note="This goes on to its end; it cannot be cancelled.")
        error = await self.perform(job)
        if error is not None:
            await self.show_error(error, "The restore is not settled", "Kino stays as it is.")
        elif results and (result := results[0]) is not None:
            if result.outcome == OperationCancelledError.code:
                self.notify(text.printable(result.message), markup=False)
            else:
                await self.show_result(result)
        elif results:
            self.notify("There was nothing left to settle.", markup=False)


def _title(operation: str, source: str) -> str:
    if operation == ROLLBACK:
        return "Undoing the last restore"
    return f"Restoring {text.printable(source) or 'a backup'}"
