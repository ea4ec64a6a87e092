"""What the schedule form says of the settings in it."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from kino_backup_tui.core.kino.settings import Frequency
from kino_backup_tui.core.sizes import size_text
from kino_backup_tui.presentation import text
from kino_backup_tui.presentation.schedule_text import schedule_text

if TYPE_CHECKING:
    from kino_backup_tui.core.operations.schedule import SchedulePreview
    from kino_backup_tui.core.timetable import Terms

_NAMES_SHOWN = 3
_FREQUENCIES = {
    Frequency.DAILY: "Daily",
    Frequency.WEEKLY: "Weekly",
    Frequency.MONTHLY: "Monthly",
    Frequency.OFF: "Off",
}
_DAYS = {Frequency.WEEKLY: " (Sunday)", Frequency.MONTHLY: " (1st)"}


def location_remark(preview: SchedulePreview) -> str:
    """What to know of the place: room, and whether it fails together with Kino's data."""
    if preview.location_problem:
        return f"✗ {text.printable(preview.location_problem)}"
    free = "" if preview.free_bytes is None else f"{size_text(preview.free_bytes)} free · "
    if preview.same_disk:
        return f"{free}same disk as Kino's data: a disk failure takes both"
    return f"{free}another disk than Kino's data"


def remarks_text(preview: SchedulePreview) -> str:
    """Where Kino goes by something else than one would think, a line each."""
    return "\n".join(f"! {text.printable(remark)}" for remark in (*preview.remarks, *preview.terms.remarks))


def frequency_label(frequency: Frequency, terms: Terms) -> str:
    """A preset and the days it means."""
    if apart := terms.apart.get(frequency):
        return f"{_FREQUENCIES[frequency]} ({apart.days} d)"
    return f"{_FREQUENCIES[frequency]}{_DAYS.get(frequency, '')}"


def saved_text(saved: SchedulePreview, zone: tzinfo, now: datetime) -> str:
    """That it was saved, and what holds from now on."""
    settings = saved.settings
    when = schedule_text(settings, saved.terms, zone, now) if settings.runs else "Backups are off"
    return f"Schedule saved: {when}"


def runs_text(preview: SchedulePreview, zone: tzinfo) -> str:
    """The next runs. The time is shown again where it, or its offset, is another than the run's before."""
    parts: list[str] = []
    shown = ""
    for run in preview.next_runs:
        local = run.astimezone(zone)
        time = f"{local:%H:%M %z}"
        day = f"{local:%a} {text.day_text(run, zone)}"
        parts.append(day if time == shown else f"{day} {time}")
        shown = time
    return " · ".join(parts) or "never: nothing is scheduled"


def removes_text(preview: SchedulePreview) -> str:
    """What retention would remove under these settings, by name."""
    keep = preview.settings.keep
    if not keep:
        return "Kino never removes any, and neither does this program"
    if not preview.removes:
        return f"{keep} removes nothing now"
    names = [text.printable(backup.filename) for backup in preview.removes[:_NAMES_SHOWN]]
    more = len(preview.removes) - len(names)
    return "\n".join([f"{keep} removes at the next run:", *names, *([f"and {more} more"] if more else [])])
