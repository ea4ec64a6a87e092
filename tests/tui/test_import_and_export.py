"""Import and export from the page: which paths it takes, and what it tells while one types."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup
from kino_backup_tui.tui.app import KinoBackupApp
from kino_backup_tui.tui.backend import Backend
from kino_backup_tui.tui.screens.error import ErrorScreen
from kino_backup_tui.tui.screens.path import PathScreen
from tests.tui.driving import idle, loaded, page, shown_names, toasts, until, words
from tests.tui.prepared import PreparedBackend, household

Create = Callable[..., Backup]


async def test_import_takes_a_pasted_path(backend: Backend, create: Create, tmp_path: Path) -> None:
    """Paste, Enter, and the archive is in the list."""
    backup = create()
    moved = tmp_path / "from elsewhere.tar.gz"
    backup.path.rename(moved)

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        page(pilot)._import(str(moved))
        await until(pilot, lambda: isinstance(pilot.app.screen, PathScreen))
        await idle(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: bool(shown_names(pilot)))

        assert shown_names(pilot) == [backup.filename]
        assert moved.exists()


async def test_importing_something_else_shows_why_and_keeps_nothing(
    backend: Backend, kino: Kino, tmp_path: Path
) -> None:
    """A file that is no archive ends on the error screen; the location stays as it was."""
    source = tmp_path / "holiday.tar.gz"
    source.write_bytes(b"not an archive at all")

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        page(pilot)._import(str(source))
        await until(pilot, lambda: isinstance(pilot.app.screen, PathScreen))
        await idle(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorScreen))

        assert "Nothing was changed." in words(pilot.app.screen)
        assert "What to do: Copy it again from where it came, or choose another." in words(pilot.app.screen)

    assert list(kino.default_location.glob("*.tar.gz")) == []


async def test_a_path_that_does_not_exist_cannot_be_imported(backend: Backend, tmp_path: Path) -> None:
    """The field says there is no such file, and Enter does nothing."""
    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        page(pilot)._import(str(tmp_path / "nowhere.tar.gz"))
        await until(pilot, lambda: isinstance(pilot.app.screen, PathScreen))
        await idle(pilot)
        await pilot.press("enter")

        assert isinstance(pilot.app.screen, PathScreen)
        assert "There is no file" in words(pilot.app.screen)


async def asked_for_a_path(pilot: Pilot[None], value: str) -> PathScreen:
    """Type a path into the question that is open, and wait for what is said of it."""
    await until(pilot, lambda: isinstance(pilot.app.screen, PathScreen))
    screen = pilot.app.screen
    assert isinstance(screen, PathScreen)
    screen.query_one("#path", Input).value = value
    await pilot.pause()
    await idle(pilot)
    return screen


@pytest.mark.parametrize("key", ["i", "e"], ids=["import", "export"])
@pytest.mark.parametrize(
    "typed", ["/" + "x" * 300, "~nobody-of-this-name/x", "/a\0b"], ids=["long", "stranger", "nul"]
)
async def test_a_path_that_cannot_be_looked_at_is_refused_while_typing(key: str, typed: str) -> None:
    """A name the system does not take, or a home of nobody, is remarked on; the question stays."""
    async with KinoBackupApp(PreparedBackend(household())).run_test() as pilot:
        await loaded(pilot)
        await pilot.press(key)
        screen = await asked_for_a_path(pilot, typed)
        await pilot.press("enter")

        assert pilot.app.screen is screen
        assert "✗" in words(screen)


async def test_a_folder_that_may_not_be_searched_is_remarked_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """What another user's folder holds cannot be told, and that is what is said."""

    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    async with KinoBackupApp(PreparedBackend(household())).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("i")
        await until(pilot, lambda: isinstance(pilot.app.screen, PathScreen))
        monkeypatch.setattr(Path, "is_file", refuse)
        screen = await asked_for_a_path(pilot, "/srv/others/backup.tar.gz")

        assert "✗ /srv/others/backup.tar.gz: Permission denied." in words(screen)


async def test_an_export_into_a_folder_that_is_missing_is_refused(tmp_path: Path) -> None:
    """A slash at the end names a folder: the copy must not become a file of that name."""
    async with KinoBackupApp(PreparedBackend(household())).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("e")
        screen = await asked_for_a_path(pilot, f"{tmp_path}/missing/")
        await pilot.press("enter")

        assert pilot.app.screen is screen
        assert f"✗ There is no folder {tmp_path}/missing." in words(screen).replace("\n", "")


async def test_the_question_what_to_import_does_not_begin_with_a_reproach() -> None:
    """Nothing has been typed yet, so the field says what to do, not what is wrong."""
    async with KinoBackupApp(PreparedBackend(household())).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("i")
        await until(pilot, lambda: isinstance(pilot.app.screen, PathScreen))
        await idle(pilot)
        remark = pilot.app.screen.query_one("#path-remark", Static)

        assert "✗" not in str(remark.render())
        assert "Name an archive" in str(remark.render())
        assert not remark.has_class("-invalid")


async def test_exporting_a_damaged_backup_says_so_before_and_after(
    backend: Backend, create: Create, tmp_path: Path
) -> None:
    """The copy is as damaged as the backup: in the question, and beside the good news."""
    path = create().path
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("v")
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorScreen))
        await pilot.press("escape")
        await until(pilot, lambda: page(pilot).selected.status == "damaged")  # type: ignore[union-attr]
        await pilot.press("e")
        screen = await asked_for_a_path(pilot, str(tmp_path))
        asked = words(screen)
        await pilot.press("enter")
        await until(pilot, lambda: bool(toasts(pilot)))

        assert "✗ This backup is damaged, and so will be the copy." in asked
        assert toasts(pilot) == [f"Exported to {tmp_path / path.name}\n✗ It is damaged, like the backup."]


async def test_export_copies_into_a_folder(backend: Backend, create: Create, tmp_path: Path) -> None:
    """A folder is enough: the copy keeps the name."""
    backup = create()
    folder = tmp_path / "usb"
    folder.mkdir()

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.screen, PathScreen))
        pilot.app.screen.query_one(Input).value = str(folder)
        await pilot.pause()
        await idle(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: (folder / backup.filename).exists())
        await until(pilot, lambda: pilot.app.screen is page(pilot))

    assert (folder / backup.filename).read_bytes() == backup.path.read_bytes()
