"""The restore dialog: what it says, what has the focus, and that a forbidden plan cannot be started."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Button, Input

from kino_backup_tui.core.restore.compare import EFFECTS
from kino_backup_tui.core.restore.plan import Change, RestorePlan, Safety
from kino_backup_tui.tui.app import KinoBackupApp
from kino_backup_tui.tui.screens.path import PathScreen
from kino_backup_tui.tui.screens.plan import PlanScreen
from tests.tui.driving import drawn_text, idle, loaded, page, until
from tests.tui.prepared import PreparedBackend, household
from tests.tui.prepared_restore import NEWER, NO_CONTROL, NO_ROOM, plan, rollback_plan

TALL = (80, 70)


def backend_with(prepared: RestorePlan) -> PreparedBackend:
    """A household, and what planning answers."""
    backend = PreparedBackend(household())
    backend.plan = prepared
    return backend


async def asked(pilot: Pilot[None], key: str = "r") -> None:
    """Press the key that plans, and wait for the question."""
    await loaded(pilot)
    await pilot.press(key)
    await until(pilot, lambda: isinstance(pilot.app.screen, PlanScreen))
    await pilot.pause()


async def said(prepared: RestorePlan) -> str:
    """All that the dialog says, in one line."""
    backend = backend_with(prepared)
    async with KinoBackupApp(backend).run_test(size=TALL) as pilot:
        await asked(pilot)
        text = drawn_text(pilot)
    return " ".join(text.replace("│", " ").split())


async def test_the_facts_to_decide_by_are_in_the_dialog() -> None:
    """Date with age, Kino's version and schema on both sides, and the library in numbers."""
    text = await said(plan())

    assert "Created 2026-04-15 03:00 (11 d ago) –" in text
    assert "Kino 0.4.1 0.4.2 newer: fine" in text
    assert "Schema 11 12 Kino will migrate" in text
    assert "Films 305 312 7 more now" in text
    assert "Series 14 14 the same" in text
    assert "Episodes 780 801 21 more now" in text
    assert "Watch events 1,180 1,204 24 more now" in text


async def test_what_happens_is_told_in_sentences() -> None:
    """What is replaced, where the safety backup goes, who stops Kino, and the room it needs."""
    text = await said(plan())

    assert "This replaces config.toml, db.sqlite and secrets in /var/lib/kino." in text
    assert "as a pre-restore backup in /var/lib/kino/backups." in text
    assert "kino.service is stopped for a few seconds" in text
    assert "Media files are not touched." in text
    assert "Staging: 30.0 MB in /var/lib/kino, 80.00 GB free" in text


async def test_what_becomes_of_everything_else_is_told_in_full() -> None:
    """Each row of Kino's own list, and the rule of 24 hours."""
    text = await said(plan())

    for name, fate in EFFECTS:
        assert name in text
        assert fate.split(":", maxsplit=1)[0].split(",", maxsplit=1)[0] in text
    assert "24 hours" in text


async def test_changed_settings_and_warnings_are_told() -> None:
    """Where Kino is reached afterwards is not a surprise."""
    prepared = plan(changes=(Change("server.port", "8080", "80"),), warnings=("Made on [another] host.",))

    text = await said(prepared)

    assert "server.port 8080 → 80" in text
    assert "! Made on [another] host." in text


@pytest.mark.parametrize(
    ("running", "words"),
    [(True, "stop it by hand when asked to"), (False, "start it by hand afterwards")],
    ids=["running", "stopped"],
)
async def test_without_a_supervisor_the_admin_is_told_what_to_do(running: bool, words: str) -> None:
    """Nobody else stops or starts this Kino."""
    assert words in await said(plan(controls=False, running=running))


