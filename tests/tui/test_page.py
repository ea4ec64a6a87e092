"""The list: loading, selecting, sorting, filtering, and names that mean harm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import Input, Static

from kino_backup_tui.core.errors import InvalidSettingsError, LocationError
from kino_backup_tui.core.jobs.journal import JobRecord
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus
from kino_backup_tui.tui.app import KinoBackupApp
from kino_backup_tui.tui.backend import Backend
from kino_backup_tui.tui.rows import Order
from kino_backup_tui.tui.screens import catalog
from kino_backup_tui.tui.screens.detail import DetailScreen
from kino_backup_tui.tui.screens.error import ErrorScreen
from kino_backup_tui.tui.screens.path import PathScreen
from kino_backup_tui.tui.screens.schedule import ScheduleScreen
from kino_backup_tui.tui.widgets.backup_table import BackupTable
from kino_backup_tui.tui.widgets.lines import Line
from tests.tui.driving import drawn_text, idle, line, loaded, page, shown_names, toasts, until, words
from tests.tui.prepared import NOW, PreparedBackend, backup, household, many

Create = Callable[..., Backup]


async def test_the_newest_backup_is_first_and_selected(backend: Backend, create: Create) -> None:
    """The admin sees the last backup without pressing a key."""
    older, newer = create(), create()

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)

        assert shown_names(pilot) == [newer.filename, older.filename]
        assert line(pilot, "#detail-file") == newer.filename


async def test_sorting_goes_through_the_orders_and_keeps_the_selection(
    backend: Backend, create: Create
) -> None:
    """The row under the cursor stays the same backup when the order turns around."""
    older, newer = create(), create()

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("o")

        assert shown_names(pilot) == [older.filename, newer.filename]
        assert line(pilot, "#detail-file") == newer.filename


async def test_the_order_is_named_above_the_list_and_leaves_no_toast() -> None:
    """An order other than the usual one is told in a line that is there anyway."""
    async with KinoBackupApp(PreparedBackend(household())).run_test(notifications=True) as pilot:
        await loaded(pilot)
        told = []
        for _ in Order:
            await pilot.press("o")
            await pilot.pause()
            told.append(drawn_text(pilot).splitlines()[2].strip("─ "))

        assert told == ["sorted oldest first", "sorted largest first", "sorted by kind", ""]
        assert toasts(pilot) == []


async def test_home_and_end_select_the_first_and_the_last_backup() -> None:
    """A long list is left at either end with one key."""
    backups = many(40)

    async with KinoBackupApp(PreparedBackend(backups)).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("end")
        last = page(pilot).selected
        await pilot.press("home")

        assert last == backups[-1]
        assert page(pilot).selected == backups[0]


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("w", "No other process is at work."),
        ("p", "There is no problem to show."),
        ("u", "There is no restore to undo."),
    ],
)
async def test_a_key_with_nothing_to_show_says_so(key: str, told: str) -> None:
    """Somebody who presses it expects something, and a page that stays as it is says nothing."""
    async with KinoBackupApp(PreparedBackend(household())).run_test() as pilot:
        await loaded(pilot)
        await pilot.press(key)
        await pilot.pause()

        assert toasts(pilot) == [told]


async def test_the_end_of_another_process_is_noticed_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """While its operation is on the page, the page looks more often than once a minute."""
    monkeypatch.setattr(catalog, "_LOOK_WHILE_BUSY_EVERY", 0.05)
    backend = PreparedBackend(household())
    backend.job = JobRecord("j1", "create", NOW, pid=1, running=True)

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        before = line(pilot, "#schedule-line")
        backend.job = None
        await until(pilot, lambda: "is running" not in line(pilot, "#schedule-line"))

        assert "create is running" in before


@pytest.mark.parametrize("width", [60, 66, 72, 80])
async def test_the_state_is_in_view_on_every_width(width: int) -> None:
    """Whether a backup is good is why one looks; what fits beside it comes second."""
    async with KinoBackupApp(PreparedBackend(household())).run_test(size=(width, 20)) as pilot:
        await loaded(pilot)
        drawn = drawn_text(pilot)

    for words_of_state in ("✓ verified", "✗ damaged", "· unverified", "Created", "State"):
        assert words_of_state in drawn


@pytest.mark.parametrize("width", [60, 80])
async def test_the_key_for_help_is_always_offered(width: int) -> None:
    """Keys that have no room in the bar are in the help."""
    async with KinoBackupApp(PreparedBackend(household())).run_test(size=(width, 20)) as pilot:
        await loaded(pilot)

        assert "? Help" in drawn_text(pilot).splitlines()[-1]


async def test_the_key_for_a_problem_is_offered_first() -> None:
    """The end of a long status line is cut off, and with it the key it names."""
    backend = PreparedBackend(household())
    backend.location_problem = LocationError("The backup location /mnt/a/long/way/down/nas does not exist.")

    async with KinoBackupApp(backend).run_test(size=(60, 20)) as pilot:
        await loaded(pilot)

        assert drawn_text(pilot).splitlines()[-1].startswith(" p Problem")


async def test_the_help_keeps_its_columns_on_a_narrow_terminal() -> None:
    """What does not fit a line goes on below itself, not below the keys."""
    async with KinoBackupApp(PreparedBackend(household())).run_test(size=(60, 40)) as pilot:
        await loaded(pilot)
        await pilot.press("question_mark")
        await pilot.pause()
        rows = drawn_text(pilot).splitlines()

    first = next(number for number, row in enumerate(rows) if "Verify selected backup" in row)
    column = rows[first].index("Read it")
    assert rows[first + 1].startswith(" " * column)
    assert rows[first + 1].strip(" ▁▂▃▄▅▆▇█").endswith("every byte")


async def test_the_schedule_form_shows_every_frequency_on_a_narrow_terminal() -> None:
    """What one cannot see one cannot choose."""
    async with KinoBackupApp(PreparedBackend(household())).run_test(size=(60, 20)) as pilot:
        await loaded(pilot)
        await pilot.press("s")
        await until(pilot, lambda: isinstance(pilot.app.screen, ScheduleScreen))
        await idle(pilot)
        await pilot.pause(0.3)
        drawn = drawn_text(pilot)

    for word in ("Daily", "Weekly (Sunday)", "Monthly (1st)", "Off", "[ Cancel ]", "[ Save ]"):
        assert word in drawn


async def test_the_selection_survives_a_new_backup_above_it(backend: Backend, create: Create) -> None:
    """A backup that appears at the top does not move the cursor to another file."""
    older, newer = create(), create()

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("down")
        newest = create()
        await pilot.press("f5")
        await idle(pilot)

        assert shown_names(pilot) == [newest.filename, newer.filename, older.filename]
        assert line(pilot, "#detail-file") == older.filename


async def test_a_filter_finds_words_in_any_case_and_escape_ends_it(backend: Backend, create: Create) -> None:
    """Typing narrows the list; Escape brings everything back."""
    manual, scheduled = create(), create(kind=BackupKind.SCHEDULED)

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("slash", *"SCHED")
        filtered = shown_names(pilot)
        await pilot.press("escape")

        assert filtered == [scheduled.filename]
        assert shown_names(pilot) == [scheduled.filename, manual.filename]


async def test_a_filter_that_finds_nothing_says_so(backend: Backend, create: Create) -> None:
    """An empty list is explained, not left blank."""
    create()

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("slash", *"zebra")

        assert "Nothing matches zebra" in words(page(pilot))


@pytest.mark.parametrize("key", ["r", "v", "e", "d", "enter"])
async def test_keys_for_a_backup_say_that_there_is_none(backend: Backend, key: str) -> None:
    """On an empty list they open no screen, and are not ignored either."""
    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press(key)
        await pilot.pause()

        assert pilot.app.screen is page(pilot)
        assert toasts(pilot) == ["No backup is selected."]


async def test_a_list_longer_than_the_screen_has_no_bar_below_it() -> None:
    """The bar at its side takes a column that the table would fill on a terminal of just that width."""
    async with KinoBackupApp(PreparedBackend(many(30))).run_test(size=(79, 24)) as pilot:
        await loaded(pilot)
        table = page(pilot).query_one(BackupTable)

        assert table.show_vertical_scrollbar
        assert not table.show_horizontal_scrollbar


@pytest.mark.parametrize(
    "name",
    [
        "backup [b]x [1].tar.gz",
        "kopie från året.tar.gz",
        "a b  c.tar.gz",
        "x" * 200 + ".tar.gz",
        "[[[.tar.gz",
    ],
    ids=["brackets", "not_ascii", "spaces", "long", "broken_markup"],
)
async def test_hostile_names_are_shown_and_opened(
    backend: Backend, create: Create, kino: Kino, name: str
) -> None:
    """A name that looks like mark-up goes through list, detail, question and export without harm."""
    create().path.rename(kino.default_location / name)

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        assert line(pilot, "#detail-file") == name
        for key in ("enter", "d", "e"):
            await pilot.press(key)
            await idle(pilot)
            assert pilot.app.screen is not page(pilot)
            await pilot.press("escape")


async def test_the_detail_screen_shows_every_digest(backend: Backend, create: Create) -> None:
    """What is in the archive can be compared by hand."""
    backup = create()

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("enter")
        await idle(pilot)

        assert isinstance(pilot.app.screen, DetailScreen)
        text = words(pilot.app.screen)
        assert backup.manifest is not None
        for content in backup.manifest.contents:
            assert content.path in text
            assert content.sha256 in text


async def test_a_quiet_look_leaves_the_table_alone_when_only_ages_changed() -> None:
    """Nobody pressed a key, nothing happened: the table is not written into the connection again."""
    backend = PreparedBackend(household())

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        table = page(pilot).query_one(BackupTable)
        before = table.get_row_at(0)[2]
        backend.clock.advance(hours=3)
        page(pilot)._look()
        await idle(pilot)
        quiet = table.get_row_at(0)[2]
        await pilot.press("f5")
        await idle(pilot)

        assert quiet == before
        assert str(table.get_row_at(0)[2]) == "9 h"


ESCAPE = "\x1b[31m\u202e"


async def test_problems_from_outside_bring_no_escape_to_the_screen() -> None:
    """What an archive or a file name says of itself is shown, not obeyed: on the page and in the details."""
    hostile = backup(BackupKind.MANUAL, "2026-04-26T03:00:00", status=BackupStatus.DAMAGED, problem=ESCAPE)
    backend = PreparedBackend([hostile])
    backend.job = JobRecord("j1", f"create{ESCAPE}", NOW, pid=1, running=True)

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        drawn = [drawn_text(pilot)]
        await pilot.press("enter")
        await idle(pilot)
        drawn.append(drawn_text(pilot))

    assert all("\\x1b[31m\\u202e" in text for text in drawn)
    assert not any("\x1b" in text or "\u202e" in text for text in drawn)


async def test_a_filter_with_an_escape_in_it_is_quoted_harmlessly(backend: Backend, create: Create) -> None:
    """What is pasted into the filter and found nowhere is shown with its control characters written out."""
    create()

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("slash")
        page(pilot).query_one("#filter-text", Input).value = f"zebra{ESCAPE}"
        await pilot.pause()
        said = str(page(pilot).query_one("#empty", Static).render())

    assert "zebra\\x1b[31m\\u202e" in said
    assert "\x1b" not in said


async def test_a_path_with_an_escape_in_it_is_drawn_harmlessly() -> None:
    """A hostile name that was pasted or picked is in the field as it is, and on the terminal as signs."""
    async with KinoBackupApp(PreparedBackend()).run_test() as pilot:
        await loaded(pilot)
        page(pilot)._import(f"/mnt/a{ESCAPE}b.tar.gz")
        await until(pilot, lambda: isinstance(pilot.app.screen, PathScreen))
        await idle(pilot)
        field = pilot.app.screen.query_one("#path", Input)
        drawn = drawn_text(pilot)

    assert field.value == f"/mnt/a{ESCAPE}b.tar.gz"
    assert "/mnt/a\ufffd[31m\ufffdb.tar.gz" in drawn
    assert "\x1b" not in drawn


async def test_a_lost_location_is_named_with_what_to_do(backend: Backend, create: Create, kino: Kino) -> None:
    """The status line names the folder; p tells the rest."""
    create()
    kino.default_location.rename(kino.data_path / "elsewhere")

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        told = line(pilot, "#schedule-line")
        await pilot.press("p")

        assert str(kino.default_location)[:20] in told
        assert "What to do" in words(pilot.app.screen)


async def test_a_problem_that_is_cut_off_keeps_the_key_that_tells_more() -> None:
    """In 80 columns a path alone may fill the line."""
    backend = PreparedBackend(household())
    backend.settings_problem = InvalidSettingsError(f"/srv/{'media/' * 20}kino.db: it is broken.")

    async with KinoBackupApp(backend).run_test(size=(80, 24)) as pilot:
        await loaded(pilot)
        line = pilot.app.screen.query_one("#schedule-line", Line).render().plain

    assert line.startswith(" /srv/media/")
    assert line.rstrip().endswith("… · p tells more")
    assert len(line) == 80


async def test_every_problem_is_shown_one_after_the_other() -> None:
    """p tells of the lost location and then of the broken settings."""
    backend = PreparedBackend(household())
    backend.location_problem = LocationError("/mnt/nas is gone.")
    backend.settings_problem = InvalidSettingsError("config.toml is broken.")

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("p")
        first = words(pilot.app.screen)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorScreen))
        second = words(pilot.app.screen)
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is page(pilot))

        assert "/mnt/nas is gone." in first
        assert "config.toml is broken." in second


async def test_a_terminal_that_is_too_small_gets_one_sentence(backend: Backend) -> None:
    """Below 60x16 nothing but the sentence is drawn, and the page is back when there is room."""
    async with KinoBackupApp(backend).run_test(size=(59, 24)) as pilot:
        await loaded(pilot)
        small = [widget for widget in page(pilot).children if widget.display]
        await pilot.resize_terminal(80, 24)
        await pilot.pause()

        assert small == []
        assert page(pilot).query_one("#title").display


def test_pasted_paths_are_recognised_as_terminals_write_them(tmp_path: Path) -> None:
    """Dropped files arrive quoted, escaped or as URLs; other text is no path."""
    from kino_backup_tui.tui.screens.backups import pasted_path

    assert pasted_path("'/mnt/usb/my backup.tar.gz' ") == "/mnt/usb/my backup.tar.gz"
    assert pasted_path(r"/mnt/usb/my\ backup.tar.gz") == "/mnt/usb/my backup.tar.gz"
    assert pasted_path("file:///mnt/my%20backup.tar.gz\n") == "/mnt/my backup.tar.gz"
    assert pasted_path("/mnt/usb/it's.tar.gz") == "/mnt/usb/it's.tar.gz"
    assert pasted_path("hello there") == ""
