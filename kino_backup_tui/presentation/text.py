"""Core values as plain text. No colour, no mark-up, no opinion on width."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

from kino_backup_tui.core.catalog.retention import Fate, FateReason
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus, EntryRole

if TYPE_CHECKING:
    from kino_backup_tui.core.archive.manifest import Manifest

NOT_KNOWN = "–"

KIND_NAMES: Mapping[BackupKind, str] = {
    BackupKind.SCHEDULED: "Scheduled",
    BackupKind.MANUAL: "Manual",
    BackupKind.PRE_RESTORE: "Pre-restore",
}

STATUS_NAMES: Mapping[BackupStatus, str] = {
    BackupStatus.VERIFIED: "✓ verified",
    BackupStatus.UNVERIFIED: "· unverified",
    BackupStatus.DAMAGED: "✗ damaged",
    BackupStatus.UNREADABLE: "? unreadable",
}

STAGE_NAMES: Mapping[str, str] = {
    "waiting": "Waiting for another operation",
    "database_snapshot": "Copying the database",
    "hashing": "Hashing and counting",
    "packing": "Packing",
    "reading_back": "Reading back",
    "checking_database": "Checking the database",
    "copying": "Copying",
    "reading": "Reading the archive",
    "deleting": "Deleting",
    "moving": "Moving the backups",
    "checking_archive": "Checking the archive",
    "staging": "Staging",
    "safety_backup": "Safety backup",
    "waiting_for_kino": "Waiting for Kino to end",
    "stopping": "Stopping Kino",
    "swapping": "Swapping",
    "starting": "Starting Kino",
    "checking_health": "Checking health",
    "rolling_back": "Rolling back",
    "restarting": "Starting Kino again",
}
"""By the values of `Stage`, which a listing does not need to load."""

WAY_BACK = "↩ way back"
"""What marks the pre-restore backup of the last restore in a list."""

_LIBRARY = (
    ("film", "film", "films"),
    ("movie", "film", "films"),
    ("series", "series", "series"),
    ("show", "series", "series"),
    ("watch_event", "watch event", "watch events"),
)


def duration_text(span: timedelta) -> str:
    """A span in its two largest sensible units: "5 h 12 min", "3 d", "40 s"."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours and days < 3 else f"{days} d"


def age_text(then: datetime | None, now: datetime) -> str:
    """How long ago, in one unit: "now", "12 min", "6 h", "2 d"; "in future" for a clock that was ahead."""
    if then is None:
        return NOT_KNOWN
    seconds = int((now - then).total_seconds())
    if seconds < -60:
        return "in future"
    if seconds < 60:
        return "now"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 86400:
        return f"{seconds // 3600} h"
    return f"{seconds // 86400} d"


def ago_text(then: datetime | None, now: datetime) -> str:
    """The age in a sentence: "6 h ago", "just now"."""
    age = age_text(then, now)
    return {"now": "just now", "in future": "in the future", NOT_KNOWN: "at an unknown time"}.get(
        age, f"{age} ago"
    )


def date_text(then: datetime | None, zone: tzinfo) -> str:
    """Date and time of day in a zone: "2026-04-26 03:00"."""
    local = None if then is None else _local(then, zone)
    return NOT_KNOWN if local is None else local.strftime("%Y-%m-%d %H:%M")


def run_text(then: datetime, zone: tzinfo) -> str:
    """A coming run with its offset, so that a clock change is visible: "Mon 27 Apr 03:00 +0200"."""
    local = _local(then, zone)
    return NOT_KNOWN if local is None else f"{local:%a} {local.day} {local:%b %H:%M %z}"


def day_text(then: datetime, zone: tzinfo) -> str:
    """A day without the year: "3 May"."""
    local = _local(then, zone)
    return NOT_KNOWN if local is None else f"{local.day} {local:%b}"


def _local(then: datetime, zone: tzinfo) -> datetime | None:
    """The instant in a zone; None if it has no date there, as at the very ends of the calendar."""
    try:
        return then.astimezone(zone)
    except (OverflowError, ValueError):
        return None


def kind_text(backup: Backup) -> str:
    """The kind as Kino's page writes it; for other files what they are."""
    if backup.role is EntryRole.LEFTOVER:
        return "Leftover"
    if backup.role is EntryRole.FOREIGN:
        return "Foreign"
    if backup.role is EntryRole.MISSING:
        return "No file"
    return KIND_NAMES[backup.kind] if backup.kind else "Unknown"


def state_text(backup: Backup) -> str:
    """What is known of the contents, as a sign and a word."""
    if backup.role is EntryRole.LEFTOVER:
        return "… unfinished"
    if backup.role is EntryRole.FOREIGN:
        return "  not a backup"
    if backup.role is EntryRole.MISSING:
        return "! missing file"
    return STATUS_NAMES[backup.status]


def is_way_back(backup: Backup, way_back: str) -> bool:
    """Whether it is the pre-restore backup of the last restore, whose file name is `way_back`."""
    recovery = backup.kind is BackupKind.PRE_RESTORE and backup.role is EntryRole.BACKUP
    return recovery and backup.filename == way_back


