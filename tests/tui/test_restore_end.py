"""The end of a restore: the result, the way back, and what was interrupted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.pilot import Pilot

from kino_backup_tui.core.errors import UndecidedError
from kino_backup_tui.core.models import BackupStatus
from kino_backup_tui.core.restore.plan import RestoreResult
from kino_backup_tui.tui.app import KinoBackupApp
from kino_backup_tui.tui.screens.error import ErrorScreen
from kino_backup_tui.tui.screens.plan import PlanScreen
from kino_backup_tui.tui.screens.result import ResultScreen
from kino_backup_tui.tui.screens.settle import SettleScreen
from kino_backup_tui.tui.widgets.backup_table import BackupTable
from kino_backup_tui.tui.widgets.key_bar import KeyBar
from tests.tui.driving import drawn_text, idle, line, loaded, page, toasts, until, words
from tests.tui.prepared import PreparedBackend, household
from tests.tui.prepared_restore import (
    ARCHIVE,
    BY_HAND,
    ENDED,
    INTERRUPTED,
    MADE,
    PRE_RESTORE,
    RESTORED,
    ROLLED_BACK,
    STOPPING,
    UNDECIDED,
    plan,
    rollback_plan,
)


def backend_ending(result: RestoreResult) -> PreparedBackend:
    """A restore that runs at once to this end."""
    backend = PreparedBackend(household())
    backend.plan = plan()
    backend.worker_events = STOPPING
    backend.last_events = (ENDED[0]._replace(outcome=result.outcome),)
    backend.result = result
    return backend


async def ended(pilot: Pilot[None]) -> str:
    """Restore, and return what the end says."""
    await loaded(pilot)
    await pilot.press("r")
    await until(pilot, lambda: isinstance(pilot.app.screen, PlanScreen))
    await pilot.press("y")
    await until(pilot, lambda: isinstance(pilot.app.screen, ResultScreen))
    return words(pilot.app.screen)


async def test_a_restore_ends_with_what_was_proven_and_where_the_way_back_is() -> None:
    """It stays until it is closed."""
    async with KinoBackupApp(backend_ending(RESTORED)).run_test() as pilot:
        said = await ended(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is page(pilot))

    assert f"✓ Restored {ARCHIVE}" in said
    assert "Kino 0.4.2 is running on it." in said
    assert "305 films · 14 series · 1,180 watch events" in said
    assert MADE in said


async def test_a_restore_can_be_undone_from_its_result() -> None:
    """u leads to the question, not to the deed."""
    backend = backend_ending(RESTORED)

    async with KinoBackupApp(backend).run_test() as pilot:
        await ended(pilot)
        backend.plan = rollback_plan()
        await pilot.press("u")
        await until(pilot, lambda: isinstance(pilot.app.screen, PlanScreen))
        drawn = drawn_text(pilot)

    assert "Undo the restore done 2026-04-26 " in drawn
    assert "start rollback" not in backend.told


async def test_a_rolled_back_restore_says_what_failed_and_what_is_true_now() -> None:
    """With Kino's last words, made harmless, and without an undo of something that is not in effect."""
    async with KinoBackupApp(backend_ending(ROLLED_BACK)).run_test() as pilot:
        said = await ended(pilot)
        await pilot.press("u")
        await pilot.pause()
        still = isinstance(pilot.app.screen, ResultScreen)

    assert "✗ The restore failed and was rolled back" in said
    assert "Failed at: Checking health" in said
    assert "The state from before the restore is back and Kino runs on it." in said
    assert "migrating [schema] 11 -> 12" in said
    assert "UNIQUE constraint failed: \\x1b[31mfilm.tmdb_id" in said
    assert "What to do: Try a backup made with Kino 0.4.2" in said
    assert "\x1b" not in said
    assert still


