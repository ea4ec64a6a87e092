"""list: the backups on disk, and finding one by what the admin calls it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kino_backup_tui.core.catalog.cache import reading_alone
from kino_backup_tui.core.catalog.dates import known_dates
from kino_backup_tui.core.catalog.retention import Fate, fates
from kino_backup_tui.core.catalog.scan import newest_first, scan_file
from kino_backup_tui.core.errors import (
    ArchiveError,
    ArchiveRefusedError,
    BusyError,
    IncompatibleError,
    KinoBackupError,
    NotFoundError,
    UsageError,
)
from kino_backup_tui.core.files import open_regular, storage_error
from kino_backup_tui.core.kino.settings import KEEP_MAX
from kino_backup_tui.core.models import Backup, BackupKind, BackupStatus, EntryRole
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.session import Session, open_session

if TYPE_CHECKING:
    from kino_backup_tui.core.progress import CancelToken

LATEST = "latest"


class Listing(NamedTuple):
    """The files of all known locations, newest first."""

    backups: tuple[Backup, ...]
    fates: Mapping[Path, Fate]
    """By `Backup.path`: why it is kept or when it goes."""
    location: Path
    """Where new backups go."""
    location_problem: KinoBackupError | None = None
    settings_problem: KinoBackupError | None = None


def list_backups(context: Context, *, kind: BackupKind | None = None, everything: bool = False) -> Listing:
    """List quickly: at most 64 KiB of an archive are read, and nothing of one that is in the cache.

    `everything` adds leftovers and foreign files. A location that cannot be read is a problem of the
    listing, not an error.
    """
    session = open_session(context)
    backups, problem = session.scan()
    backups, by_kino = _told(session, backups, ghosts=everything)
    settings = session.settings
    runs = min(settings.keep, KEEP_MAX)  # a Kino may have been told any number
    slots = session.timetable.next_runs(settings, context.clock.now(), runs)
    files = [backup for backup in backups if backup.role is not EntryRole.MISSING]
    dates = known_dates(session.workspace, context.clock.now())
    chosen = tuple(
        backup
        for backup in backups
        if (everything or backup.role is EntryRole.BACKUP) and (kind is None or backup.kind is kind)
    )
    return Listing(
        backups=chosen,
        fates=fates(files, session.workspace.instance(), settings.keep, slots, dates, by_kino),
        location=session.location,
        location_problem=problem or session.location_problem(),
        settings_problem=session.settings_problem,
    )


def complete_listing(context: Context, cancel: CancelToken, *, checksums: bool = False) -> bool:
    """Read and remember manifests that lie further inside their archive; True if any became known.

    With `checksums` every archive is read of which the checksum is not known. Of several processes one reads,
    and the others wait and take over what it has remembered.
    """

    def is_wanted(backup: Backup) -> bool:
        return backup.needs_reading or (checksums and lacks_checksum(backup))

    session = open_session(context)
    before, _ = session.scan()
    if not any(map(is_wanted, before)):
        return False
    with reading_alone(session.workspace, cancel):
        session = open_session(context)
        backups, _ = session.scan()
        learned = backups != before
        with session.cache.gathering():
            for backup in filter(is_wanted, backups):
                cancel.raise_if_cancelled()
                read = complete(session, backup, lambda _count: cancel.raise_if_cancelled())
                learned = learned or read != backup
    return learned


def lacks_checksum(backup: Backup) -> bool:
    """Whether reading a backup to its end would tell its checksum, which is not known yet."""
    unread = backup.role is EntryRole.BACKUP and backup.status is BackupStatus.UNVERIFIED
    return unread and backup.checksum_sha256 is None


def find_backup(context: Context, text: str) -> Backup:
    """Find a backup by file name, id, unique prefix of a name, `latest`, or a path with a slash.

    `latest` is the newest verified backup that is not a pre-restore one.
    Raises `NotFoundError`, or `UsageError` if a prefix fits several.
    """
    if "/" in text:
        return _from_path(context, Path(text))
    session = open_session(context)
    backups, problem = session.scan()
    backups = _told(session, backups, ghosts=text != LATEST).backups
    if text == LATEST:
        good = (
            backup
            for backup in backups
            if backup.status is BackupStatus.VERIFIED and backup.kind is not BackupKind.PRE_RESTORE
        )
        found = list(good)[:1]
    else:
        # The current location comes before a former one that has a file of the same name.
        of_name = {each.filename: each for each in sorted(backups, key=lambda each: not each.elsewhere)}
        first = [backup for backup in backups if of_name[backup.filename] is backup]
        exact = [backup for backup in first if text in (backup.filename, str(backup.id))]
        found = exact or [backup for backup in first if backup.filename.startswith(text) and text]
    if len(found) > 1:
        names = ", ".join(backup.filename for backup in found[:3])
        raise UsageError(f"{text!r} fits {len(found)} backups: {names}.", hint="Give more of the name.")
    if not found:
        if problem is not None:
            raise problem
        what = "There is no verified backup." if text == LATEST else f"There is no backup {text!r}."
        from kino_backup_tui.core.kino.command import command_for

        everything = command_for(context.kino, "list", "--all")
        raise NotFoundError(what, hint=f"`{everything}` shows what is there.")
    return found[0]


def backup_by_id(context: Context, number: int) -> Backup:
    """Find a backup by its id, in the current location before a former one; never a leftover.

    Raises `NotFoundError`, or why the location cannot be read if it is not found elsewhere.
    """
    backups, problem = open_session(context).scan()
    found = [backup for backup in backups if backup.id == number and backup.role is EntryRole.BACKUP]
    if found:
        return min(found, key=lambda backup: backup.elsewhere)
    raise problem or NotFoundError(f"There is no backup {number}.")


class _Told(NamedTuple):
    backups: list[Backup]
    by_kino: Sequence[str] = ()
    """The file names that Kino's retention counts, the newest first."""


