"""The status line: what it says of the schedule, and when it raises an alarm."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import (
    DatabaseDamagedError,
    InvalidSettingsError,
    KinoBackupError,
    LocationError,
    UnknownLocationError,
)
from kino_backup_tui.core.jobs.journal import JobRecord
from kino_backup_tui.core.kino.running import KinoState
from kino_backup_tui.core.kino.settings import BackupSettings, Frequency
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus
from kino_backup_tui.core.operations.failing import Failing
from kino_backup_tui.tui.headline import empty_text, headline, troubles_of
from tests.tui.prepared import NOW, TIMER, ZONE, PreparedBackend, backup

ROOM = 79
"""Cells of a line of 80 that begins with a space."""


def told(*backups: Backup, frequency: Frequency = Frequency.DAILY) -> tuple[str, bool]:
    """The second line for these backups, and whether it is an alarm."""
    backend = PreparedBackend(backups)
    backend.settings = BackupSettings(frequency=frequency)
    head = headline(backend.status(), NOW, pid=1)
    return head.schedule, head.alarm


def scheduled(local: str, status: BackupStatus = BackupStatus.VERIFIED) -> Backup:
    """A scheduled backup of some time."""
    return backup(BackupKind.SCHEDULED, local, status=status)


def test_a_verified_backup_of_tonight_is_no_alarm() -> None:
    """Everything is as it should be, on one line of an ordinary terminal."""
    line, alarm = told(scheduled("2026-04-26T03:00:00"))

    assert line == "Daily at 03:00 Europe/Berlin · next in 17 h 30 min · newest ✓ 6 h ago · keep 7"
    assert len(line) <= ROOM
    assert not alarm


@pytest.mark.parametrize("status", [BackupStatus.DAMAGED, BackupStatus.UNVERIFIED, BackupStatus.UNREADABLE])
def test_a_newer_backup_that_is_not_verified_hides_no_missed_one(status: BackupStatus) -> None:
    """Three nights without a good backup are an alarm, whatever else lies in the location."""
    line, alarm = told(scheduled("2026-04-26T03:00:00", status), scheduled("2026-04-23T03:00:00"))

    assert line.startswith("No verified backup for 3 d · press b to make one now")
    assert len(line) <= ROOM
    assert alarm


def test_backups_none_of_which_is_verified_are_an_alarm() -> None:
    """There is nothing to rely on yet."""
    line, alarm = told(scheduled("2026-04-26T03:00:00", BackupStatus.UNVERIFIED))

    assert line.startswith("No verified backup yet · press b")
    assert alarm


@pytest.mark.parametrize(
    ("location", "where"),
    [
        ("/srv/kinobackup", "the location"),
        ("/mnt/kinobacks", "/mnt/kinobacks"),
    ],
)
def test_verified_backups_in_a_former_location_are_none_in_this_one(location: str, where: str) -> None:
    """The list is full of them, so it is said where there is none."""
    former = replace(scheduled("2026-04-26T03:00:00"), elsewhere=True)
    backend = PreparedBackend([former])
    status = replace(backend.status(), location=Path(location))
    off = replace(status, settings=BackupSettings(frequency=Frequency.OFF))

    line = headline(status, NOW, pid=1).schedule

    assert line.startswith(f"None verified in {where} · press b to make one now")
    assert len(line) <= ROOM
    assert headline(off, NOW, pid=1).schedule.endswith(f" · none ✓ in {where}")


def test_no_backup_at_all_is_no_alarm() -> None:
    """The first one is still to come: the list says when."""
    line, alarm = told()

    assert "no backup yet" in line
    assert not alarm


@pytest.mark.parametrize(
    ("frequency", "fine", "late"),
    [
        (Frequency.DAILY, "2026-04-25T08:00:00", "2026-04-25T07:00:00"),
        (Frequency.WEEKLY, "2026-04-18T10:00:00", "2026-04-18T09:00:00"),
        (Frequency.MONTHLY, "2026-03-24T10:00:00", "2026-03-24T08:00:00"),
    ],
)
def test_the_patience_fits_the_frequency(frequency: Frequency, fine: str, late: str) -> None:
    """A period and some hours or days: a run that is a little late is no alarm."""
    assert not told(scheduled(fine), frequency=frequency)[1]
    assert told(scheduled(late), frequency=frequency)[1]


def test_a_problem_comes_with_the_age_of_the_last_good_backup() -> None:
    """A lost location says since when it has cost backups."""
    backend = PreparedBackend([scheduled("2026-04-23T03:00:00")])
    status = replace(backend.status(), location_problem=LocationError("It\x1b is gone."))

    head = headline(status, NOW, pid=1)

    assert head.schedule == "No verified backup for 3 d: It\\x1b is gone. · p tells more"
    assert head.alarm


def test_an_interrupted_restore_is_more_urgent_than_anything_else() -> None:
    """Whatever else is wrong waits until it is settled."""
    backend = PreparedBackend([scheduled("2026-04-23T03:00:00")])
    status = replace(backend.status(), location_problem=LocationError("It is gone."))

    head = headline(status, NOW, pid=1, interrupted=True)

    assert head.schedule == "A restore was interrupted: press Enter to finish or undo it"
    assert head.alarm


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        ("restore", "A restore is running"),
        ("rollback", "Undoing a restore is running"),
        ("create", "create is"),
    ],
)
def test_the_operation_of_another_process_is_named(operation: str, words: str) -> None:
    """With the key that shows it."""
    backend = PreparedBackend([scheduled("2026-04-26T03:00:00")])
    backend.job = JobRecord("j1", operation, NOW, pid=2, running=True)

    head = headline(backend.status(), NOW, pid=1)

    assert head.schedule.startswith(words)
    assert head.schedule.endswith("press w to watch")


def test_two_problems_are_counted_before_the_first_is_named() -> None:
    """A broken config.toml is not hidden by a lost location, on whatever width."""
    status = replace(
        PreparedBackend().status(),
        location_problem=LocationError("/mnt/nas is gone."),
        settings_problem=InvalidSettingsError("config.toml is broken."),
    )

    assert headline(status, NOW, pid=1).schedule == "2 problems: /mnt/nas is gone. · p tells more"


def test_a_database_that_cannot_be_backed_up_is_an_alarm_and_hides_no_backups() -> None:
    """The status line names it; an empty list is still said to be empty."""
    problem = DatabaseDamagedError("The database db.sqlite is empty.")
    status = replace(PreparedBackend().status(), database_problem=problem)

    head = headline(status, NOW, pid=1)

    assert (head.schedule, head.alarm) == ("The database db.sqlite is empty. · p tells more", True)
    assert empty_text(status).startswith("No backups yet.")


@pytest.mark.parametrize(
    "problem", [LocationError("/mnt/nas\x1b is gone."), InvalidSettingsError("/mnt/nas\x1b is broken.")]
)
def test_an_empty_list_does_not_deny_backups_that_cannot_be_seen(problem: KinoBackupError) -> None:
    """With its location gone, or not known for certain, the page does not say that there are none."""
    status = PreparedBackend().status()
    if isinstance(problem, LocationError):
        status = replace(status, location_problem=problem)
    else:
        status = replace(status, settings_problem=problem)

    assert empty_text(status) == (
        f"No backups can be seen. {problem.message.replace(chr(27), chr(92) + 'x1b')} Press p for what to do."
    )


def failing(code: str, message: str, nights: int = 2) -> Failing:
    """A series of failures."""
    return Failing(NOW - timedelta(days=2), NOW - timedelta(hours=6), nights, code, message, "Make room.")


def line_of(backend: PreparedBackend) -> str:
    """The second line, which has to be an alarm and to fit an ordinary terminal."""
    head = headline(backend.status(), NOW, pid=1)
    assert head.alarm
    assert len(head.schedule) <= ROOM
    return head.schedule


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("/mnt/nas", "no space on /mnt/nas"),
        ("/var/lib/kino/backups/of/kino", "no space in the location"),
    ],
)
def test_failing_nights_are_told_with_their_reason(location: str, reason: str) -> None:
    """How often, why and where, and the key that tells more."""
    backend = PreparedBackend([scheduled("2026-04-26T03:00:00")])
    backend.failing = failing("no_space", f"The archive needs 31.4 MB in {location}; 12.0 MB are free.")
    status = replace(backend.status(), location=Path(location))

    head = headline(status, NOW, pid=1)

    assert head.schedule == f"Backups have failed for 2 nights: {reason} · p tells more"
    assert head.alarm
    assert len(head.schedule) <= ROOM


def test_a_failure_for_want_of_space_elsewhere_names_no_wrong_place() -> None:
    """The working folder may be on another disk."""
    backend = PreparedBackend([scheduled("2026-04-26T03:00:00")])
    backend.failing = failing("no_space", "No room in /tmp\x1b.", nights=1)

    assert line_of(backend) == ("The last scheduled backup failed: No room in /tmp\\x1b. · p tells more")


def test_failing_runs_of_another_schedule_are_no_nights() -> None:
    """A weekly one fails by the run."""
    backend = PreparedBackend([scheduled("2026-04-26T03:00:00")])
    backend.settings = BackupSettings(frequency=Frequency.WEEKLY)
    backend.failing = failing("busy", "It is locked.")

    assert line_of(backend).startswith("Backups have failed for 2 runs: It is locked.")


def test_a_problem_that_can_be_seen_now_is_more_urgent_than_what_it_caused() -> None:
    """And the failures are its measure while no backup is overdue."""
    backend = PreparedBackend([scheduled("2026-04-26T03:00:00")])
    backend.location_problem = LocationError("/mnt/nas is gone.")
    backend.failing = failing("location_unavailable", "/mnt/nas is gone.")

    assert line_of(backend) == "Backups have failed for 2 nights: /mnt/nas is gone. · p tells more"
    (trouble,) = troubles_of(backend.status())
    assert trouble.title == "Scheduled backups fail"
    assert trouble.meaning(NOW, ZONE) == (
        "2 runs have failed since 2026-04-24 09:30, the last one 6 h ago. Your backups stay as they are."
    )


def test_a_failure_keeps_the_way_out_of_its_error() -> None:
    """An unknown disk that a night has met can be accepted where the failure is shown."""
    backend = PreparedBackend()
    backend.failing = failing("location_unknown", "Another disk.")

    (trouble,) = troubles_of(backend.status())

    assert isinstance(trouble.error, UnknownLocationError)
    assert trouble.error.hint == "Make room."


def test_a_schedule_that_nothing_runs_offers_the_key() -> None:
    """With the reason, if Kino is down."""
    backend = PreparedBackend([scheduled("2026-04-26T03:00:00")])
    backend.unattended = True
    assert line_of(backend) == "Nothing runs the schedule: press t to install the timer"

    backend.state = KinoState(running=False)
    assert line_of(backend) == ("Nothing runs the schedule while Kino is down: press t to install the timer")


def test_an_overdue_backup_comes_with_the_reason_that_nothing_runs() -> None:
    """One line says both."""
    backend = PreparedBackend([scheduled("2026-04-23T03:00:00")])
    backend.unattended = True

    assert line_of(backend) == "No verified backup for 3 d: nothing runs the schedule · t installs a timer"


def test_a_kino_that_is_down_is_no_alarm_beside_a_timer() -> None:
    """The timer backs up a Kino that does not run as well."""
    backend = PreparedBackend([scheduled("2026-04-26T03:00:00")])
    backend.state, backend.runner = KinoState(running=False), TIMER

    head = headline(backend.status(), NOW, pid=1)

    assert head.schedule.startswith("Daily at 03:00 Europe/Berlin · next in")
    assert not head.alarm


def test_a_timer_that_will_fail_says_why() -> None:
    """And t repairs it."""
    backend = PreparedBackend([scheduled("2026-04-26T03:00:00")])
    backend.runner = TIMER._replace(text=f"{TIMER.name}, only until the next boot", hint="install-service")

    assert line_of(backend) == "Press t to repair the timer: kino-backup-tui.timer, only until the next boot"