def library_text(tables: Mapping[str, int]) -> str:
    """The library in numbers: "312 films · 14 series · 1,204 watch events"; empty if there are none."""
    parts = [
        f"{tables[table]:,} {one if tables[table] == 1 else many}"
        for table, one, many in _LIBRARY
        if table in tables
    ]
    return " · ".join(parts)


def contents_text(manifest: Manifest) -> str:
    """What the archive holds: "config, database, 3 secrets"."""
    paths = [content.path for content in manifest.contents]
    secrets = sum(path.startswith("secrets/") for path in paths)
    parts = []
    if "config.toml" in paths:
        parts.append("config")
    if {"db.sqlite", "kino.db"} & set(paths):
        parts.append("database")
    if secrets:
        parts.append(f"{secrets} secret" + ("s" if secrets > 1 else ""))
    return ", ".join(parts) or "contents not recorded"


def summary_text(backup: Backup) -> str:
    """One line on what is inside: library, schema, members."""
    if backup.role is EntryRole.MISSING:
        return "Only the entry is left: nothing can be restored from it, and d removes it."
    if backup.manifest is None:
        return "" if backup.problem else "Its manifest has not been read yet."
    parts = [library_text(backup.manifest.tables)]
    if backup.schema_version is not None:
        parts.append(f"schema {backup.schema_version}")
    parts.append(contents_text(backup.manifest))
    parts.append(unlisted_text(backup))
    return " · ".join(part for part in parts if part)


def unlisted_text(backup: Backup) -> str:
    """Whether Kino's own page lacks it; empty if not."""
    return "not on Kino's own page" if backup.unlisted else ""


def fate_text(fate: Fate, zone: tzinfo) -> str:
    """Why retention keeps a backup, or when it goes."""
    if fate.reason is FateReason.COUNTED:
        place = "newest" if fate.rank == 1 else f"number {fate.rank}"
        goes = f" · goes on {day_text(fate.goes_at, zone)}" if fate.goes_at else ""
        return f"Kept: {place} of {fate.keep}{goes}." if fate.keep else "Kept: all scheduled ones are."
    return {
        FateReason.NEXT_TO_GO: f"Goes with the next prune: beyond the {fate.keep} that are kept.",
        FateReason.NEXT_TO_GO_BY_KINO: f"Goes at Kino's next scheduled backup: beyond the {fate.keep} kept.",
        FateReason.MANUAL: "Kept: manual backups stay until you delete them.",
        FateReason.PRE_RESTORE: "Kept: pre-restore backups stay until you delete them.",
        FateReason.KIND_UNKNOWN: "Kept: its kind is not known.",
        FateReason.IMPORTED: "Kept: imported backups stay until you delete them.",
        FateReason.OTHER_INSTALLATION: "Kept: made by another installation of Kino.",
        FateReason.MADE_BY_KINO: "Kept: only Kino removes its own scheduled ones.",
        FateReason.UNVERIFIED: "Kept, not counted: not verified yet.",
        FateReason.DAMAGED: "Kept, not counted: damaged ones are yours to delete.",
        FateReason.ELSEWHERE: "Kept: in a former location.",
        FateReason.AHEAD: "Kept, not counted: dated after now, so a clock is or was wrong.",
        FateReason.NOT_A_BACKUP: "Not touched: not a backup.",
    }[fate.reason]


def verified_text(backup: Backup, now: datetime) -> str:
    """When and with what result the backup was last read to its end."""
    if backup.problem:
        return backup.problem
    if backup.status is BackupStatus.VERIFIED:
        return f"Verified {ago_text(backup.verified_at, now)}."
    return "Written, not verified yet."


def reservation_text(backup: Backup) -> str:
    """What to say beside the state of a backup: what is wrong with it, or what could not be compared."""
    if backup.problem or backup.manifest is None or backup.manifest.contents:
        return backup.problem
    return "whole, with a sound database; nothing recorded in it to compare with"


def delete_title(backup: Backup) -> str:
    """What is about to be deleted."""
    if backup.role is EntryRole.MISSING:
        return "Remove this entry?"
    recovery = backup.kind is BackupKind.PRE_RESTORE
    return "Delete this recovery point?" if recovery else "Delete this file?"


def delete_question(backup: Backup, zone: tzinfo) -> str:
    """What to ask before deleting; a recovery point is asked for in other words."""
    if backup.role is EntryRole.MISSING:
        return f"Remove {printable(backup.filename)}, which has no file, from Kino's own list?"
    if backup.role is not EntryRole.BACKUP:
        return f"Delete the unfinished file {printable(backup.filename)}?"
    when = f"of {date_text(backup.created_at, zone)}" if backup.created_at else printable(backup.filename)
    if backup.kind is BackupKind.PRE_RESTORE:
        return (
            f"This is the state of Kino from before a restore, saved {date_text(backup.created_at, zone)}. "
            "Without it that restore can no longer be undone. Delete this recovery point?"
        )
    name = KIND_NAMES[backup.kind].lower() if backup.kind else ""
    return f"Delete the {name} backup {when}?".replace("  ", " ")


def printable(text: str) -> str:
    """Text from outside with control and direction-changing characters shown as escapes."""
    return "".join(
        char
        if not unicodedata.category(char).startswith("C")
        else char.encode("unicode_escape", "replace").decode()
        for char in text
    )


def utf8_text(text: str) -> str:
    """A text that may quote a file name, with a replacement character for each byte that is no UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
