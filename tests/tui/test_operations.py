"""What the keys do to the disk, and how their ends are told."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import Input, Static

from kino_backup_tui.core.errors import KinoBackupError, LocationError, NoSpaceError, UnknownLocationError
from kino_backup_tui.core.jobs.journal import JobRecord
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.settings import load_settings, save_settings
from kino_backup_tui.core.models import Backup, BackupKind
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.making import Created
from kino_backup_tui.core.progress import Control, JobEvent
from kino_backup_tui.tui.app import KinoBackupApp
from kino_backup_tui.tui.backend import Backend
from kino_backup_tui.tui.screens.confirm import ConfirmScreen
from kino_backup_tui.tui.screens.error import ErrorScreen, Trouble
from kino_backup_tui.tui.screens.schedule import ScheduleScreen
from tests.tui.driving import idle, line, loaded, page, shown_names, toasts, until, words
from tests.tui.prepared import NOW, PreparedBackend, household

Create = Callable[..., Backup]


async def test_back_up_now_makes_a_backup_and_tells_its_size(backend: Backend, kino: Kino) -> None:
    """b leaves a new archive in the list, and its size in a toast."""
    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("b")
        await until(pilot, lambda: bool(shown_names(pilot)))

        assert [path.name for path in kino.default_location.glob("*.tar.gz")] == shown_names(pilot)
        assert toasts(pilot)[0].startswith("Backup created: ")


class HeldBackend(Backend):
    """The real operations; `create` waits after its first event until it may go on."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.started = threading.Event()
        self.go_on = threading.Event()

    def create(self, control: Control, *, accept_location: bool = False) -> Created:
        """Hold the real operation in the middle of its work."""

        def report(event: JobEvent) -> None:
            control.report(event)
            if event.event == "stage":
                self.started.set()
                self.go_on.wait(30)

        return super().create(Control(control.cancel, report), accept_location=accept_location)


async def test_cancelling_leaves_no_partial_archive(context: Context, kino: Kino) -> None:
    """x during a backup removes what was being written and says so."""
    backend = HeldBackend(context)

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("b")
        await until(pilot, backend.started.is_set)
        await pilot.press("x")
        backend.go_on.set()
        await until(pilot, lambda: bool(toasts(pilot)))

        assert [path.name for path in kino.default_location.glob("*tar.gz*")] == []
        assert [path.name for path in kino.default_location.glob(".*tar.gz*")] == []
        assert toasts(pilot) == ["Cancelled. Nothing was kept."]


async def test_ctrl_c_cancels_the_job_and_keeps_the_page(context: Context) -> None:
    """The reflex stops what is running; it does not quit as well."""
    backend = HeldBackend(context)

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("b")
        await until(pilot, backend.started.is_set)
        await pilot.press("ctrl+c")
        backend.go_on.set()
        await until(pilot, lambda: pilot.app.screen is page(pilot))

        assert pilot.app.is_running


async def test_a_signal_during_a_backup_waits_for_its_clean_up(context: Context, kino: Kino) -> None:
    """SIGTERM stops the job, lets it remove what it wrote, and only then leaves, with 143."""
    backend = HeldBackend(context)
    app = KinoBackupApp(backend)

    async with app.run_test() as pilot:
        await loaded(pilot)
        await pilot.press("b")
        await until(pilot, backend.started.is_set)
        signal.raise_signal(signal.SIGTERM)
        backend.go_on.set()
        await until(pilot, lambda: app.return_code is not None)

        assert app.return_code == 143
        assert [path.name for path in kino.default_location.glob("*tar.gz*")] == []
        assert [path.name for path in kino.default_location.glob(".*tar.gz*")] == []


async def test_the_operation_of_another_process_can_be_watched() -> None:
    """w follows it to its end and tells how it ended."""
    backend = PreparedBackend(household())
    backend.job = JobRecord("j1", "verify", NOW, pid=1, running=True)
    backend.events = (JobEvent("end", "j1", "verify", NOW, outcome="ok", message="Verified."),)

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        told = line(pilot, "#schedule-line")
        await pilot.press("w")
        await until(pilot, lambda: bool(toasts(pilot)))

        assert "press w to watch" in told
        assert toasts(pilot) == ["It ended: Verified."]


