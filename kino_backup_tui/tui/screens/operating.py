"""Running operations from a screen: ask, show the progress, say how it ended."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from kino_backup_tui.core.errors import (
    ArchiveError,
    KinoBackupError,
    OperationCancelledError,
    UnknownLocationError,
)
from kino_backup_tui.core.models import Backup, BackupStatus, EntryRole
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.sizes import size_text
from kino_backup_tui.presentation import text
from kino_backup_tui.tui.backend import Backend
from kino_backup_tui.tui.jobs import Job
from kino_backup_tui.tui.messages import JobFailed, JobFinished
from kino_backup_tui.tui.screens.base import KinoScreen

if TYPE_CHECKING:
    from kino_backup_tui.core.operations.status import Status

NOTHING_CHANGED = "Nothing was changed."
_INSTEAD = "Choose another backup; b on the list makes a fresh one."
_MOVED_SO_FAR = "What was moved is in the new location, the others are where they were: none is lost."
_COPY_AGAIN = "Copy it again from where it came, or choose another."


class OperatingScreen(KinoScreen[None]):
    """A screen whose keys start operations. Each method returns once the admin has seen the end of it."""

    def __init__(self, backend: Backend) -> None:
        super().__init__()
        self.backend = backend
        self.status: Status | None = None
        """The last look at Kino."""

    async def create(self, *, accept_location: bool = False) -> None:
        """Back up now; the toast has the size."""

        def run(control: Control) -> str:
            created = self.backend.create(control, accept_location=accept_location)
            return _lines(f"Backup created: {size_text(created.backup.size_bytes)}", *created.warnings)

        error = await self.perform(Job("create", "Backing up Kino", run))
        if error is not None and await self.show_error(error, "No backup was made"):
            await self.create(accept_location=True)

    async def import_file(self, source: Path, *, accept_location: bool = False) -> None:
        """Take an archive in."""

        def run(control: Control) -> str:
            created = self.backend.import_file(source, control, accept_location=accept_location)
            size = size_text(created.backup.size_bytes)
            return _lines(f"Imported and verified: {size}, {created.backup.filename}", *created.warnings)

        error = await self.perform(Job("import", f"Importing {text.printable(source.name)}", run))
        if error is not None and await self.show_error(
            error, "Nothing was imported", hint_for_archive=_COPY_AGAIN
        ):
            await self.import_file(source, accept_location=True)

    async def verify(self, backup: Backup) -> None:
        """Read a backup to its end."""

        def run(control: Control) -> str:
            proven = self.backend.verify(backup, control)
            recorded = proven.manifest is not None and proven.manifest.contents
            found = f"{proven.filename} is {'what was written' if recorded else 'whole'}."
            # A raw one passes with a reservation.
            return _lines(found, proven.problem) if proven.problem else _lines(f"Verified: {found}")

        error = await self.perform(Job("verify", f"Verifying {_name(backup)}", run))
        if error is not None:
            title, meaning = "This backup could not be verified", "The file was only read."
            await self.show_error(error, title, meaning, hint_for_archive=_INSTEAD)

    async def export(self, backup: Backup, destination: Path) -> None:
        """Copy a backup to somewhere else."""

        def run(control: Control) -> str:
            said = f"Exported to {self.backend.export(backup, destination, control)}"
            damaged = backup.status is BackupStatus.DAMAGED
            return _lines(said, *(["✗ It is damaged, like the backup."] if damaged else []))

        error = await self.perform(Job("export", f"Exporting {_name(backup)}", run))
        if error is not None:
            await self.show_error(error, "Nothing was exported")

    async def delete(self, backup: Backup) -> None:
        """Delete a file that has been asked for."""

        def run(control: Control) -> str:
            warnings = self.backend.delete(backup, control)
            return _lines(f"Deleted {backup.filename}", *warnings)

        error = await self.perform(Job("delete", f"Deleting {_name(backup)}", run))
        if error is not None:
            await self.show_error(error, "Nothing was deleted")

    async def move(self) -> None:
        """Bring the backups of former locations to the current one; those that stay are told one by one."""
        from kino_backup_tui.presentation.schedule_text import counted_text, left_text

        left: list[str] = []
        said: list[str] = []

        def run(control: Control) -> str:
            moved = self.backend.move(control)
            left.extend([*map(left_text, moved.left), *moved.warnings])
            said.append(f"Moved {counted_text(len(moved.moved))}.")
            return _lines(*said)

        job = Job("move", "Moving the backups", run, cancelled=_MOVED_SO_FAR)
        error = await self.perform(job)
        if error is not None:
            await self.show_error(error, "Not all backups were moved", _MOVED_SO_FAR)
        elif left:
            from kino_backup_tui.tui.screens.error import ErrorScreen, Trouble

            trouble = Trouble(
                title="Some backups stay where they are",
                message="\n".join(left),
                meaning="They stay in the list, as those of a former location.",
                hint="",
                details=_lines(*said),
                copied="\n".join(left),
            )
            await self.app.push_screen_wait(ErrorScreen(trouble))

    async def install_timer(self) -> None:
        """Have the host run the schedule, once the admin has seen what that writes."""
        from kino_backup_tui.presentation.service_text import timer_details, timer_question
        from kino_backup_tui.tui.screens.confirm import ConfirmScreen

        title = "The timer was not installed"
        try:
            plan = await asyncio.to_thread(self.backend.plan_service)
        except KinoBackupError as error:
            await self.show_error(error, title)
            return
        if plan.problem is not None:
            await self.show_error(plan.problem, title)
            return
        scope = ("--user",) if plan.user else ()
        run_due, removal = await asyncio.to_thread(
            self._commands, ("run-due",), ("uninstall-service", *scope)
        )
        question = ConfirmScreen(
            "Install the timer?", timer_question(plan, run_due), timer_details(plan, removal), "Install"
        )
        if not await self.app.push_screen_wait(question):
            return

        def run(_control: Control) -> str:
            installed = self.backend.install_service(plan)
            done = installed.done or (f"{installed.name} is installed and in force.",)
            return _lines(*done, *(f"! {warning}" for warning in installed.warnings))

        failed = await self.perform(Job("install-service", "Installing the timer", run, stoppable=False))
        if failed is not None:
            await self.show_error(failed, title)

    def _commands(self, *lines: tuple[str, ...]) -> list[str]:
        return [self.backend.command(*words) for words in lines]

    async def watch_other(self, operation: str) -> None:
        """Follow the operation of another process."""

        def run(control: Control) -> str:
            said = ""
            for event in self.backend.watch(control.cancel):
                control.report(event)
                if event.event == "end":
                    said = _lines(f"It ended: {event.message or event.outcome or ''}")
            return said

        error = await self.perform(
            Job(operation, f"Another process is running: {text.printable(operation)}", run, watched=True)
        )
        if error is not None:
            await self.show_error(error, "The operation cannot be watched")

    async def perform(self, job: Job) -> KinoBackupError | None:
        """Run a job behind its progress; the answer is the error to show, if there is one."""
        from kino_backup_tui.tui.screens.progress import ProgressScreen

        end = await self.app.push_screen_wait(ProgressScreen(job, self.backend.now))
        if isinstance(end, JobFailed) and not isinstance(end.error, OperationCancelledError):
            return end.error
        if isinstance(end, JobFinished) and end.said:
            self.notify(end.said, markup=False)
        elif isinstance(end, JobFailed) and not job.watched:
            self.notify(job.cancelled, markup=False)
        return None

    async def show_error(
        self,
        error: KinoBackupError,
        title: str,
        meaning: str = NOTHING_CHANGED,
        *,
        hint_for_archive: str = "",
    ) -> bool:
        """Show what went wrong; True if the admin accepts the location as it is now.

        `hint_for_archive` is the way on from an archive that cannot be trusted, if the error knows none.
        """
        from kino_backup_tui.tui.screens.error import ErrorScreen, Trouble

        hint = hint_for_archive if isinstance(error, ArchiveError) else ""
        trouble = Trouble.of_error(error, title, meaning=meaning, hint=hint, can_accept=can_accept(error))
        return await self.app.push_screen_wait(ErrorScreen(trouble))


def can_accept(error: KinoBackupError) -> bool:
    """Whether accepting the location as it is now would help."""
    return isinstance(error, UnknownLocationError)


def is_backup(backup: Backup | None) -> bool:
    """Whether this is something to verify and export, not a leftover or somebody else's file."""
    return backup is not None and backup.role is EntryRole.BACKUP


def _name(backup: Backup) -> str:
    return text.printable(backup.filename)


def _lines(*lines: str) -> str:
    return "\n".join(text.printable(line) for line in lines)
