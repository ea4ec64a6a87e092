"""The page: every key of the list and what it starts."""

from __future__ import annotations

import shlex
from typing import ClassVar
from urllib.parse import unquote, urlsplit

from textual import events, work
from textual.binding import Binding, BindingType
from textual.command import Provider

from kino_backup_tui.core.models import BackupStatus, EntryRole
from kino_backup_tui.presentation import text
from kino_backup_tui.tui.actions import PAGE_ACTIONS
from kino_backup_tui.tui.headline import INTERRUPTED, troubles_of
from kino_backup_tui.tui.screens.catalog import CatalogScreen
from kino_backup_tui.tui.screens.operating import is_backup
from kino_backup_tui.tui.screens.restoring import RESTORES
from kino_backup_tui.tui.widgets.key_bar import KeyBar

_RARE = {"watch", "problem"}
"""What the status line speaks of when it is possible, so its key must be in view."""


def _page_commands() -> type[Provider]:
    from kino_backup_tui.tui.commands import PageCommands

    return PageCommands


class BackupsScreen(CatalogScreen):
    """The list and its keys. Other screens are loaded when they are opened."""

    CSS_PATH = None
    BINDING_GROUP_TITLE = "Backups"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(action.binding() for action in PAGE_ACTIONS if action.keys),
        # A key goes on to its next binding while the first is not possible.
        Binding("w", "say('No other process is at work.')", "Nothing to watch", show=False, id="job.none"),
        Binding("t", "say('The timer is installed.')", "Timer is installed", show=False, id="timer.there"),
        Binding("p", "say_no_problem", "No problem", show=False, id="problem.none"),
        Binding("u", "say('There is no restore to undo.')", "Nothing to undo", show=False, id="restore.none"),
        Binding(
            "r,v,e,d,delete,enter",
            "say('No backup is selected.')",
            "No backup is selected",
            show=False,
            id="backup.none",
        ),
    ]
    COMMANDS = {_page_commands}  # noqa: RUF012 - Textual's own name and type

    def offer_keys(self) -> None:
        """Show the keys that do something now; those that are not always there come first."""
        self.query_one(KeyBar).show(
            (
                (
                    action.shown_key,
                    "Settle" if self.interrupted and action.action == "show_details" else action.label,
                    f"screen.{action.action}" if "." not in action.action else action.action,
                )
                for action in sorted(PAGE_ACTIONS, key=lambda action: action.action not in self._urgent)
                if action.label and self.check_action(action.action, ())
            ),
            always="?",
        )

    @property
    def _urgent(self) -> set[str]:
        """What the status line speaks of."""
        if self.interrupted is not None:
            return _RARE | {"show_details"}
        needed = self.status is not None and (self.status.unattended or self.status.ailing_timer)
        return _RARE | {"install_timer"} if needed else _RARE

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is possible now; keys, key bar and palette all ask here."""
        selected = self.selected if self.is_mounted else None
        # Only what is asked for is found out: the key bar asks for every key, on the way to the first paint.
        match action:
            case "verify" | "export" | "restore":
                return is_backup(selected)
            case "undo":
                return self.can_undo
            case "settle_restore":
                return self.interrupted is not None
            case "show_details":
                return selected is not None or self.interrupted is not None
            case "delete":
                return selected is not None and selected.role is not EntryRole.FOREIGN
            case "filter":
                return bool(self.by_key)
            case "sort":
                return len(self.by_key) > 1
            case "clear_filter":
                return bool(self.query("#filter"))
            case "watch":
                return self.other_job is not None
            case "problem":
                return self.status is not None and bool(troubles_of(self.status))
            case "install_timer":
                return self.status is not None and not self.status.has_timer
        return True

    @work(exit_on_error=False)
    async def action_back_up(self) -> None:
        """Back up now."""
        await self.create()
        self.action_reload()

    @work(exit_on_error=False)
    async def action_verify(self) -> None:
        """Verify the selected backup."""
        if (backup := self.selected) is not None:
            await self.verify(backup)
            self.action_reload()

    @work(exit_on_error=False)
    async def action_restore(self) -> None:
        """Restore the selected backup, once the admin has seen what that does."""
        if (backup := self.selected) is not None:
            await self.restore(backup)
            self.action_reload()

    def action_restore_file(self) -> None:
        """Ask what to restore from."""
        self._restore_file(self._start())

    @work(exit_on_error=False)
    async def action_undo(self) -> None:
        """Undo the last restore, once the admin has seen what that loses."""
        await self.undo()
        self.action_reload()

    @work(exit_on_error=False)
    async def action_settle_restore(self) -> None:
        """Finish or undo the restore that was interrupted."""
        if self.interrupted is not None:
            await self.settle(self.interrupted)
            self.action_reload()

    def action_import_file(self) -> None:
        """Ask what to import."""
        self._import(self._start())

    def on_paste(self, event: events.Paste) -> None:
        """A path pasted or dropped on the page is a file to restore from."""
        path = pasted_path(event.text)
        if path:
            self._restore_file(path)

    def _start(self) -> str:
        return f"{self.backend.start_folder()}/".replace("//", "/")

    @work(exit_on_error=False)
    async def _restore_file(self, start: str) -> None:
        from kino_backup_tui.tui.screens.path import PathScreen, restore_question

        source = await self.app.push_screen_wait(PathScreen(restore_question(start)))
        if source is not None:
            await self.restore(source)
            self.action_reload()

    @work(exit_on_error=False)
    async def _import(self, start: str) -> None:
        from kino_backup_tui.tui.screens.path import PathScreen, import_question

        source = await self.app.push_screen_wait(PathScreen(import_question(start)))
        if source is not None:
            await self.import_file(source)
            self.action_reload()

    @work(exit_on_error=False)
    async def action_export(self) -> None:
        """Ask where to, then copy the selected backup."""
        from kino_backup_tui.tui.screens.path import PathScreen, export_question

        if (backup := self.selected) is not None:
            damaged = backup.status is BackupStatus.DAMAGED
            question = export_question(backup.filename, self._start(), damaged=damaged)
            destination = await self.app.push_screen_wait(PathScreen(question))
            if destination is not None:
                await self.export(backup, destination)

    @work(exit_on_error=False)
    async def action_delete(self) -> None:
        """Ask, then delete the selected file."""
        from kino_backup_tui.tui.screens.confirm import ConfirmScreen

        if (backup := self.selected) is not None:
            question = ConfirmScreen(
                text.delete_title(backup),
                text.delete_question(backup, self.backend.zone()),
                text.printable(str(backup.path)),
                "Delete",
            )
            if await self.app.push_screen_wait(question):
                await self.delete(backup)
                self.action_reload()

    @work(exit_on_error=False)
    async def action_schedule(self) -> None:
        """Edit the schedule."""
        from kino_backup_tui.tui.screens.schedule import ScheduleScreen

        if self.status is None:
            return
        status = self.status
        problem = status.settings_problem.message if status.settings_problem else ""
        form = ScheduleScreen(self.backend, status.settings, status.terms, text.printable(problem))
        saved = await self.app.push_screen_wait(form)
        if saved is not None:
            self.notify(saved.said, markup=False)
            if saved.move:
                await self.move()
            self.action_reload()

    @work(exit_on_error=False)
    async def action_install_timer(self) -> None:
        """Have the host run the schedule."""
        await self.install_timer()
        self.action_reload()

    @work(exit_on_error=False)
    async def action_watch(self) -> None:
        """Follow the operation of another process."""
        if self.status is not None and self.status.job is not None:
            if self.status.job.operation in RESTORES:
                await self.watch_restore(self.status.job)
            else:
                await self.watch_other(self.status.job.operation)
            self.action_reload()

    @work(exit_on_error=False)
    async def action_problem(self) -> None:
        """Show the problems of the status line in full, one after the other."""
        now, zone = self.backend.now(), self.backend.zone()
        for problem in troubles_of(self.status) if self.status else ():
            if await self.show_error(problem.error, problem.title, problem.meaning(now, zone)):
                await self.create(accept_location=True)
                self.action_reload()

    def action_show_details(self) -> None:
        """Show everything known of the selected backup; a restore that was interrupted comes first."""
        if self.interrupted is not None:
            self.action_settle_restore()
            return
        from kino_backup_tui.tui.screens.detail import DetailScreen

        if (backup := self.selected) is not None:
            self.app.push_screen(DetailScreen(self.backend, backup, self.fate_of(backup)))

    def action_say(self, sentence: str) -> None:
        """Answer a key that has nothing to show; before the first look nobody can tell."""
        self.notify(sentence if self.status else "The backups are still being read.", markup=False)

    def action_say_no_problem(self) -> None:
        """Answer p where there is no error to show: a restore that was interrupted is settled with Enter."""
        if self.interrupted is not None:
            self.action_say(f"{INTERRUPTED}.")
        else:
            self.action_say("There is no problem to show.")

    def action_help(self) -> None:
        """Show every key."""
        from kino_backup_tui.tui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen())


def pasted_path(pasted: str) -> str:
    """The path a terminal pastes for a dropped file, be it quoted, escaped or a URL; "" if it is none."""
    try:
        words = shlex.split(pasted.strip())
    except ValueError:  # a lone quote
        words = []
    word = words[0] if len(words) == 1 else pasted.strip()
    if word.startswith("file://"):
        word = unquote(urlsplit(word).path)
    return word if word.startswith(("/", "~/")) and "\n" not in word else ""