def _told(session: Session, backups: list[Backup], *, ghosts: bool) -> _Told:
    """A listing with what Kino's own list adds to it, if it has one that can be read now."""
    if not session.kino.layout.keeps_index:  # most do without what reads it
        return _Told(backups)
    from kino_backup_tui.core.kino.index import scheduled
    from kino_backup_tui.core.operations.index_view import listed_rows, told_by_index

    rows = listed_rows(session)
    if rows is None:
        return _Told(backups)
    told = sorted(told_by_index(session, backups, rows, ghosts=ghosts), key=newest_first)
    return _Told(told, [row.filename for row in scheduled(rows)])


def complete(session: Session, backup: Backup, advance: Callable[[int], None]) -> Backup:
    """Read a backup to its end, once for all: its manifest, wherever that is, and its checksum.

    `advance` hears of every byte of the file and may raise to stop. A damaged one is remembered as such; one
    that cannot be read, or is removed or replaced meanwhile, stays as it is.
    """
    try:
        return _read_and_remember(session, backup, advance)
    except (OSError, IncompatibleError, NotFoundError, BusyError):
        return backup


def _read_and_remember(session: Session, backup: Backup, advance: Callable[[int], None]) -> Backup:
    from kino_backup_tui.core.archive.verify import read_archive

    with open_regular(backup.path) as stream:
        read = os.fstat(stream.fileno())
        try:
            result = read_archive(stream, advance)
        except ArchiveError as error:
            return session.remember(
                backup.path, read, BackupStatus.DAMAGED, problem=error.message, elsewhere=backup.elsewhere
            )
    return session.remember(
        backup.path,
        read,
        BackupStatus.UNVERIFIED,
        manifest=result.manifest,
        checksum_sha256=result.checksum_sha256,
        elsewhere=backup.elsewhere,
    )


def _from_path(context: Context, path: Path) -> Backup:
    session = open_session(context)
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow a link to another name
    try:
        found = scan_file(
            absolute, session.cache, session.zone, elsewhere=absolute.parent != session.location
        )
    except OSError as error:
        raise storage_error(error, path, "look at") from error
    if found is None:
        raise NotFoundError(f"There is no file {path}.")
    if found.role is not EntryRole.BACKUP:
        raise ArchiveRefusedError(f"{path} is not a backup of Kino. {found.problem}")
    return found
