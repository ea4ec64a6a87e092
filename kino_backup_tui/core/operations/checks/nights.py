"""Whether backups come by themselves, at the right time, and whether they have."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta

from kino_backup_tui.core.clock import zone_problem
from kino_backup_tui.core.errors import ServiceError, StaleError
from kino_backup_tui.core.kino.command import command_for
from kino_backup_tui.core.kino.settings import Frequency
from kino_backup_tui.core.kino.systemctl import Manager, parse_properties
from kino_backup_tui.core.models import BackupStatus
from kino_backup_tui.core.operations.checks.base import Check, Facts, failure, good, skipped, warning
from kino_backup_tui.core.operations.freshness import span_text

_ASK_SECONDS = 10.0
_OVERDUE = {
    Frequency.DAILY: timedelta(hours=50),
    Frequency.WEEKLY: timedelta(days=15),
    Frequency.MONTHLY: timedelta(days=63),
}
"""Two periods of the schedule, and some hours."""


def check_clock(facts: Facts) -> Iterator[Check]:
    """The zone of the schedule, and whether the clock is set by anything."""
    name, zone = "clock", facts.status.zone
    now = facts.context.clock.now().astimezone(facts.session.zone)
    text = f"It is {now:%Y-%m-%d %H:%M} in {zone}"
    if problem := zone_problem():
        yield warning(name, problem, "Unset TZ, or set it to the name of a zone, such as Europe/Berlin.")
        return
    shown = _timedatectl(facts)
    if shown is None:
        yield good(name, f"{text}; nothing here tells whether the clock is synchronised.")
        return
    hosts = shown.get("Timezone", "")
    if os.environ.get("TZ") and hosts and hosts != zone:
        yield warning(
            name,
            f"TZ makes this a shell in {zone}, but the host, and with it the schedule, is in {hosts}.",
            "Unset TZ, or: timedatectl set-timezone ZONE",
        )
    elif shown.get("NTPSynchronized") == "no":
        yield warning(
            name,
            f"{text}, and the clock is not synchronised: backups may bear the wrong date.",
            "Run: timedatectl set-ntp true",
        )
    else:
        yield good(name, f"{text}, and the clock is synchronised.")


def check_schedule(facts: Facts) -> Iterator[Check]:
    """When the next backup is due, and who will make it."""
    name, status, kino = "schedule", facts.status, facts.context.kino
    if status.settings_problem is not None:
        yield skipped(name, "What is scheduled cannot be read.")
        return
    if not status.settings.runs:
        yield warning(
            name,
            "Scheduled backups are off.",
            f"Run: {command_for(kino, 'schedule', 'set', '--enabled', '--frequency', 'daily')}",
        )
        return
    if status.next_run is None:  # its own list holds it up, see the check of that
        yield warning(name, "Kino is expected to make no scheduled backup any more.")
        return
    runner, at = status.runner, f"The next backup is due {status.next_run:%Y-%m-%d %H:%M %z}"
    if runner.kind == "none" or not runner.active:
        yield warning(name, f"{at}, but {runner.text}.", runner.hint)
    elif runner.hint:
        yield warning(name, f"{at}: {runner.text}.", runner.hint)
    elif status.unattended:
        yield warning(
            name,
            f"{at}, by {runner.text}, which does not run now.",
            f"Run: {command_for(kino, 'install-service')}",
        )
    else:
        yield good(name, f"{at}, by {runner.text}.")
    if (failing := status.failing) is not None:
        since = failing.since.astimezone(facts.session.zone)
        text = f"Scheduled backups have failed since {since:%Y-%m-%d %H:%M} ({failing.nights}): "
        yield failure("nights", StaleError(f"{text}{failing.message}", hint=failing.hint))


def check_freshness(facts: Facts) -> Iterator[Check]:
    """The newest backup that one could rely on, and those that one could not."""
    name, fresh, counts = "backups", facts.status.freshness, facts.status.counts
    kino = facts.context.kino
    if fresh.newest is None or fresh.age is None:
        yield warning(name, "There is no verified backup.", f"Run: {command_for(kino, 'create')}")
    else:
        text = f"The newest verified backup is {fresh.newest.filename}, {span_text(fresh.age)} old."
        overdue = _OVERDUE.get(facts.status.settings.frequency)
        if facts.status.settings.runs and overdue is not None and fresh.age > overdue:
            yield failure(name, StaleError(text, hint=f"Run: {command_for(kino, 'create')}"))
        else:
            yield good(name, text)
    bad = {state: counts.get(state, 0) for state in (BackupStatus.DAMAGED, BackupStatus.UNREADABLE)}
    if any(bad.values()):
        said = " and ".join(f"{count} {state.value}" for state, count in bad.items() if count)
        yield warning(
            "archives",
            f"Among the backups, {said}.",
            f"Run: {command_for(kino, 'verify', '--all')}; then delete those that stay so.",
        )


def _timedatectl(facts: Facts) -> dict[str, str] | None:
    try:
        asked = ("show", "-p", "NTPSynchronized", "-p", "Timezone")
        answer = Manager(facts.environ).run("timedatectl", *asked, seconds=_ASK_SECONDS)
    except ServiceError:
        return None
    return parse_properties(answer.output) if answer.code == 0 else None