async def test_delete_asks_with_cancel_in_focus(backend: Backend, create: Create) -> None:
    """Enter right after d changes nothing; the second button deletes."""
    backup = create()

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("d", "enter")
        await idle(pilot)
        kept = backup.path.exists()
        await pilot.press("d", "right", "enter")
        await until(pilot, lambda: not shown_names(pilot))

        assert kept
        assert not backup.path.exists()


async def test_escape_and_n_leave_the_question_without_deleting(backend: Backend, create: Create) -> None:
    """There are two ways out of the question, for terminals that swallow Escape."""
    backup = create()

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        for key in ("escape", "n"):
            await pilot.press("d")
            asked = pilot.app.screen
            await pilot.press(key)

            assert isinstance(asked, ConfirmScreen)
            assert not isinstance(pilot.app.screen, ConfirmScreen)

    assert backup.path.exists()


async def test_a_recovery_point_is_asked_for_in_other_words(backend: Backend, create: Create) -> None:
    """Deleting the way back is not just another deletion."""
    create(kind=BackupKind.PRE_RESTORE)

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("d")

        assert "recovery point" in words(pilot.app.screen)


async def test_verify_finds_damage_and_says_nothing_was_changed(backend: Backend, create: Create) -> None:
    """A flipped byte ends on the error screen, and in the list."""
    backup = create()
    data = bytearray(backup.path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    backup.path.write_bytes(data)

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("v")
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorScreen))
        told = words(pilot.app.screen)
        await pilot.press("escape")
        await idle(pilot)

        assert "could not be verified" in told
        assert "What to do: Choose another backup; b on the list makes a fresh one." in told
        assert page(pilot).selected is not None
        assert page(pilot).selected.status == "damaged"  # type: ignore[union-attr]


async def test_saving_the_schedule_changes_config_toml(backend: Backend, kino: Kino) -> None:
    """Keep is written; the comment beside another key stays."""
    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("s")
        await until(pilot, lambda: isinstance(pilot.app.screen, ScheduleScreen))
        field = pilot.app.screen.query_one("#keep", Input)
        field.value = "12"
        field.focus()
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is page(pilot))

    assert load_settings(kino.config_file).keep == 12
    assert "# behind a proxy" in kino.config_file.read_text()


async def test_a_form_left_open_takes_nothing_back(backend: Backend, kino: Kino) -> None:
    """What Kino's own page has changed meanwhile, and the form has not, stays changed."""
    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("s")
        await until(pilot, lambda: isinstance(pilot.app.screen, ScheduleScreen))
        save_settings(kino.config_file, replace(load_settings(kino.config_file), keep=30), kino.owner)
        field = pilot.app.screen.query_one("#time", Input)
        field.value = "04:15"
        field.focus()
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is page(pilot))

    saved = load_settings(kino.config_file)
    assert (saved.keep, f"{saved.time:%H:%M}") == (30, "04:15")


async def test_a_schedule_that_is_not_allowed_cannot_be_saved(backend: Backend, kino: Kino) -> None:
    """The field explains itself while one types, and Enter leaves the file alone."""
    before = kino.config_file.read_bytes()

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("s")
        await until(pilot, lambda: isinstance(pilot.app.screen, ScheduleScreen))
        field = pilot.app.screen.query_one("#time", Input)
        field.value = "29:99"
        field.focus()
        await pilot.press("enter")
        await idle(pilot)

        assert isinstance(pilot.app.screen, ScheduleScreen)
        assert '"29:99"' in words(pilot.app.screen)

    assert kino.config_file.read_bytes() == before


async def test_no_remark_on_a_location_outlives_it() -> None:
    """With another field wrong there is no preview, and still nothing is said of a path that is gone."""
    async with KinoBackupApp(PreparedBackend(household())).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("s")
        await until(pilot, lambda: isinstance(pilot.app.screen, ScheduleScreen))
        form = pilot.app.screen
        remark = form.query_one("#location-remark", Static)
        await until(pilot, lambda: "same disk" in str(remark.render()))
        told = []
        for field, value in (("time", "29:99"), ("location", "rel"), ("location", "/mnt/nas")):
            form.query_one(f"#{field}", Input).value = value
            await pilot.pause()
            told.append(str(remark.render()))

        assert "same disk" in told[0]
        assert '"rel"' in told[1]
        assert told[2] == ""