@pytest.mark.parametrize("key", ["enter", "escape", "n", "q"])
async def test_every_first_reflex_changes_nothing(key: str) -> None:
    """Cancel has the focus, and there are three more ways out."""
    backend = backend_with(plan())

    async with KinoBackupApp(backend).run_test() as pilot:
        await asked(pilot)
        await pilot.press(key)
        await until(pilot, lambda: pilot.app.screen is page(pilot))

    assert [told for told in backend.told if told.startswith("start")] == []


@pytest.mark.parametrize("keys", [("y",), ("right", "enter"), ("tab", "enter")], ids=["y", "right", "tab"])
async def test_a_restore_starts_when_it_is_confirmed(keys: tuple[str, ...]) -> None:
    """By y, or by moving to the other button on purpose."""
    backend = backend_with(plan())

    async with KinoBackupApp(backend).run_test() as pilot:
        await asked(pilot)
        await pilot.press(*keys)
        await until(pilot, lambda: backend.told[-1] == "start restore")


async def test_a_forbidden_plan_lists_every_blocker_and_has_no_restore_button() -> None:
    """Each with its way out, all at once; y does nothing."""
    backend = backend_with(plan(blockers=(NEWER, NO_CONTROL)))

    async with KinoBackupApp(backend).run_test(size=TALL) as pilot:
        await asked(pilot)
        text = " ".join(drawn_text(pilot).replace("│", " ").split())
        buttons = [str(button.label) for button in pilot.app.screen.query(Button)]
        await pilot.press("y", "w")
        still = isinstance(pilot.app.screen, PlanScreen)

    for blocker in (NEWER, NO_CONTROL):
        assert blocker.message in text
        assert blocker.hint in text
    assert buttons == ["[ Close ]"]
    assert still
    assert [told for told in backend.told if told.startswith("start")] == []


@pytest.mark.parametrize("keys", [("w",), ("right", "enter")], ids=["key", "button"])
async def test_without_room_for_a_safety_backup_one_can_go_without(keys: tuple[str, ...]) -> None:
    """It is a second choice, made on purpose: the plan is made anew, and asked for again."""
    backend = backend_with(plan(blockers=(NO_ROOM,)))
    backend.plan_with_less = plan(safety=Safety.NONE)

    async with KinoBackupApp(backend).run_test() as pilot:
        await asked(pilot)
        await pilot.press(*keys)
        await until(pilot, lambda: len(backend.told) == 2)
        await until(pilot, lambda: isinstance(pilot.app.screen, PlanScreen))
        await pilot.press("y")
        await until(pilot, lambda: len(backend.told) == 3)

    assert backend.told[1].endswith("without safety")
    assert backend.told[2] == "start restore without safety"


async def test_no_option_of_the_command_line_is_told_on_the_screen() -> None:
    """The way out is a key here."""
    text = await said(plan(blockers=(NO_ROOM,)))

    assert "press w" in text
    assert "--no-safety-backup" not in text


async def test_a_blocker_besides_the_safety_backup_offers_no_going_without() -> None:
    """The plan would be as forbidden as before."""
    backend = backend_with(plan(blockers=(NO_ROOM, NEWER)))

    async with KinoBackupApp(backend).run_test() as pilot:
        await asked(pilot)
        buttons = [str(button.label) for button in pilot.app.screen.query(Button)]

    assert buttons == ["[ Close ]"]


async def test_everything_can_be_scrolled_to_with_one_key_at_80x24() -> None:
    """The buttons stay in sight; m goes through the text and back to its top."""
    async with KinoBackupApp(backend_with(plan())).run_test() as pilot:
        await asked(pilot)
        first = drawn_text(pilot)
        await pilot.press("m")
        await pilot.pause()
        second = drawn_text(pilot)
        await pilot.press("m")
        await pilot.pause()
        third = drawn_text(pilot)

    assert "m: more" in first
    assert "24 hours" not in first
    assert "24 hours" in second
    assert all("[ Cancel ]" in text and "[ Restore ]" in text for text in (first, second, third))
    assert third == first


