"""Keeping Kino's own list of backups in step with the files, one backup at a time.

The files are what counts: a list that is locked, damaged or of another shape is a warning, and never a reason
why a backup is not made, kept or deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from kino_backup_tui.core.archive.manifest import is_raw
from kino_backup_tui.core.archive.names import UNKNOWN_VERSION
from kino_backup_tui.core.errors import IncompatibleError, KinoBackupError
from kino_backup_tui.core.kino.command import command_for
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.index import MANUAL, SCHEDULED, IndexRow, beyond, created_at_text, index_of
from kino_backup_tui.core.kino.releases import migrations_of
from kino_backup_tui.core.models import Backup, Migration
from kino_backup_tui.core.operations.session import Session
from kino_backup_tui.core.restore.compare import incompatibility

UNFIT = "from there Kino would restore it without a look, and is expected not to start on it"


def repair_command(kino: Kino) -> str:
    """What brings Kino's list in step with the files."""
    return command_for(kino, "reindex")


def enlist(session: Session, backup: Backup, now: datetime) -> tuple[str, ...]:
    """Have Kino's list name a backup that is whole and in its place; a warning where that is not possible.

    Kino joins the names of its list to its current location, so one elsewhere is left out.
    """
    index = index_of(session.kino)
    row = None if backup.elsewhere or not index.is_kept else row_for(backup, now)
    if row is None:
        return ()
    try:
        if not may_be_listed(backup, index.migrations()):
            return (f"Kino's own page does not show {backup.filename}: {UNFIT}.",)
        index.update(spared([row], index.rows(), session.settings.keep))
    except IncompatibleError as error:  # nothing that could be brought in step
        return (f"{error.message} Kino's own page does not show {backup.filename}.",)
    except KinoBackupError as error:
        return (
            f"{error.message} Kino's own page does not show {backup.filename} until this has been run: "
            f"{repair_command(session.kino)}",
        )
    return ()


def may_be_listed(backup: Backup, ours: Sequence[Migration]) -> bool:
    """Whether Kino, which looks at nothing before it restores from its list, could start on this backup.

    One of a database that was kept as it was found, damaged, is good for our own way back alone. What is not
    known speaks for it.
    """
    if backup.manifest is not None and is_raw(backup.manifest):
        return False
    theirs = backup.manifest.migrations if backup.manifest else ()
    theirs = theirs or migrations_of(backup.kino_version)
    return not ours or incompatibility(theirs, ours, backup.kino_version) is None


def strike(session: Session, backups: Sequence[Backup]) -> tuple[str, ...]:
    """Have Kino's list forget files that are gone; a warning where that is not possible."""
    names = {backup.filename for backup in backups if not backup.elsewhere}
    if not names:
        return ()
    try:
        index_of(session.kino).forget(names)
    except IncompatibleError as error:
        return (f"{error.message} Kino's own page may go on showing what was deleted.",)
    except KinoBackupError as error:
        return (
            f"{error.message} Kino's own page goes on showing what was deleted until this has been run: "
            f"{repair_command(session.kino)}",
        )
    return ()


def row_for(backup: Backup, now: datetime) -> IndexRow | None:
    """The row that describes a backup; None for one that Kino's list cannot describe.

    Kino removes what is listed as scheduled and beyond its number, and makes no scheduled backup until a day
    after the newest one of that kind. So what was imported, and what is dated after now, is listed as manual.
    So is what is of no kind: there are but three.
    """
    if backup.checksum_sha256 is None or backup.created_at is None or not _is_text(backup.filename):
        return None
    kind = backup.kind.value if backup.kind else MANUAL
    if kind == SCHEDULED and (backup.imported or backup.created_at > now):
        kind = MANUAL
    return IndexRow(
        kind=kind,
        filename=backup.filename,
        size_bytes=backup.size_bytes,
        kino_version=backup.kino_version or UNKNOWN_VERSION,
        checksum_sha256=backup.checksum_sha256,
        created_at=created_at_text(backup.created_at),
    )


def spared(put: Sequence[IndexRow], listed: Sequence[IndexRow], keep: int) -> list[IndexRow]:
    """The rows to be put beside those that are `listed`; as manual, where Kino would else delete the file.

    What it had lost sight of is not put there for that.
    """
    names = {row.filename for row in put}
    beside = [row for row in listed if row.filename not in names]
    doomed = set(beyond((*put, *beside), keep))
    return [row._replace(kind=MANUAL) if row in doomed else row for row in put]


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
