"""Keys, palette and help come from one list, and promise only what there is."""

from __future__ import annotations

from textual.binding import Binding
from textual.command import CommandPalette

from kino_backup_tui.tui.actions import PAGE_ACTIONS
from kino_backup_tui.tui.app import KinoBackupApp
from kino_backup_tui.tui.commands import PageCommands
from kino_backup_tui.tui.screens.backups import BackupsScreen
from kino_backup_tui.tui.screens.confirm import ConfirmScreen
from kino_backup_tui.tui.screens.detail import DetailScreen
from kino_backup_tui.tui.screens.error import ErrorScreen
from kino_backup_tui.tui.screens.help import HelpScreen, help_text
from kino_backup_tui.tui.screens.path import PathScreen
from kino_backup_tui.tui.screens.pick import PickScreen
from kino_backup_tui.tui.screens.plan import PlanScreen
from kino_backup_tui.tui.screens.progress import ProgressScreen
from kino_backup_tui.tui.screens.restore_progress import RestoreProgressScreen
from kino_backup_tui.tui.screens.result import ResultScreen
from kino_backup_tui.tui.screens.schedule import ScheduleScreen
from kino_backup_tui.tui.screens.settle import SettleScreen
from tests.tui.driving import loaded, page
from tests.tui.prepared import PreparedBackend, household
from tests.tui.prepared_restore import INTERRUPTED, PRE_RESTORE

SCREENS = (
    BackupsScreen, ConfirmScreen, DetailScreen, ErrorScreen, HelpScreen,
    PathScreen, PickScreen, PlanScreen, ProgressScreen, RestoreProgressScreen, ResultScreen, ScheduleScreen,
    SettleScreen,
)  # fmt: skip
NOT_YET = ("serve",)


def bindings() -> list[Binding]:
    """Every binding of every screen of ours."""
    return [one for screen in SCREENS for one in screen.BINDINGS if isinstance(one, Binding)]


async def commands(backend: PreparedBackend) -> list[str]:
    """What the palette offers."""
    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        provider = PageCommands(page(pilot))
        return [str(hit.prompt) async for hit in provider.discover()]


async def test_the_palette_offers_only_what_is_possible() -> None:
    """Without backups there is nothing to restore, verify, export, delete, filter or sort."""
    offered = await commands(PreparedBackend())

    verbs = [command.split()[0] for command in offered]
    assert verbs == ["Back", "Restore", "Edit", "Show", "Import", "Quit", "Install", "Reload", "Change"]


async def test_the_palette_offers_everything_else_on_a_selected_backup() -> None:
    """Every action that is possible on a list is there."""
    offered = " ".join(await commands(PreparedBackend(household())))

    for verb in (
        "Restore selected",
        "Restore from",
        "Verify",
        "Export",
        "Delete",
        "Filter",
        "Sort",
        "Show selected",
    ):
        assert verb in offered
    for verb in ("Watch", "Undo", "interrupted"):
        assert verb not in offered


async def test_the_palette_offers_what_a_restore_leaves_to_do() -> None:
    """Undoing the last one, and settling one that was interrupted."""
    backend = PreparedBackend(household())
    backend.way, backend.is_interrupted = PRE_RESTORE, INTERRUPTED

    offered = await commands(backend)

    assert "Undo last restore  (u)" in offered
    assert "Finish or undo interrupted restore" in offered


async def test_the_palette_opens_on_the_page_alone() -> None:
    """Its commands are those of the page, so another screen does not open it."""
    async with KinoBackupApp(PreparedBackend(household())).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("question_mark", "ctrl+p")

        assert not isinstance(pilot.app.screen, CommandPalette)


def test_every_binding_has_a_name_and_a_description() -> None:
    """A keymap needs the id, the help needs the words."""
    assert [one.key for one in bindings() if not one.id or not one.description] == []


def test_every_way_out_with_escape_has_a_second_key() -> None:
    """tmux and slow lines swallow Escape or delay it."""
    alone = [one.id for one in bindings() if one.key == "escape" and one.id != "filter.clear"]

    assert alone == []


def test_nothing_is_promised_that_there_is_not() -> None:
    """No key, command or help line names an operation of a later version."""
    promised = [f"{one.description} {one.tooltip}" for one in bindings()]
    promised += [f"{action.label} {action.command} {action.tooltip}" for action in PAGE_ACTIONS]
    promised += help_text().plain.splitlines()

    assert [text for text in promised if any(word in text.lower() for word in NOT_YET)] == []


def test_the_help_names_every_key_of_the_page() -> None:
    """A key that is bound can be found."""
    text = help_text().plain

    assert [action.command for action in PAGE_ACTIONS if action.keys and action.command not in text] == []
