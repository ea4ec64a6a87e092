"""The schedule as plain text: when it runs, what it removes, how its runs fail, what a move brings along."""

from __future__ import annotations

from datetime import datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING

from kino_backup_tui.core.sizes import size_text
from kino_backup_tui.presentation.text import printable, run_text, state_text

if TYPE_CHECKING:
    from kino_backup_tui.core.kino.settings import BackupSettings
    from kino_backup_tui.core.operations.failing import Failing
    from kino_backup_tui.core.operations.moving import Left
    from kino_backup_tui.core.operations.run_due import DueRun
    from kino_backup_tui.core.timetable import Terms


def schedule_text(settings: BackupSettings, terms: Terms, zone: tzinfo, now: datetime) -> str:
    """The schedule with its clock, and when it is switched off what it would be."""
    if settings.frequency.value == "off":
        return "Backups are off"
    when = f"{_frequency(settings, terms)} {clock_text(settings.time, terms, zone, now)}"
    return when if settings.enabled else f"Backups are off; once enabled: {when}"


def clock_text(at: time, terms: Terms, zone: tzinfo, now: datetime) -> str:
    """Whose time of day it is, and if not the host's, when it is that here next: "UTC = 05:00 +0200"."""
    name = printable(str(terms.zone))
    if name == str(zone) or str(zone).endswith(f"/{name}"):
        return name
    then = datetime.combine(now.astimezone(terms.zone).date(), at, terms.zone)
    local = (then if then > now else then + timedelta(days=1)).astimezone(zone)
    return f"{name} = {local:%H:%M %z}"


def keep_text(keep: int) -> str:
    """How many scheduled backups are kept: "keep 7", "keep all"."""
    return f"keep {keep}" if keep else "keep all"


def _frequency(settings: BackupSettings, terms: Terms) -> str:
    at = settings.time.strftime("%H:%M")
    if apart := terms.apart.get(settings.frequency):
        return f"Every {apart.days} days at {at}"
    return {
        "daily": f"Daily at {at}",
        "weekly": f"Sundays at {at}",
        "monthly": f"On the 1st at {at}",
    }[settings.frequency.value]


def due_text(run: DueRun, zone: tzinfo) -> str:
    """How a run of the schedule ended, and what comes next."""
    if run.outcome.value == "off":
        return "Backups are off; nothing to do."
    then = f" The next run is {run_text(run.next_run, zone)}." if run.next_run else ""
    if run.backup is not None:
        removed = f", {len(run.removed)} removed" if run.removed else ""
        size, state = size_text(run.backup.size_bytes), state_text(run.backup).strip()
        return f"Created {printable(run.backup.filename)}: {size}, {state}{removed}.{then}"
    if run.problem is None:
        return f"Nothing is due.{then}"
    if run.slot is None:
        return "Nothing can be scheduled until then."
    stays = "is given up" if run.slot_used_up else "stays due"
    return f"The run of {run_text(run.slot, zone)} {stays}.{then}"


def removes_text(count: int, keep: int, *, by_kino: bool) -> str:
    """What retention will do to backups that were named; `by_kino` is whether that is Kino's own doing."""
    what, it = ("This backup is", "it") if count == 1 else (f"These {count} backups are", "them")
    who = "Kino's next run" if by_kino else "the next run, or `prune`,"
    return f"{what} beyond the {keep} scheduled ones that are kept: {who} removes {it}."


def failing_text(failing: Failing, settings: BackupSettings) -> str:
    """How often scheduled backups have failed, and why: the first words hold how bad it is."""
    return f"{failures_text(failing, settings)}: {failing.message}"


def failures_text(failing: Failing, settings: BackupSettings) -> str:
    """How often scheduled backups have failed, counted in nights if there is one every night."""
    nightly = settings.frequency.value == "daily"
    if failing.nights <= 1:
        return "The last scheduled backup failed"
    return f"Backups have failed for {failing.nights} {'nights' if nightly else 'runs'}"


def counted_text(count: int) -> str:
    """So many backups: "1 backup", "9 backups"."""
    return f"{count:,} backup" + ("" if count == 1 else "s")


def left_text(left: Left) -> str:
    """A backup that was not moved, and why."""
    return f"{left.backup.path}: {left.why}"