@pytest.mark.parametrize(
    "name",
    [
        "backup [b]x [red] [1].tar.gz",
        "kopie från året 日本語.tar.gz",
        "x" * 200 + ".tar.gz",
        "a\x1b[31m\u202eb.tar.gz",
    ],
    ids=["brackets", "not_ascii", "long", "escapes"],
)
async def test_hostile_names_and_versions_are_shown_whole(name: str) -> None:
    """Outside text is wrapped, not cut, and never mark-up or an escape."""
    prepared = plan(source=Path("/mnt/usb") / name, version="0.4.1-rc.1+build.20260415.of.somebody[red]")

    text = await said(prepared)

    squeezed = text.replace(" ", "")
    assert name.replace(" ", "").replace("\x1b", "\\x1b").replace("\u202e", "\\u202e") in squeezed
    assert "…" not in text
    assert "\x1b" not in text


async def test_a_fresh_machine_has_nothing_to_compare_with() -> None:
    """Restoring into an empty data path says that there is nothing to save."""
    prepared = replace(plan(safety=Safety.NONE), replaced=(), now=plan().now, safety_location=None)
    prepared = replace(prepared, now=replace(prepared.now, tables=None, schema_version=None))

    text = await said(prepared)

    assert "There is no current state to save." in text
    assert "Films 305 –" in text


async def test_undo_says_what_it_undoes_and_where_newer_changes_stay() -> None:
    """The words are its own: what the restore replaced comes back, what came since is in a backup."""
    backend = backend_with(rollback_plan())
    backend.way = household()[3].filename

    async with KinoBackupApp(backend).run_test(size=TALL) as pilot:
        await asked(pilot, "u")
        text = " ".join(drawn_text(pilot).replace("│", " ").split())
        await pilot.press("y")
        await until(pilot, lambda: backend.told[-1] == "start rollback")

    assert "Undo the restore done 2026-04-26 " in text
    assert f"Undo the restore of {rollback_plan().undoes} to /var/lib/kino, done 2026-04-26 " in text
    assert "before the restore" in text
    assert "what is newer is then only in that backup." in text
    assert "lost" not in text.partition("After the restore")[0]


async def test_undoing_a_rollback_is_called_so() -> None:
    """Title, column and button alike."""
    backend = backend_with(replace(rollback_plan(), undoes=""))
    backend.way = household()[3].filename

    async with KinoBackupApp(backend).run_test() as pilot:
        await asked(pilot, "u")
        text = drawn_text(pilot)

    assert "Undo the rollback done 2026-04-26 " in text
    assert "before the rollback" in text
    assert "[ Undo the rollback ]" in text


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (100, 30)])
async def test_the_answers_are_in_sight_in_every_terminal(size: tuple[int, int]) -> None:
    """However long the text is, the buttons are below it, and its end can be reached."""
    prepared = plan(source=Path("/mnt/usb") / ("x" * 200), blockers=())

    async with KinoBackupApp(backend_with(prepared)).run_test(size=size) as pilot:
        await asked(pilot)
        seen = drawn_text(pilot)
        assert "[ Cancel ]" in seen
        assert "[ Restore ]" in seen
        for _ in range(6):
            await pilot.press("pagedown" if "to the top" not in drawn_text(pilot) else "shift")
            await pilot.pause()
        assert "others are sent" in " ".join(drawn_text(pilot).replace("│", " ").split())


async def test_a_pasted_path_is_a_file_to_restore_from() -> None:
    """Dropping an archive on the window is enough; it is asked for before it is read."""
    async with KinoBackupApp(backend_with(plan())).run_test() as pilot:
        await loaded(pilot)
        page(pilot).on_paste(events.Paste("'/mnt/usb/my backup.tar.gz' "))
        await until(pilot, lambda: isinstance(pilot.app.screen, PathScreen))
        await idle(pilot)

        assert pilot.app.screen.query_one(Input).value == "/mnt/usb/my backup.tar.gz"
        assert "Restore from a file" in drawn_text(pilot)
