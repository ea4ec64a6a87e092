"""The two status lines at the head of the page: what is true, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from kino_backup_tui.presentation import text

if TYPE_CHECKING:
    from kino_backup_tui.core.errors import KinoBackupError
    from kino_backup_tui.core.operations.status import Status

_OVERDUE_AFTER = {
    "daily": timedelta(hours=26),
    "weekly": timedelta(days=8),
    "monthly": timedelta(days=33),
}
"""A missed run shows after its period and some patience."""

INTERRUPTED = "A restore was interrupted: press Enter to finish or undo it"
_IN_WORDS = {"restore": "A restore", "rollback": "Undoing a restore"}


@dataclass(frozen=True, slots=True)
class Headline:
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
    if status.job is not None and status.job.pid != pid:
        job = status.job
        started = text.ago_text(job.started_at, now)
        what = _IN_WORDS.get(job.operation, text.printable(job.operation))
        return f"{what} is running, started {started} · press w to watch", False
    problems = problems_of(status)
    if problems:
        number = f"{len(problems)} problems" if len(problems) > 1 else ""
        before = "".join(f"{part}: " for part in (_overdue(status, now), number) if part)
        return f"{before}{text.printable(problems[0].message)} · p tells more", True
    if not status.settings.runs:
        return f"Backups are off · press s to turn them on · {_newest(status, now)}", True
    plan = f"{text.frequency_text(status.settings)} {text.printable(status.zone)}"
    if status.kino.running is False:
        return f"{plan} · no run until Kino is started · {_newest(status, now)}", True
    due = f"next in {text.duration_text(status.next_run - now)}" if status.next_run else "no next run"
    overdue = _overdue(status, now)
    if overdue:
        return f"{overdue} · press b to make one now · {due}", True
    return f"{plan} · {due} · {_newest(status, now)} · keep {status.settings.keep}", False


def _newest(status: Status, now: datetime) -> str:
    """The sign is the one of a verified backup in the list: others are no backup to rely on."""
    if status.newest_verified is None:
        return "no backup yet" if status.newest is None else "none ✓ yet"
    return f"newest ✓ {text.ago_text(status.newest_verified.created_at, now)}"


def _overdue(status: Status, now: datetime) -> str:
    patience = _OVERDUE_AFTER.get(status.settings.frequency.value)
    if patience is None or not status.settings.runs or status.newest is None:
        return ""
    newest = status.newest_verified.created_at if status.newest_verified else None
    if newest is None:
        return "No verified backup yet"
    return f"No verified backup for {text.age_text(newest, now)}" if now - newest > patience else ""


def empty_text(status: Status) -> str:
    """What an empty list says: that there are none, unless there may be some out of sight."""
    problem = status.location_problem or status.settings_problem
    if problem is not None:
        return f"No backups can be seen. {text.printable(problem.message)} Press p for what to do."
    if not status.settings.runs:
        return "No backups yet. The schedule is off: press b to make one now."
    if status.kino.running is False or status.next_run is None:
        return "No backups yet. Press b to make the first now."
    return f"No backups yet. The first runs {_when(status.next_run, status)}, or press b now."


def _when(run: datetime, status: Status) -> str:
    # `next_run` is aware in the zone of the host, so its own clock is the one on the wall.
    return f"{text.day_text(run, run.tzinfo)} at {status.settings.time:%H:%M}" if run.tzinfo else ""
