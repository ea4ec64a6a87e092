"""Restore, or undo the last restore? The plan in full, and Cancel in focus."""

from __future__ import annotations

from datetime import datetime, tzinfo
from enum import Enum, auto
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from kino_backup_tui.core.restore.plan import RestorePlan
from kino_backup_tui.presentation.restore_text import is_rollback, undone_word
from kino_backup_tui.presentation.text import date_text
from kino_backup_tui.tui.plan_view import can_go_without_library, can_go_without_safety, plan_view
from kino_backup_tui.tui.screens.base import KinoDialog
from kino_backup_tui.tui.widgets.lines import Line

_AROUND = 4
"""Lines of the dialog besides its text: the border, the buttons and the line above them."""


class PlanAnswer(Enum):
    """What the admin wants."""

    NOTHING = auto()
    GO = auto()
    WITHOUT_SAFETY = auto()
    """To plan again, without a safety backup."""
    WITHOUT_LIBRARY = auto()
    """To plan again, and to start Kino though its library is not there."""


class PlanScreen(KinoDialog[PlanAnswer]):
    """The plan, to scroll; a plan that is forbidden has no button that starts it."""

    AUTO_FOCUS = "#cancel"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n,q", "answer_no", "Change nothing", id="plan.no", tooltip="Change nothing"),
        Binding("y", "answer_yes", "Do it", id="plan.yes", tooltip="Start what the dialog describes"),
        Binding(
            "w",
            "without_safety",
            "Without safety backup",
            id="plan.without_safety",
            tooltip="Plan again, without a safety backup",
        ),
        Binding(
            "s",
            "without_library",
            "Start without the library",
            id="plan.without_library",
            tooltip="Plan again, and start Kino though its library is not there",
        ),
        Binding("left,right,h,l", "app.focus_next", "Other button", id="plan.move", show=False),
        Binding("m", "more", "More", id="plan.more", tooltip="The next part of the text"),
        Binding("down,j", "scroll(1)", "Down", id="plan.down", show=False),
        Binding("up,k", "scroll(-1)", "Up", id="plan.up", show=False),
        Binding("pagedown,space", "more", "Page down", id="plan.page_down", show=False),
        Binding("pageup", "back", "Page up", id="plan.page_up", show=False),
    ]

    def __init__(self, plan: RestorePlan, at: datetime, zone: tzinfo) -> None:
        super().__init__()
        self._plan = plan
        self._at = at
        self._zone = zone

    def compose(self) -> ComposeResult:
        """The text, and the answers below it."""
        plan = self._plan
        blocked = bool(plan.blockers)
        with Vertical(classes="dialog plan") as box:
            box.border_title = Content(_title(plan, self._zone))
            keys = "Esc or n: change nothing" + ("" if blocked else " · y: do it")
            box.border_subtitle = Content(keys)
            with VerticalScroll(id="plan-text", can_focus=False):
                yield Static(plan_view(plan, self._at, self._zone))
            with Horizontal(classes="buttons"):
                yield Line(id="plan-more")
                yield Button(Content("[ Close ]" if blocked else "[ Cancel ]"), id="cancel", compact=True)
                if not blocked:
                    verb = f"Undo the {undone_word(plan)}" if is_rollback(plan) else "Restore"
                    yield Button(Content(f"[ {verb} ]"), id="confirm", compact=True)
                elif can_go_without_safety(plan):
                    label = Content("[ Go on without a safety backup ]")
                    yield Button(label, id="without-safety", compact=True)
                elif can_go_without_library(plan):
                    label = Content("[ Start Kino without its library ]")
                    yield Button(label, id="without-library", compact=True)

    def on_mount(self) -> None:
        """Follow the scrolling: whether there is more is said beside the buttons."""
        self.watch(self.query_one("#plan-text"), "scroll_y", self._say_more, init=False)

    def on_resize(self) -> None:
        """The text gets the height there is; the buttons stay in sight."""
        self.query_one("#plan-text").styles.max_height = max(1, self.size.height - _AROUND)
        self.call_after_refresh(self._say_more)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is forbidden cannot be answered yes to."""
        return {
            "answer_yes": not self._plan.blockers,
            "without_safety": can_go_without_safety(self._plan),
            "without_library": can_go_without_library(self._plan),
        }.get(action, True)

    def action_answer_no(self) -> None:
        """Change nothing."""
        self.dismiss(PlanAnswer.NOTHING)

    def action_answer_yes(self) -> None:
        """Do it."""
        self.dismiss(PlanAnswer.GO)

    def action_without_safety(self) -> None:
        """Plan again."""
        self.dismiss(PlanAnswer.WITHOUT_SAFETY)

    def action_without_library(self) -> None:
        """Plan again."""
        self.dismiss(PlanAnswer.WITHOUT_LIBRARY)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        answers = {
            "confirm": PlanAnswer.GO,
            "without-safety": PlanAnswer.WITHOUT_SAFETY,
            "without-library": PlanAnswer.WITHOUT_LIBRARY,
        }
        self.dismiss(answers.get(event.button.id or "", PlanAnswer.NOTHING))

    def action_scroll(self, lines: int) -> None:
        """Move the text by some lines."""
        self.query_one("#plan-text").scroll_relative(y=lines, animate=False)

    def action_more(self) -> None:
        """The next page of the text; from its end, the beginning."""
        body = self.query_one("#plan-text")
        if body.scroll_y >= body.max_scroll_y:
            body.scroll_home(animate=False)
        else:
            body.scroll_page_down(animate=False)

    def action_back(self) -> None:
        """The page before."""
        self.query_one("#plan-text").scroll_page_up(animate=False)

    def _say_more(self) -> None:
        body = self.query_one("#plan-text")
        more = body.max_scroll_y > 0
        at_end = body.scroll_y >= body.max_scroll_y
        self.query_one("#plan-more", Line).left = (
            "" if not more else "m: to the top" if at_end else "m: more ↓"
        )


def _title(plan: RestorePlan, zone: tzinfo) -> str:
    if not is_rollback(plan):
        return "This cannot be restored now" if plan.blockers else "Restore this backup?"
    what = undone_word(plan)
    if plan.blockers:
        return f"The last {what} cannot be undone now"
    return (
        f"Undo the {what} done {date_text(plan.undone_at, zone)}?"
        if plan.undone_at
        else f"Undo the last {what}?"
    )
