"""How old the newest backup is that one could rely on: judged by the files there are, not by what has run.

A timer that ran, a job that reported success, and a date in a file all outlive the backup they speak of.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from kino_backup_tui.core.catalog.dates import Dates
from kino_backup_tui.core.errors import StaleError, UsageError
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus

if TYPE_CHECKING:
    from kino_backup_tui.core.kino.home import Kino

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_LONGEST = timedelta(days=3650)
_SKEW = timedelta(minutes=5)
"""How far in the future a backup may be without a wrong clock: that of a mounted disk's host, for one."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """The newest verified backup of this Kino in the current location, and how old it is."""

    newest: Backup | None
    """Not a pre-restore one, and not from the future; None if there is none."""
    age: timedelta | None
    """Never negative; None without a backup."""
    ahead: Backup | None = None
    """A verified backup of later than now: made while a clock was wrong, so it says nothing of age."""

    def within(self, max_age: timedelta) -> bool:
        """Whether there is one that is no older."""
        return self.age is not None and self.age <= max_age


def measure_freshness(backups: Iterable[Backup], instance: str | None, dates: Dates) -> Freshness:
    """Judge the backups of a listing; `instance` is the id of this installation, None if it is lost.

    One that a wrong clock has dated does not count, also not when the clock gets there: it is older.
    """
    now = dates.now
    good = [
        backup
        for backup in backups
        if counts_as_fresh(backup, instance) and backup.filename not in dates.disbelieved
    ]
    dated = sorted((backup.created_at, backup.filename, backup) for backup in good if backup.created_at)
    past = [entry for entry in dated if entry[0] <= now + _SKEW]
    ahead = dated[-1][2] if dated and dated[-1][0] > now + _SKEW else None
    if not past:
        return Freshness(None, None, ahead)
    created_at, _, newest = past[-1]
    return Freshness(newest, max(now - created_at, timedelta()), ahead)


def counts_as_fresh(backup: Backup, instance: str | None) -> bool:
    """Whether a backup counts as "there is a good one".

    The state from before a restore does not, nor one in a former location, nor one that another installation
    has put into a location that both use: it would hide for good that ours are missing.
    """
    return (
        backup.status is BackupStatus.VERIFIED
        and backup.kind is not BackupKind.PRE_RESTORE
        and not backup.elsewhere
        and is_of(backup, instance)
    )


def is_of(backup: Backup, instance: str | None) -> bool:
    """Whether this installation, or Kino itself, whose archives name none, may have made a backup."""
    origin = backup.manifest.instance if backup.manifest else ""
    return not origin or instance is None or origin == instance


def parse_max_age(text: str) -> timedelta:
    """Read "90m", "26h" or "2d"; raises `UsageError` saying what is allowed."""
    match = re.fullmatch(r"([0-9]{1,7})\s*([mhd])", text.strip())
    span = int(match[1]) * _UNITS[match[2]] if match else timedelta()
    if not timedelta() < span <= _LONGEST:
        raise UsageError(
            f"{text!r} is no age.", hint="Give a whole number with m, h or d, such as 90m, 26h or 2d."
        )
    return span


def stale_error(
    freshness: Freshness, max_age: timedelta, newest: Backup | None, kino: Kino
) -> StaleError | None:
    """Why the backups are too old, in a sentence; None if they are not.

    `newest` is the newest backup of all, to say what could be done with it.
    """
    if freshness.within(max_age):
        return None
    from kino_backup_tui.core.kino.command import command_for

    hint = f"`{command_for(kino, 'create')}` makes one now."
    if newest is not None and newest.status is BackupStatus.UNVERIFIED and newest != freshness.newest:
        proof = command_for(kino, "verify", newest.filename)
        hint = f"{newest.filename} is not verified: `{proof}` proves it. {hint}"
    if freshness.ahead is not None:
        hint = f"{freshness.ahead.filename} is from the future: is the clock of this host right? {hint}"
    if freshness.newest is None or freshness.age is None:
        return StaleError("There is no verified backup of this Kino in its backup location.", hint=hint)
    return StaleError(
        f"The newest verified backup is {span_text(freshness.age)} old, more than {span_text(max_age)}: "
        f"{freshness.newest.filename}.",
        hint=hint,
    )


def span_text(span: timedelta) -> str:
    """A span in whole minutes, rounded up, so that two of them can be compared: "1 d 2 h 5 min"."""
    minutes = math.ceil(span.total_seconds() / 60)
    days, minutes = divmod(minutes, 24 * 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{count} {unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if count]
    return " ".join(parts) or "0 min"