async def test_an_unknown_location_can_be_accepted_from_the_error_screen(
    backend: Backend, create: Create, kino: Kino
) -> None:
    """Another disk in the old place: the error offers to take it, and then the backup is made."""
    create()
    kino.default_location.rename(kino.data_path / "old-disk")
    kino.default_location.mkdir()

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("b")
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorScreen))
        offered = words(pilot.app.screen)
        await pilot.press("a")
        await until(pilot, lambda: bool(list(kino.default_location.glob("*.tar.gz"))))
        await until(pilot, lambda: pilot.app.screen is page(pilot))

    assert "What to do: Mount the right one. If this is the right place, press a" in offered
    assert "--accept-location" not in offered


async def test_a_vanished_location_keeps_its_hint_beside_the_key_that_accepts_it(
    backend: Backend, create: Create, kino: Kino
) -> None:
    """Mounting the disk is the first thing to try; a hint for the command line is not shown."""
    create()
    kino.default_location.rename(kino.data_path / "elsewhere")

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("b")
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorScreen))
        told = words(pilot.app.screen)

    assert "What to do: Is its disk mounted? If this is the right place, press a" in told
    assert "--accept-location" not in told


async def test_a_location_can_be_accepted_where_its_problem_is_shown(
    backend: Backend, create: Create, kino: Kino
) -> None:
    """a on the screen behind p makes the backup there that accepts the place."""
    create()
    kino.default_location.rename(kino.data_path / "old-disk")
    kino.default_location.mkdir()

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("p")
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorScreen))
        await pilot.press("a")
        await until(pilot, lambda: bool(list(kino.default_location.glob("*.tar.gz"))))
        await until(pilot, lambda: pilot.app.screen is page(pilot))


@pytest.mark.parametrize("error", [UnknownLocationError, LocationError, NoSpaceError])
async def test_only_an_unknown_location_can_be_accepted(error: type[KinoBackupError]) -> None:
    """A place that is not there, or full, is no better for being accepted: a is offered for one error."""
    backend = PreparedBackend(household(), error=error("Something about /mnt/nas."))

    async with KinoBackupApp(backend).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("b")
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorScreen))
        offered = "press a" in words(pilot.app.screen)
        shown = pilot.app.screen
        backend.error = None
        await pilot.press("a")
        await until(pilot, lambda: bool(toasts(pilot)) or not offered)

        assert offered is (error is UnknownLocationError)
        assert (pilot.app.screen is shown) is not offered


async def test_the_technical_text_adds_to_the_message(backend: Backend, tmp_path: Path) -> None:
    """It has the code and the causes; a sentence that was said is not said again, and c takes all of it."""
    source = tmp_path / "half.tar.gz"
    source.write_bytes(b"not an archive at all")
    with pytest.raises(KinoBackupError) as caught:
        backend.import_file(source, Control())

    trouble = Trouble.of_error(caught.value, "Nothing was imported", meaning="")

    assert trouble.details.startswith("Code archive_")
    assert trouble.message not in trouble.details
    assert not any(line and line in trouble.message for line in trouble.details.splitlines())
    assert trouble.message in trouble.copied
    assert trouble.details in trouble.copied


def test_the_technical_text_names_what_the_system_said() -> None:
    """The causes, down to the first."""
    error = NoSpaceError("The disk is full.")
    error.__cause__ = OSError(28, "No space left on device")

    trouble = Trouble.of_error(error, "No backup was made", meaning="")

    assert trouble.details == "Code no_space\nOSError: [Errno 28] No space left on device"


class BrokenBackend(Backend):
    """A backend with a bug in it."""

    def create(self, control: Control, *, accept_location: bool = False) -> Created:
        """Fail in a way nobody foresaw."""
        raise ZeroDivisionError("[a bug]")


async def test_a_bug_ends_on_the_error_screen(context: Context) -> None:
    """A mistake of ours is told in words, without a traceback, and the page goes on."""
    async with KinoBackupApp(BrokenBackend(context)).run_test() as pilot:
        await loaded(pilot)
        await pilot.press("b")
        await until(pilot, lambda: isinstance(pilot.app.screen, ErrorScreen))
        told = words(pilot.app.screen)
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is page(pilot))

        assert "An error in this program" in told
        assert "[a bug]" in told
        assert "Traceback" not in told
