"""The restore dialog on Kino 0.3: what its first start does, and starting it without its library."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.pilot import Pilot
from textual.widgets import Button

from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.restore.first_boot import FirstBoot
from kino_backup_tui.core.restore.plan import RestorePlan
from kino_backup_tui.tui.app import KinoBackupApp
from kino_backup_tui.tui.screens.plan import PlanScreen
from tests.tui.driving import drawn_text, until
from tests.tui.prepared_first_boot import FINISHED, LIBRARY, MISSING, SOME_GONE, TORRENTS, shipped_plan
from tests.tui.prepared_restore import NEWER, NO_ROOM
from tests.tui.test_restore_dialog import asked, backend_with, said


async def test_what_is_lost_is_told_before_it_is_told_what_happens() -> None:
    """In the part of the dialog that needs no scrolling at 80x24."""
    boot = FirstBoot(TORRENTS, FINISHED, broken_off=1, library=SOME_GONE)

    async with KinoBackupApp(backend_with(shipped_plan(boot))).run_test() as pilot:
        await asked(pilot)
        text = " ".join(drawn_text(pilot).replace("│", " ").split())

    assert "At its first start Kino 0.3 is expected to" in text
    assert "delete 2 torrents begun since then, with the files (40.05 GB): A.Jury.for.Wanda.1983" in text
    assert "delete the files of 1 finished download (4.8 MB): Olga's Lighthouse" in text
    assert "forget 5 entries of 812 in its library, whose files are not there, and want them again" in text
    assert "Ferry [1931].mkv" in text


async def test_where_nothing_is_lost_that_comes_after_all_else() -> None:
    """And then it can be said that no media file is touched."""
    text = await said(shipped_plan(FirstBoot(library=LIBRARY)))

    assert "Media files are not touched." in text
    assert "find all 812 files of its library" in text
    assert text.index("Media files are not touched.") < text.index("At its first start")


async def test_what_cannot_be_told_is_said() -> None:
    """A session of torrents that nobody can read."""
    text = await said(shipped_plan(FirstBoot(torrents=None)))

    assert "torrents begun since then: which, is not known" in text


async def test_it_is_not_said_that_nothing_is_touched_where_files_go() -> None:
    """The restore itself does not; Kino does."""
    text = await said(shipped_plan(FirstBoot(TORRENTS)))

    assert "Media files are not touched." not in text
    assert "The restore itself touches no media files; what Kino does then is told above." in text


async def test_settings_of_the_database_that_change_are_told() -> None:
    """Without the secret."""
    text = await said(shipped_plan(FirstBoot(library=LIBRARY)))

    assert "api_key set → another one" in text
    assert "listen_port 8081 → 80" in text


@pytest.mark.parametrize("keys", [("s",), ("right", "enter")], ids=["key", "button"])
async def test_kino_can_be_started_without_its_library_on_purpose(keys: tuple[str, ...]) -> None:
    """A second choice: the plan is made anew, and asked for again."""
    backend = backend_with(shipped_plan(FirstBoot(), MISSING))
    backend.plan_with_less = shipped_plan(FirstBoot())

    async with KinoBackupApp(backend).run_test() as pilot:
        await asked(pilot)
        assert buttons(pilot) == ["[ Close ]", "[ Start Kino without its library ]"]
        await pilot.press("y")
        await pilot.press(*keys)
        await until(pilot, lambda: len(backend.told) == 2)
        await until(pilot, lambda: isinstance(pilot.app.screen, PlanScreen))
        await pilot.press("y")
        await until(pilot, lambda: len(backend.told) == 3)

    assert backend.told[1].endswith("without library")
    assert backend.told[2] == "start restore without library"


async def test_no_option_of_the_command_line_is_told_for_the_library() -> None:
    """The way out is a key here."""
    text = await said(shipped_plan(FirstBoot(), MISSING))

    assert "press s" in text
    assert "--library-missing-ok" not in text


async def test_both_can_be_gone_without_one_after_the_other() -> None:
    """No room for the safety backup, and no library: each has its key, and both are told on.

    There is room for one button beside the one that closes.
    """
    backend = backend_with(shipped_plan(FirstBoot(), MISSING))
    backend.plan = _with(NO_ROOM)

    async with KinoBackupApp(backend).run_test() as pilot:
        await asked(pilot)
        offered = buttons(pilot)
        await pilot.press("w")
        await until(pilot, lambda: len(backend.told) == 2)
        await until(pilot, lambda: isinstance(pilot.app.screen, PlanScreen))
        await pilot.press("s")
        await until(pilot, lambda: len(backend.told) == 3)

    assert offered[1:] == ["[ Go on without a safety backup ]"]
    assert backend.told[2].endswith("without safety without library")


async def test_what_forbids_it_for_good_offers_no_start_without_the_library() -> None:
    """The plan would be as forbidden as before."""
    backend = backend_with(_with(NEWER))

    async with KinoBackupApp(backend).run_test() as pilot:
        await asked(pilot)
        offered = buttons(pilot)
        await pilot.press("s")
        still = isinstance(pilot.app.screen, PlanScreen)

    assert (offered, still) == (["[ Close ]"], True)


def _with(blocker: KinoBackupError) -> RestorePlan:
    return replace(shipped_plan(FirstBoot(), MISSING), blockers=(blocker, MISSING))


def buttons(pilot: Pilot[None]) -> list[str]:
    """What can be pressed."""
    return [str(button.label) for button in pilot.app.screen.query(Button)]