async def test_the_text_of_a_result_can_be_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a search, or a report: with the log, and as harmless as on the screen."""
    copied: list[str] = []
    app = KinoBackupApp(backend_ending(ROLLED_BACK))
    monkeypatch.setattr(app, "copy_to_clipboard", copied.append)

    async with app.run_test() as pilot:
        await ended(pilot)
        await pilot.press("c")

    assert "giving up" in copied[0]
    assert "Checking health" in copied[0]
    assert "\x1b" not in copied[0]


async def test_without_a_supervisor_the_end_says_to_start_kino() -> None:
    """The staged database is live with the next start, and somebody has to make it."""
    async with KinoBackupApp(backend_ending(BY_HAND)).run_test() as pilot:
        said = await ended(pilot)

    assert "Start Kino now" in said


async def test_an_undecided_end_names_both_folders() -> None:
    """And what to do."""
    async with KinoBackupApp(backend_ending(UNDECIDED)).run_test() as pilot:
        said = await ended(pilot)

    assert "needs your decision" in said
    assert "restore/previous" in said
    assert "restore/staged" in said


async def test_the_way_back_is_labelled_in_the_list() -> None:
    """The pre-restore backup of the last restore, and no other."""
    backend = PreparedBackend(household())
    backend.way = PRE_RESTORE

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        table = page(pilot).query_one(BackupTable)
        states = [str(table.get_row_at(index)[5]).strip() for index in range(table.row_count)]
        await pilot.press("down", "down", "down")
        told = line(pilot, "#detail-fate")

    assert told.endswith("The way back from the last restore: press u to undo it.")
    assert states[3] == "↩ way back"
    assert states.count("↩ way back") == 1


async def test_a_damaged_way_back_is_shown_as_damaged() -> None:
    """It leads nowhere: that is what the admin has to know."""
    backups = household()
    backups[3] = replace(backups[3], status=BackupStatus.DAMAGED)
    backend = PreparedBackend(backups)
    backend.way = PRE_RESTORE

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        state = str(page(pilot).query_one(BackupTable).get_row_at(3)[5]).strip()

    assert state == "✗ damaged"


async def test_undo_is_offered_only_when_there_is_something_to_undo() -> None:
    """A Kino that was never restored has no such key."""
    backend = PreparedBackend(household())

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        without = drawn_text(pilot)
        await pilot.press("u")
        backend.way = PRE_RESTORE
        await pilot.press("f5")
        await idle(pilot)
        with_it = drawn_text(pilot)

    assert "u Undo" not in without
    assert "u Undo" in with_it
    assert backend.told == []


async def test_an_interrupted_restore_is_settled_with_enter_after_saying_how() -> None:
    """The page says so in words; the question says what will be done; only then it is done."""
    backend = PreparedBackend(household())
    backend.is_interrupted = INTERRUPTED
    backend.result = ROLLED_BACK

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        told = line(pilot, "#schedule-line")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, SettleScreen))
        asked = words(pilot.app.screen)
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is page(pilot))
        untouched = list(backend.told)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, SettleScreen))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(pilot.app.screen, ResultScreen))
        await pilot.press("q")
        await idle(pilot)
        afterwards = line(pilot, "#schedule-line")

    assert told == "A restore was interrupted: press Enter to finish or undo it"
    assert "Settling it puts the old ones back" in asked
    assert untouched == []
    assert backend.told == ["settle None"]
    assert afterwards != told


async def test_p_leads_to_enter_while_a_restore_is_interrupted() -> None:
    """What the status line speaks of is a problem to whoever reads it."""
    backend = PreparedBackend(household())
    backend.is_interrupted = INTERRUPTED

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("p")
        await pilot.pause()

        assert toasts(pilot) == ["A restore was interrupted: press Enter to finish or undo it."]


async def test_settling_comes_first_in_the_key_bar() -> None:
    """It is in view in the narrowest terminal."""
    backend = PreparedBackend(household())
    backend.is_interrupted = INTERRUPTED

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)

        assert page(pilot).query_one(KeyBar).keys[0][:2] == ("Enter", "Settle")


async def test_an_interrupted_restore_is_settled_on_an_empty_list_too() -> None:
    """A fresh machine has no backups, and Enter still works."""
    backend = PreparedBackend()
    backend.is_interrupted = INTERRUPTED

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, SettleScreen))


@pytest.mark.parametrize(("keys", "keep"), [(("right",), "old"), (("right", "right"), "new")])
async def test_what_nobody_can_tell_is_left_to_the_admin(keys: tuple[str, ...], keep: str) -> None:
    """Two states are offered; y, which names neither, does nothing."""
    backend = PreparedBackend(household())
    backend.is_interrupted = replace(INTERRUPTED, decided=False)
    backend.result = RESTORED

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, SettleScreen))
        await pilot.press("y")
        await pilot.press(*keys, "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ResultScreen))

    assert backend.told == [f"settle {keep}"]


async def test_settling_that_fails_is_an_error_in_full() -> None:
    """With both folders, and what to do."""
    backend = PreparedBackend(household())
    backend.is_interrupted = INTERRUPTED
    backend.error = UndecidedError("Neither /a nor /b is whole.", hint="Look at both.")

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, SettleScreen))
        await pilot.press("y")
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorScreen))

        assert "Neither /a nor /b is whole." in words(pilot.app.screen)
