"""The two status lines at the head of the page: what is true, and what to do about it."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, NamedTuple

from kino_backup_tui.core.errors import NoSpaceError, error_type
from kino_backup_tui.presentation import text
from kino_backup_tui.presentation.schedule_text import (
    failures_text,
    keep_text,
    schedule_text,
)

if TYPE_CHECKING:
    from pathlib import Path

    from kino_backup_tui.core.errors import KinoBackupError
    from kino_backup_tui.core.operations.failing import Failing
    from kino_backup_tui.core.operations.status import Status

_OVERDUE_AFTER = {
    "daily": timedelta(hours=26),
    "weekly": timedelta(days=8),
    "monthly": timedelta(days=33),
}
"""A missed run shows after its period and some patience."""

INTERRUPTED = "A restore was interrupted: press Enter to finish or undo it"
_IN_WORDS = {
    "restore": "A restore",
    "rollback": "Undoing a restore",
    "move": "Moving the backups",
    "reindex": "Bringing Kino's list in step",
    "run-due": "The scheduled backup",
}
_INSTALL = "press t to install the timer"
_SHORT_PATH = 14
"""Characters that leave the status line room for all the rest."""


class Headline(NamedTuple):
    """The text of the two lines."""

    title: str
    kino: str
    """Right of the title."""
    schedule: str
    alarm: bool = False
    """Whether the second line is about something the admin should act on."""


def problems_of(status: Status) -> list[KinoBackupError]:
    """What is wrong with the location, the database and the settings, the more urgent first."""
    problems = (status.location_problem, status.database_problem, status.settings_problem)
    return [problem for problem in problems if problem is not None]


class Problem(NamedTuple):
    """Something that is wrong, to be shown in full."""

    error: KinoBackupError
    failing: Failing | None = None
    """The series of failed runs that it ended last, if it is one."""

    @property
    def title(self) -> str:
        """What it is about."""
        return "Scheduled backups fail" if self.failing else "Something needs your attention"

    def meaning(self, now: datetime, zone: tzinfo) -> str:
        """What it means for the data."""
        stay = "Your backups stay as they are."
        if self.failing is None:
            return stay
        since, last = text.date_text(self.failing.since, zone), text.ago_text(self.failing.last, now)
        runs = "One run has" if self.failing.nights <= 1 else f"{self.failing.nights} runs have"
        return f"{runs} failed since {since}, the last one {last}. {stay}"


def troubles_of(status: Status) -> list[Problem]:
    """What is wrong, the more urgent first; why runs have failed only once where it is still so."""
    found = [Problem(error) for error in problems_of(status)]
    failing = status.failing
    if failing is not None:
        error = error_type(failing.code)(failing.message, hint=failing.hint)
        found = [problem for problem in found if problem.error.message != error.message]
        found.append(Problem(error, failing))
    return found


def headline(status: Status, now: datetime, pid: int, *, interrupted: bool = False) -> Headline:
    """Write both lines; `pid` is our own process, whose jobs have a screen of their own.

    `interrupted` says that a restore waits to be settled: nothing is more urgent.
    """
    schedule, alarm = (INTERRUPTED, True) if interrupted else _second_line(status, now, pid)
    running = {True: "● running", False: "○ not running", None: "? not known if running"}[status.kino.running]
    return Headline(
        title=f"Kino backups · {text.printable(status.host)} · {text.printable(str(status.data_path))}",
        kino=f"Kino {status.kino_version}  {running}",
        schedule=schedule,
        alarm=alarm,
    )


def _second_line(status: Status, now: datetime, pid: int) -> tuple[str, bool]:
    """The most urgent of what there is to say, and whether it is an alarm."""
    if status.job is not None and status.job.pid != pid:
        job = status.job
        started = text.ago_text(job.started_at, now)
        what = _IN_WORDS.get(job.operation, text.printable(job.operation))
        return f"{what} is running, started {started} · press w to watch", False
    problems = problems_of(status)
    overdue = _overdue(status, now)
    if problems:
        number = f"{len(problems)} problems" if len(problems) > 1 else ""
        before = "".join(f"{part}: " for part in (overdue or _failures(status), number) if part)
        return f"{before}{text.printable(problems[0].message)} · p tells more", True
    if not status.settings.runs:
        return f"Backups are off · press s to turn them on · {_newest(status, now)}", True
    if status.failing is not None:
        reason = failure_reason(status.failing, status.location)
        return f"{_failures(status)}: {text.printable(reason)} · p tells more", True
    zone = status.next_run.tzinfo if status.next_run else None
    plan = schedule_text(status.settings, status.terms, zone or status.terms.zone, now)
    due = f"next in {text.duration_text(status.next_run - now)}" if status.next_run else "no next run"
    if overdue and status.unattended:
        return f"{overdue}: nothing runs the schedule · t installs a timer", True
    if overdue:
        return f"{overdue} · press b to make one now · {due}", True
    if status.unattended:
        down = " while Kino is down" if status.kino.running is False else ""
        return f"Nothing runs the schedule{down}: {_INSTALL}", True
    if status.ailing_timer:
        return f"Press t to repair the timer: {text.printable(status.runner.text)}", True
    said = f"{plan} · {due} · {_newest(status, now)}"
    # The time on two clocks leaves no room for it in 80 columns; the form says it, too.
    keep = f" · {keep_text(status.settings.keep)}" if str(status.terms.zone) == status.zone else ""
    return f"{said}{keep}", False


def _failures(status: Status) -> str:
    return failures_text(status.failing, status.settings) if status.failing else ""


def failure_reason(failing: Failing, location: Path) -> str:
    """Why scheduled backups fail, in few words where it is known what lacks where; else as the error says."""
    # Room may be lacking in the data path as well: a place is named only if it is the one.
    if failing.code != NoSpaceError.code or str(location) not in failing.message:
        return failing.message
    return f"no space {f'on {location}' if _is_short(location) else 'in the location'}"


def _is_short(location: Path) -> bool:
    return len(str(location)) <= _SHORT_PATH


def _newest(status: Status, now: datetime) -> str:
    """The sign is the one of a verified backup in the list: others are no backup to rely on."""
    if status.newest_verified is None:
        return "no backup yet" if status.newest is None else f"none ✓ {_where(status) or 'yet'}"
    return f"newest ✓ {text.ago_text(status.newest_verified.created_at, now)}"


def _where(status: Status) -> str:
    """Where there is none, said only if the list has those of a former location."""
    if status.newest is None or not status.newest.elsewhere:
        return ""
    return f"in {text.printable(str(status.location)) if _is_short(status.location) else 'the location'}"


def _overdue(status: Status, now: datetime) -> str:
    patience = _OVERDUE_AFTER.get(status.settings.frequency.value)
    if patience is None or not status.settings.runs or status.newest is None:
        return ""
    newest = status.newest_verified.created_at if status.newest_verified else None
    if newest is None:
        where = _where(status)
        return f"None verified {where}" if where else "No verified backup yet"
    return f"No verified backup for {text.age_text(newest, now)}" if now - newest > patience else ""


def empty_text(status: Status) -> str:
    """What an empty list says: that there are none, unless there may be some out of sight."""
    problem = status.location_problem or status.settings_problem
    if problem is not None:
        return f"No backups can be seen. {text.printable(problem.message)} Press p for what to do."
    if not status.settings.runs:
        return "No backups yet. The schedule is off: press b to make one now."
    if status.unattended:
        return "No backups yet. Press b to make the first now, or t to have the schedule run."
    if status.next_run is None:
        return "No backups yet. Press b to make the first now."
    return f"No backups yet. The first runs {_when(status.next_run)}, or press b now."


def _when(run: datetime) -> str:
    # `next_run` is aware in the zone of the host, so its own clock is the one on the wall.
    return f"{text.day_text(run, run.tzinfo)} at {run:%H:%M}" if run.tzinfo else ""
