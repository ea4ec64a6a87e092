"""What forbids a restore, or should be known before one: each thing by itself, for the plan to collect."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from kino_backup_tui.core.archive.manifest import is_raw
from kino_backup_tui.core.errors import (
    IncompatibleError,
    KinoBackupError,
    NoSpaceError,
    NotPermittedError,
)
from kino_backup_tui.core.files import free_bytes, storage_errors, user_name
from kino_backup_tui.core.kino.command import command_for
from kino_backup_tui.core.kino.config_row import TABLE as SETTINGS
from kino_backup_tui.core.kino.database import MIGRATIONS
from kino_backup_tui.core.kino.releases import is_in_table, migrations_of, releases_with
from kino_backup_tui.core.models import Migration
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.examine import Examined, not_saved
from kino_backup_tui.core.operations.present import Present
from kino_backup_tui.core.operations.session import Session
from kino_backup_tui.core.restore.compare import (
    incompatibility,
    is_readable_config,
    newer_number,
    newer_version,
    one_of,
)
from kino_backup_tui.core.restore.journal import Phase, Record, read_record
from kino_backup_tui.core.sizes import size_text


def incompatibilities(
    examined: Examined, present: Present, session: Session, *, rollback: bool
) -> Iterator[KinoBackupError]:
    """Why this Kino cannot have what the archive holds; a rollback may have more than a restore."""
    manifest = examined.read.manifest
    if is_raw(manifest) and not rollback:
        yield IncompatibleError(
            "This backup keeps a database as it was found, damaged: it can only undo the restore before "
            "which it was made.",
            hint=f"Choose another backup, or `{command_for(session.kino, 'rollback')}`.",
        )
    problem: KinoBackupError | None
    if _is_foreign(examined, present):
        yield IncompatibleError(
            "The backup's database is none of Kino: it has no list of migrations, and Kino would take it for "
            "a new one.",
            hint="Choose another backup.",
        )
        return
    if _settings_in(examined) is None and not rollback:
        yield IncompatibleError(
            f"The backup's database is none of Kino: it has no table {SETTINGS}, so Kino would not "
            "start on it, or would take it for a new one.",
            hint="Choose another backup.",
        )
        return
    if _is_half_migrated(examined) and not rollback:
        yield IncompatibleError(
            "A migration of the backup's database has not come to its end: Kino is expected not to start "
            "on it.",
            hint="Choose another backup.",
        )
    theirs = examined.facts.migrations if examined.facts else ()
    installed = migrations_of(present.installed) if is_in_table(theirs) else ()
    if installed and not rollback:
        # The program that is installed decides: the live database may be of the one before an upgrade.
        problem = incompatibility(theirs, installed, manifest.kino_version)
    elif rollback or present.facts is None or examined.facts is None:
        # The state from before was this Kino's own; the restored one may be of an older Kino.
        problem = newer_version(manifest.kino_version, present.installed)
    elif theirs and present.facts.migrations:
        ours = tuple(dict.fromkeys((*_before_last_restore(session), *present.facts.migrations)))
        problem = incompatibility(theirs, ours, manifest.kino_version)
    else:
        problem = newer_number(manifest.schema_version, present.facts.schema_version or None)
    if problem is not None:
        yield problem


def _is_foreign(examined: Examined, present: Present) -> bool:
    """Whether the database lacks what the live one has, and every database that Kino has started on."""
    there = present.facts is not None and MIGRATIONS in present.facts.tables
    return there and examined.facts is not None and MIGRATIONS not in examined.facts.tables


def _settings_in(examined: Examined) -> int | None:
    """How many rows of settings there are, where they belong into the database; None without their table."""
    if examined.layout.config is not None or examined.facts is None:
        return 1
    return examined.facts.tables.get(SETTINGS)


def _is_half_migrated(examined: Examined) -> bool:
    """Whether sqlx would call the database dirty: a migration is noted in it, and not as successful."""
    facts = examined.facts
    return facts is not None and facts.tables.get(MIGRATIONS, 0) > len(facts.migrations)


def restore_in_effect(session: Session) -> Record | None:
    """The newest restore that was kept; of one that has begun, the one before it."""
    try:
        record = read_record(session.workspace)
    except KinoBackupError:
        return None
    if record is not None and record.phase is not Phase.CONFIRMED:
        return record.earlier
    return record


def _before_last_restore(session: Session) -> tuple[Migration, ...]:
    """What Kino had run when the last restore replaced its database, perhaps by one of an older Kino.

    Until Kino has been started on that, the database itself says less than Kino knows.
    """
    record = restore_in_effect(session)
    if record is None or not record.way_back:
        return ()
    saved = next((backup for backup in session.scan()[0] if backup.filename == record.way_back), None)
    return saved.manifest.migrations if saved is not None and saved.manifest is not None else ()


def edition_remarks(examined: Examined, present: Present) -> Iterator[str]:
    """Which releases can start on a backup, where nothing tells which one is here."""
    theirs = examined.facts.migrations if examined.facts else ()
    known = migrations_of(present.installed) or (present.facts and present.facts.migrations)
    if not known and (releases := releases_with(theirs)):
        yield (
            f"The backup's database is one of Kino {one_of(releases)}, and no other is expected to start on "
            "it. Which Kino is here is not known."
        )


def remarks(examined: Examined, session: Session) -> Iterator[str]:
    """What the admin should know of the archive, and what does not forbid the restore."""
    manifest = examined.read.manifest
    if not manifest.contents:
        yield "The archive records no digests: there was nothing to compare its contents with."
    if manifest.instance and manifest.instance != session.workspace.instance():
        yield f"It was made by another installation, on {manifest.host or 'a host that is not named'}."
    for item in not_saved(manifest):
        yield f"{item.path} is not in the backup: {item.reason}."
    if _settings_in(examined) == 0:
        yield "There are no settings in the backup: Kino begins with its own, and with another API key."
    if not is_readable_config(examined.config):
        yield "The backup's config.toml is not valid TOML: Kino may refuse to start with it."


def rights_problem(context: Context, session: Session) -> KinoBackupError | None:
    """Why this user cannot replace Kino's files; None if they can."""
    if (problem := session.workspace.unwritable_problem()) is not None:
        return problem
    if os.geteuid() in (0, context.kino.owner.uid):
        return None
    return NotPermittedError(
        f"Files in {context.kino.data_path} belong to another user; you are {user_name()}.",
        hint="Run as root or as Kino's own user, for example with sudo.",
    )


def require_room(folder: Path, size: int) -> None:
    """Raise `NoSpaceError` unless so many bytes can be unpacked there."""
    with storage_errors(folder, "measure the free space of"):
        if free_bytes(folder) < size:
            raise no_room("Staging", folder, size)


def no_room(step: str, folder: Path, size: int) -> NoSpaceError:
    """The error of a step that does not fit."""
    free = free_bytes(folder)
    return NoSpaceError(
        f"{step} needs {size_text(size)} in {folder}; {size_text(free)} are free.",
        hint="Free space there, then retry.",
    )
