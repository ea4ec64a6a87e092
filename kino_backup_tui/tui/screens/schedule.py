"""The schedule form: what it says now, what it would mean, and what is not allowed, while one types."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Checkbox, Input, RadioSet, Static

from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.kino.settings import (
    BackupSettings,
    Frequency,
    parse_keep,
    parse_location,
    parse_time,
)
from kino_backup_tui.core.progress import Control
from kino_backup_tui.presentation import text
from kino_backup_tui.presentation.schedule_text import clock_text, counted_text
from kino_backup_tui.tui import form_text
from kino_backup_tui.tui.backend import Backend
from kino_backup_tui.tui.messages import JobFailed, JobFinished, LoadFailed, PreviewReady
from kino_backup_tui.tui.screens.base import KinoDialog
from kino_backup_tui.tui.screens.error import ErrorScreen, Trouble
from kino_backup_tui.tui.screens.operating import NOTHING_CHANGED, can_accept
from kino_backup_tui.tui.screens.pick import PickScreen
from kino_backup_tui.tui.widgets.field import labelled, read_field
from kino_backup_tui.tui.widgets.path_input import PathInput, path_from
from kino_backup_tui.tui.widgets.toggles import SignedCheckbox, SignedRadioButton

if TYPE_CHECKING:
    from kino_backup_tui.core.operations.schedule import SchedulePreview
    from kino_backup_tui.core.timetable import Terms

_TYPING_PAUSE = 0.15
"""Seconds without a change before the preview is asked for."""
_SAVE_PATIENCE = 5.0
"""Seconds to wait for another operation before saving says that it is in the way."""


class SavedSchedule(NamedTuple):
    """How the form ended."""

    said: str
    """What to tell the admin of it."""
    move: bool
    """Whether the backups of other locations are to follow."""


class ScheduleScreen(KinoDialog[SavedSchedule | None]):
    """Edit the schedule; closes once it is saved, or with None."""

    AUTO_FOCUS = "#enabled"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,n,q", "dismiss(None)", "Change nothing", id="schedule.cancel", tooltip="Change nothing"
        ),
        Binding(
            "ctrl+o", "browse", "Browse", id="schedule.browse", tooltip="Pick the location from the disk"
        ),
    ]

    def __init__(self, backend: Backend, settings: BackupSettings, terms: Terms, problem: str = "") -> None:
        super().__init__()
        self._backend = backend
        self._settings = settings
        self._last = settings
        """What the form said when it was looked at last."""
        self._terms = terms
        self._problem = problem
        self._remarked: str | None = settings.location
        """The location that the remark below it is about; None if what was typed is none."""

    def compose(self) -> ComposeResult:
        """The fields of Kino's own page, each with room for a remark, and the preview."""
        settings = self._settings
        with Vertical(classes="dialog", id="schedule") as box:
            box.border_title = "Schedule"
            box.border_subtitle = "Esc: change nothing · Ctrl+O: browse for the location"
            if self._problem:
                yield Static(Content(f"✗ {self._problem}"), classes="remark -invalid")
            with labelled("Enabled"):
                yield SignedCheckbox("run scheduled backups", settings.enabled, id="enabled", compact=True)
            with labelled("Frequency"), RadioSet(id="frequency", compact=True):
                for frequency in Frequency:
                    label = form_text.frequency_label(frequency, self._terms)
                    chosen = frequency is settings.frequency
                    yield SignedRadioButton(label, chosen, name=frequency.value, compact=True)
            with labelled("Time"):
                yield Input(f"{settings.time:%H:%M}", id="time", classes="short", max_length=5, compact=True)
                yield Static(id="time-remark", classes="remark")
            with labelled("Keep"):
                yield Input(str(settings.keep), id="keep", classes="short", max_length=5, compact=True)
                yield Static(id="keep-remark", classes="remark")
            with labelled("Location"):
                yield PathInput(
                    settings.location, placeholder="the usual place", folders_only=True, id="location"
                )
                yield Button(Content("[ Browse… ]"), id="browse", compact=True)
            yield Static(id="location-remark", classes="remark indented")
            with labelled("Move", classes="field offer"):
                yield SignedCheckbox("", False, id="move", compact=True, disabled=True)
            yield Static(id="remarks", classes="remark indented")
            with labelled("Next"):
                yield Static(id="next-runs", classes="remark")
            with labelled("Keeping"):
                yield Static(id="removes", classes="remark")
            with Horizontal(classes="buttons"):
                yield Button(Content("[ Cancel ]"), id="cancel", compact=True)
                yield Button(Content("[ Save ]"), id="save", compact=True)

    def on_mount(self) -> None:
        """Show what the present settings mean."""
        self._timer = self.set_timer(_TYPING_PAUSE, self._ask_preview, pause=True)
        self._changed()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Mark the field one is in, so that it shows without colour too."""
        for field in self.query(".field"):
            field.set_class(field in event.widget.ancestors, "-current")

    @on(Input.Changed)
    @on(Checkbox.Changed)
    @on(RadioSet.Changed)
    def _changed(self) -> None:
        self._timer.stop()
        settings = self._read_form()
        if settings is not None:
            self._last = self._agree(settings)
            self._timer = self.set_timer(_TYPING_PAUSE, self._ask_preview)

    def _agree(self, settings: BackupSettings) -> BackupSettings:
        """Where the box and the preset are one thing to Kino, have them say the same."""
        meant = self._backend.meant(self._last, settings)
        with self.prevent(Checkbox.Changed, RadioSet.Changed):
            self.query_one("#enabled", Checkbox).value = meant.enabled
            if meant.frequency is not settings.frequency:
                buttons = self.query(SignedRadioButton)
                next(button for button in buttons if button.name == meant.frequency.value).value = True
        return meant

    def _read_form(self) -> BackupSettings | None:
        """The settings in the form, or None; says beside each field what is not allowed."""
        pressed = self.query_one(RadioSet).pressed_button
        at = read_field(self, "time", parse_time, self._clock)
        keep = read_field(self, "keep", self._parse_keep, lambda _keep: "scheduled backups; other kinds stay")
        location = read_field(self, "location", parse_location, lambda _location: "")
        if location != self._remarked:
            self._remarked = location
            if location is not None:
                self._remark_location("", refused=False)
        self.query_one("#save", Button).disabled = None in (at, keep, location)
        if at is None or keep is None or location is None:
            return None
        return BackupSettings(
            enabled=self.query_one("#enabled", Checkbox).value,
            frequency=Frequency(pressed.name) if pressed and pressed.name else self._settings.frequency,
            time=at,
            keep=keep,
            location=location,
        )

    def _clock(self, at: time) -> str:
        return clock_text(at, self._terms, self._backend.zone(), self._backend.now())

    def _parse_keep(self, typed: str) -> int:
        """What nobody changes may stay, even if nobody could choose it."""
        present = self._settings.keep
        return present if typed.strip() == str(present) else parse_keep(typed)

    def _ask_preview(self) -> None:
        settings = self._read_form()
        if settings is not None:
            self._preview(settings, self._moves)

    @property
    def _moves(self) -> bool:
        """Whether the backups of other locations are to follow."""
        offer = self.query_one("#move", Checkbox)
        return offer.value and not offer.disabled

    @work(thread=True, exclusive=True, group="preview", exit_on_error=False)
    def _preview(self, settings: BackupSettings, move: bool) -> None:
        try:
            self.post_message(PreviewReady(self._backend.preview(settings, move=move)))
        except KinoBackupError as error:
            self.post_message(LoadFailed(error))

    @on(PreviewReady)
    def _show_preview(self, message: PreviewReady) -> None:
        preview = message.preview
        if preview.settings != self._read_form():
            return  # the form has gone on since
        self.query_one(PathInput).placeholder = str(preview.location)
        self._remark_location(form_text.location_remark(preview), refused=bool(preview.location_problem))
        self._offer_move(preview)
        self.query_one("#next-runs", Static).update(
            Content(form_text.runs_text(preview, self._backend.zone()))
        )
        self.query_one("#removes", Static).update(Content(form_text.removes_text(preview)))
        remarks = self.query_one("#remarks", Static)
        remarks.update(Content(form_text.remarks_text(preview)))
        remarks.display = bool(preview.remarks or preview.terms.remarks)

    def _offer_move(self, preview: SchedulePreview) -> None:
        """Ask about the backups of other locations where there are any; the row is always there."""
        count = 0 if preview.location_problem else len(preview.movable)
        offer = self.query_one("#move", Checkbox)
        offer.label = Content(f"the {counted_text(count)} elsewhere to this place")
        offer.disabled = not count
        self.query_one(".offer").set_class(bool(count), "-offered")

    @on(LoadFailed)
    def _no_preview(self, message: LoadFailed) -> None:
        self._remark_location(f"✗ {text.printable(message.error.message)}", refused=True)

    def _remark_location(self, remark: str, *, refused: bool) -> None:
        beside = self.query_one("#location-remark", Static)
        beside.set_class(refused, "-invalid")
        beside.update(Content(remark))

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.query_one("#save", Button).press()

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)

    @on(Button.Pressed, "#browse")
    @work(exit_on_error=False)
    async def action_browse(self) -> None:
        """Pick the location from the disk."""
        field = self.query_one(PathInput)
        picked = await self.app.push_screen_wait(
            PickScreen(path_from(field.value or field.placeholder), folders_only=True)
        )
        if picked is not None:
            field.value = str(picked)
        field.focus()

    @on(Button.Pressed, "#save")
    def _save_pressed(self) -> None:
        settings = self._read_form()
        if settings is not None:
            self._save(settings)

    @work(thread=True, exclusive=True, group="job", exit_on_error=False)
    def _save(self, settings: BackupSettings, *, accept_location: bool = False) -> None:
        control = Control(wait_seconds=_SAVE_PATIENCE)
        try:
            # What could not be read is replaced as a whole.
            before = None if self._problem else self._settings
            saved = self._backend.save(settings, control, before=before, accept_location=accept_location)
        except KinoBackupError as error:
            self.post_message(JobFailed(error))
        else:
            said = form_text.saved_text(saved, self._backend.zone(), self._backend.now())
            self.post_message(JobFinished(said))

    @on(JobFinished)
    def _saved(self, message: JobFinished) -> None:
        self.dismiss(SavedSchedule(message.said, self._moves))

    @on(JobFailed)
    @work(exit_on_error=False)
    async def _not_saved(self, message: JobFailed) -> None:
        """Say why; the form stays, with what was typed."""
        trouble = Trouble.of_error(
            message.error,
            "The schedule was not saved",
            meaning=NOTHING_CHANGED,
            can_accept=can_accept(message.error),
        )
        if await self.app.push_screen_wait(ErrorScreen(trouble)):
            settings = self._read_form()
            if settings is not None:
                self._save(settings, accept_location=True)
