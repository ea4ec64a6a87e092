"""The list of backups: reading, drawing, sorting, filtering, and what is known of the selected one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import DataTable, Input, Static

from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.models import Backup
from kino_backup_tui.core.progress import CancelToken
from kino_backup_tui.presentation import text
from kino_backup_tui.tui.backend import Backend
from kino_backup_tui.tui.headline import empty_text, headline
from kino_backup_tui.tui.look_ahead import Look, LookAhead, look_at
from kino_backup_tui.tui.messages import CatalogLoaded, LoadFailed, StatusLoaded
from kino_backup_tui.tui.rows import Order, arrange, is_way_back, matches, row_of
from kino_backup_tui.tui.screens.restoring import RestoringScreen
from kino_backup_tui.tui.widgets.backup_table import BackupTable
from kino_backup_tui.tui.widgets.key_bar import KeyBar
from kino_backup_tui.tui.widgets.lines import Line

if TYPE_CHECKING:
    from kino_backup_tui.core.jobs.journal import JobRecord
    from kino_backup_tui.core.operations.listing import Listing
    from kino_backup_tui.core.restore.plan import Interrupted

_LOOK_EVERY = 60.0
"""Seconds between looks at Kino and the disk while nobody presses a key."""
_LOOK_WHILE_BUSY_EVERY = 4.0
"""The same while another process is at work: its end is news."""

_WAY_BACK = "The way back from the last restore: press u to undo it."


class CatalogScreen(RestoringScreen):
    """Draws the page and keeps it true; the keys are the next class's."""

    AUTO_FOCUS = "#backups"

    def __init__(self, backend: Backend, ahead: LookAhead | None = None) -> None:
        super().__init__(backend)
        self._ahead = ahead
        self.interrupted: Interrupted | None = None
        self.can_undo = False
        self._listing: Listing | None = None
        self._way_back = ""
        self.by_key: dict[str, Backup] = {}
        self._words: list[str] = []
        self._order = Order.NEWEST
        self._reading = CancelToken()

    def compose(self) -> ComposeResult:
        """Head, list, detail, keys."""
        yield Line(id="title")
        yield Line(id="schedule-line", keeps_end=True)
        yield Static(classes="rule", id="order")
        yield BackupTable(id="backups")
        yield Static(id="empty")
        # Rules of their own: a border is repainted with each change of the line it belongs to.
        yield Static(classes="rule")
        yield Line(id="detail-file")
        yield Line(id="detail-inside")
        yield Line(id="detail-fate")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Draw first, with the list if it is there already, then read: the disk may be slow."""
        self.query_one("#title", Line).left = "Kino backups"
        self.query_one("#schedule-line", Line).left = "Reading the backups…"
        look = self._ahead.found if self._ahead is not None else None
        if look is None:
            self.offer_keys()
        else:
            self._show_look(look)
        self.call_after_refresh(self._load, self._reading, look=look)
        self.set_interval(_LOOK_EVERY, self._look)
        self._busy_looks = self.set_interval(_LOOK_WHILE_BUSY_EVERY, self._look, pause=True)

    def on_unmount(self) -> None:
        """Nobody waits for the rest of the list any more."""
        self._reading.cancel()

    @property
    def selected(self) -> Backup | None:
        """The backup under the cursor."""
        return self.by_key.get(self.query_one(BackupTable).selected_key or "")

    @property
    def other_job(self) -> JobRecord | None:
        """The operation that another process is running."""
        job = self.status.job if self.status is not None else None
        return job if job is not None and job.pid != os.getpid() else None

    # Reading

    def action_reload(self) -> None:
        """Look at the disk and at Kino again."""
        self._reading.cancel()
        self._reading = CancelToken()
        self._load(self._reading)

    def _look(self) -> None:
        if self.is_current:
            self._load(self._reading, quiet=True)

    @work(thread=True, exclusive=True, group="load", exit_on_error=False)
    def _load(self, cancel: CancelToken, *, look: Look | None = None, quiet: bool = False) -> None:
        """Read what there is to know; `look` is a fresh one that is drawn already."""
        backend = self.backend
        try:
            if look is None:
                look = look_at(backend)
                self.post_message(CatalogLoaded(look, quiet))
            status = backend.status()
            self.post_message(StatusLoaded(status, backend.interrupted(), backend.can_undo()))
            unread = any(backup.needs_reading for backup in look.listing.backups)
            if unread and backend.complete(cancel):
                self.post_message(CatalogLoaded(look_at(backend), quiet))
        except KinoBackupError as error:
            if not cancel.cancelled:
                self.post_message(LoadFailed(error))

    @on(CatalogLoaded)
    def _loaded(self, message: CatalogLoaded) -> None:
        self._show_look(message.look, quiet=message.quiet)

    def _show_look(self, look: Look, *, quiet: bool = False) -> None:
        self._listing, self._way_back = look
        self.by_key = {str(backup.path): backup for backup in look.listing.backups}
        self._fill(quiet=quiet)

    @on(StatusLoaded)
    def _status_loaded(self, message: StatusLoaded) -> None:
        self.status = message.status
        self.interrupted, self.can_undo = message.interrupted, message.can_undo
        waits = message.interrupted is not None
        head = headline(message.status, self.backend.now(), os.getpid(), interrupted=waits)
        title, line = self.query_one("#title", Line), self.query_one("#schedule-line", Line)
        title.left, title.right = head.title, head.kino
        line.left = head.schedule
        line.set_class(head.alarm, "-alarm")
        if self.other_job is None:
            self._busy_looks.pause()
        else:
            self._busy_looks.resume()
        self._say_empty()
        self.offer_keys()

    @on(LoadFailed)
    @work(exit_on_error=False)
    async def _load_failed(self, message: LoadFailed) -> None:
        self.query_one("#schedule-line", Line).left = text.printable(message.error.message)
        await self.show_error(message.error, "The backups could not be read")

    # Drawing

    def _fill(self, *, quiet: bool = False) -> None:
        if self._listing is None:
            return
        now, zone = self.backend.now(), self.backend.zone()
        backups = arrange(self._listing.backups, self._order)
        rows = [row_of(backup, now, zone, self._way_back) for backup in backups]
        rows = [row for row in rows if matches(row, self._words)]
        table = self.query_one(BackupTable)
        # Ages alone are not worth a repaint while nobody is looking: it is the whole table each minute.
        table.show(rows, self._order, keep_ages=quiet)
        self.set_class(not rows, "-empty")
        if rows and self.focused is None and self.is_current:
            table.focus()
        for count in self.query("#filter-count").results(Line):
            count.left = f"{len(rows)} of {len(self.by_key)}"
        self._say_empty()
        self._draw_detail()
        self.offer_keys()

    def _say_empty(self) -> None:
        empty = self.query_one("#empty", Static)
        if self._words:
            sought = text.printable(" ".join(self._words))
            empty.update(Content(f"Nothing matches {sought}. Esc shows every backup again."))
        elif self.status is not None and not self.by_key:
            empty.update(Content(empty_text(self.status)))

    def _draw_detail(self) -> None:
        backup = self.selected
        name, inside, fate = (self.query_one(f"#detail-{part}", Line) for part in ("file", "inside", "fate"))
        if backup is None:
            name.left = name.right = inside.left = fate.left = ""
            return
        name.left = text.printable(backup.filename)
        name.right = "" if backup.schema_version is None else f"schema {backup.schema_version}"
        inside.left = _inside_text(backup)
        verified = text.printable(text.verified_text(backup, self.backend.now()))
        fate.left = f"{verified}  {self.fate_of(backup)}".strip()

    def fate_of(self, backup: Backup) -> str:
        """Why a backup is kept, or when it goes; of the way back, what it is for."""
        if is_way_back(backup, self._way_back):
            return _WAY_BACK
        fate = self._listing.fates.get(backup.path) if self._listing else None
        return text.fate_text(fate, self.backend.zone()) if fate else ""

    def offer_keys(self) -> None:
        """Show the keys that do something now."""

    # Selecting, sorting, filtering

    @on(DataTable.RowHighlighted)
    def _highlighted(self) -> None:
        self._draw_detail()

    @on(DataTable.RowSelected)
    async def _enter(self) -> None:
        await self.run_action("show_details")

    def on_resize(self) -> None:
        """Another width may have room for more columns."""
        self.call_after_refresh(self._fill)

    def action_sort(self) -> None:
        """Go on to the next order; one that is not the usual is named above the list."""
        self._order = self._order.next()
        self._fill()
        usual = self._order is Order.NEWEST
        self.query_one("#order", Static).border_title = "" if usual else f" sorted {self._order} "

    async def action_filter(self) -> None:
        """Type to filter; the field appears below the head."""
        from kino_backup_tui.tui.widgets.filter_row import FilterRow

        if not self.query(FilterRow):
            await self.mount(FilterRow(id="filter"), after="#schedule-line")
        self.query_one("#filter-text").focus()
        self._fill()

    @on(Input.Changed, "#filter-text")
    def _filter_typed(self, event: Input.Changed) -> None:
        self._words = event.value.split()
        self._fill()

    @on(Input.Submitted, "#filter-text")
    def _filter_taken(self) -> None:
        self.query_one(BackupTable).focus()

    async def action_clear_filter(self) -> None:
        """Show every backup again."""
        await self.query("#filter").remove()
        self._words = []
        self._fill()
        self.query_one(BackupTable).focus()


def _inside_text(backup: Backup) -> str:
    if backup.manifest is None:
        return text.summary_text(backup)
    library = text.library_text(backup.manifest.tables)
    parts = (library, text.contents_text(backup.manifest), text.unlisted_text(backup))
    return " · ".join(part for part in parts if part)
