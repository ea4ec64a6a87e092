"""The screens' door to the core: one Kino, one clock, every operation.

Each operation is loaded when it is first used. Together they cost more than drawing the page does, and most
visits use one or two. Screens call nothing else of the core, so a test can hand them a backend with prepared
answers and compare what they draw.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from kino_backup_tui.core.errors import UsageError

if TYPE_CHECKING:
    from kino_backup_tui.core.kino.settings import BackupSettings
    from kino_backup_tui.core.models import Backup
    from kino_backup_tui.core.operations.context import Context
    from kino_backup_tui.core.operations.install_service import Installed
    from kino_backup_tui.core.operations.listing import Listing
    from kino_backup_tui.core.operations.making import Created
    from kino_backup_tui.core.operations.move import Moved
    from kino_backup_tui.core.operations.schedule import SchedulePreview
    from kino_backup_tui.core.operations.service_plan import ServicePlan
    from kino_backup_tui.core.operations.status import Status
    from kino_backup_tui.core.progress import CancelToken, Control, JobEvent
    from kino_backup_tui.core.restore.plan import Interrupted, RestorePlan, RestoreResult


class Backend:
    """The operations on one Kino.

    All but `now`, `zone`, `meant` and `start_folder` may take long: call them in a thread.
    """

    def __init__(self, context: Context, *, sample: bool = False) -> None:
        self._context = context
        self._sample = sample

    def now(self) -> datetime:
        """The current instant, aware."""
        return self._context.clock.now()

    def zone(self) -> tzinfo:
        """The zone of this host."""
        return self._context.clock.zone()

    def start_folder(self) -> Path:
        """Where a path that is asked for starts."""
        return Path.cwd()

    def command(self, *words: str) -> str:
        """See `command_for`."""
        from kino_backup_tui.core.kino.command import command_for

        return command_for(self._context.kino, *words)

    def status(self) -> Status:
        """See `read_status`."""
        from kino_backup_tui.core.operations.status import read_status

        return read_status(self._context)

    def listing(self) -> Listing:
        """Every file of the known locations, see `list_backups`."""
        from kino_backup_tui.core.operations.listing import list_backups

        return list_backups(self._context, everything=True)

    def complete(self, cancel: CancelToken) -> bool:
        """See `complete_listing`."""
        from kino_backup_tui.core.operations.listing import complete_listing

        return complete_listing(self._context, cancel)

    def show(self, backup: Backup, control: Control) -> Backup:
        """See `show_backup`."""
        from kino_backup_tui.core.operations.show import show_backup

        return show_backup(self._context, backup, control)

    def create(self, control: Control, *, accept_location: bool = False) -> Created:
        """See `create_backup`."""
        from kino_backup_tui.core.operations.create import create_backup

        return create_backup(self._context, control, accept_location=accept_location)

    def verify(self, backup: Backup, control: Control) -> Backup:
        """See `verify_backup`."""
        from kino_backup_tui.core.operations.verify import verify_backup

        return verify_backup(self._context, backup, control)

    def import_file(self, source: Path, control: Control, *, accept_location: bool = False) -> Created:
        """See `import_backup`."""
        from kino_backup_tui.core.operations.import_ import import_backup

        return import_backup(self._context, source, control, accept_location=accept_location)

    def export(self, backup: Backup, destination: Path, control: Control) -> Path:
        """See `export_backup`."""
        from kino_backup_tui.core.operations.export import export_backup

        return export_backup(self._context, backup, destination, control)

    def delete(self, backup: Backup, control: Control) -> tuple[str, ...]:
        """See `delete_backup`."""
        from kino_backup_tui.core.operations.delete import delete_backup

        return delete_backup(self._context, backup, control)

    def schedule(self) -> BackupSettings:
        """See `read_schedule`."""
        from kino_backup_tui.core.operations.schedule import read_schedule

        return read_schedule(self._context)

    def meant(self, before: BackupSettings, wanted: BackupSettings) -> BackupSettings:
        """See `meant_schedule`; takes no time."""
        from kino_backup_tui.core.operations.schedule import meant_schedule

        return meant_schedule(self._context, before, wanted)

    def preview(self, settings: BackupSettings, *, move: bool = False) -> SchedulePreview:
        """See `preview_schedule`."""
        from kino_backup_tui.core.operations.schedule import preview_schedule

        return preview_schedule(self._context, settings, move=move)

    def save(
        self,
        settings: BackupSettings,
        control: Control,
        *,
        before: BackupSettings | None = None,
        accept_location: bool = False,
    ) -> SchedulePreview:
        """See `save_schedule`."""
        from kino_backup_tui.core.operations.schedule import save_schedule

        return save_schedule(self._context, settings, control, before=before, accept_location=accept_location)

    def move(self, control: Control) -> Moved:
        """See `move_backups`."""
        from kino_backup_tui.core.operations.move import move_backups

        return move_backups(self._context, control)

    def plan_service(self) -> ServicePlan:
        """See `plan_service`; raises `UsageError` for the sample, for which nothing is installed."""
        if self._sample:
            raise UsageError(
                "This is the sample Kino: nothing is installed for it.",
                hint="On a Kino of your own, this installs a timer that makes the scheduled backups.",
            )
        from kino_backup_tui.core.operations.service_plan import plan_service

        return plan_service(self._context, os.environ)

    def install_service(self, plan: ServicePlan) -> Installed:
        """See `install_service`."""
        from kino_backup_tui.core.operations.install_service import install_service

        return install_service(self._context, os.environ, user=plan.user)

    def plan_restore(
        self,
        source: Backup | Path,
        control: Control,
        *,
        safety_backup: bool = True,
        library_missing_ok: bool = False,
    ) -> RestorePlan:
        """See `plan_restore`."""
        from kino_backup_tui.core.operations.restore import RestoreOptions, plan_restore

        options = RestoreOptions(safety_backup, library_missing_ok=library_missing_ok)
        return plan_restore(self._context, source, control, options)

    def plan_rollback(
        self, control: Control, *, safety_backup: bool = True, library_missing_ok: bool = False
    ) -> RestorePlan:
        """See `plan_rollback`."""
        from kino_backup_tui.core.operations.restore import RestoreOptions, plan_rollback

        options = RestoreOptions(safety_backup, library_missing_ok=library_missing_ok)
        return plan_rollback(self._context, control, options)

    def start_restore(
        self,
        plan: RestorePlan,
        control: Control,
        *,
        safety_backup: bool = True,
        library_missing_ok: bool = False,
    ) -> str:
        """See `start_restore`; the answer is the id of the job."""
        from kino_backup_tui.core.operations.restore import RestoreOptions, start_restore

        options = RestoreOptions(safety_backup, library_missing_ok=library_missing_ok)
        job = start_restore(self._context, plan, options, control)
        self._context = self._context.laid_out(plan.layout)
        return job

    def cancel_restore(self, job: str) -> bool:
        """See `cancel_restore`."""
        from kino_backup_tui.core.operations.restore import cancel_restore

        return cancel_restore(self._context, job)

    def read_result(self, job: str) -> RestoreResult | None:
        """See `read_result`."""
        from kino_backup_tui.core.operations.restore import read_result

        return read_result(self._context, job)

    def interrupted(self) -> Interrupted | None:
        """See `interrupted`."""
        from kino_backup_tui.core.operations.last_restore import interrupted

        return interrupted(self._context)

    def settle(self, control: Control, keep: str | None = None) -> RestoreResult | None:
        """See `settle`; `keep` is "old", "new", or None to let the journal decide."""
        from kino_backup_tui.core.operations.restore import settle

        return settle(self._context, control, keep)

    def way_back(self) -> str:
        """See `way_back`."""
        from kino_backup_tui.core.operations.last_restore import way_back

        return way_back(self._context)

    def can_undo(self) -> bool:
        """See `can_undo`."""
        from kino_backup_tui.core.operations.last_restore import can_undo

        return can_undo(self._context)

    def watch(self, cancel: CancelToken, job: str | None = None) -> Iterator[JobEvent]:
        """See `watch_job`; without an id, the job that runs now."""
        from kino_backup_tui.core.operations.jobs import watch_job

        return watch_job(self._context, job, cancel)
