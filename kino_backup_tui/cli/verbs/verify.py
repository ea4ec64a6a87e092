"""verify: prove backups by reading all of them."""

from __future__ import annotations

from dataclasses import replace

import click

from kino_backup_tui.cli.exit_codes import OK, exit_code
from kino_backup_tui.cli.options import json_option, optional_backup_argument, progress_option
from kino_backup_tui.cli.output import write_json, write_line
from kino_backup_tui.cli.session import Session, controlled, warn_of
from kino_backup_tui.core.errors import (
    ArchiveDamagedError,
    ArchiveError,
    KinoBackupError,
    OperationCancelledError,
    UsageError,
)
from kino_backup_tui.core.models import Backup, BackupStatus
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.progress import Control


@click.command("verify")
@optional_backup_argument
@click.option("--all", "everything", is_flag=True, help="Every backup, one line each.")
@progress_option
@json_option
@click.pass_obj
def command(session: Session, backup: str | None, everything: bool, progress: bool, as_json: bool) -> int:
    """Prove a backup by reading it to its end.

    Compared are every digest, the database's integrity and its row counts. BACKUP is what `show` takes.
    With --all, a location that is missing is said and has its exit code, unless a backup did not pass.
    """
    from kino_backup_tui.core.operations.listing import find_backup, list_backups
    from kino_backup_tui.core.operations.verify import verify_backup

    if (backup is None) != everything:
        raise UsageError("Name one backup, or give --all.")
    context = session.context()
    with controlled(as_json=as_json, progress=progress) as control:
        if backup is not None:
            _write(verify_backup(context, find_backup(context, backup), control), as_json=as_json)
            return OK
        listing = list_backups(context)
        backups = listing.backups
        results = [_verify_one(context, each, control, as_json=as_json) for each in backups]
    # Backups that cannot be seen have not been proven: a nightly check must not stay green without its disk.
    warn_of(listing.settings_problem, listing.location_problem)
    if failures := [result for result in results if isinstance(result, KinoBackupError)]:
        raise _summary(failures, len(backups))
    if as_json:
        # A raw one has passed as well as it can, and is not verified.
        verified = results.count(BackupStatus.VERIFIED)
        write_json({"checked": len(backups), "verified": verified})
    return exit_code(type(listing.location_problem)) if listing.location_problem else OK


def _verify_one(
    context: Context, backup: Backup, control: Control, *, as_json: bool
) -> KinoBackupError | BackupStatus:
    """Verify and print one of many; return its status, or why it failed instead of raising."""
    from kino_backup_tui.core.operations.verify import verify_backup

    try:
        result = verify_backup(context, backup, control)
    except OperationCancelledError:
        raise
    except KinoBackupError as error:
        damaged = isinstance(error, ArchiveError)
        status = BackupStatus.DAMAGED if damaged else backup.status
        # The message names the file, as the backup does already.
        problem = error.message.removeprefix(f"{backup.filename}: ")
        _write(replace(backup, status=status, problem=problem), as_json=as_json)
        return error
    _write(result, as_json=as_json)
    return result.status


def _summary(failures: list[KinoBackupError], total: int) -> KinoBackupError:
    """The error of the whole run: damage, if there is any, before everything else."""
    damaged = sum(isinstance(error, ArchiveError) for error in failures)
    if damaged:
        others = len(failures) - damaged
        also = f", and {others} could not be verified" if others else ""
        return ArchiveDamagedError(f"{damaged} of {total} backups did not pass{also}.")
    first = failures[0]
    return type(first)(
        f"{len(failures)} of {total} backups could not be verified. {first.message}", hint=first.hint
    )


def _write(backup: Backup, *, as_json: bool) -> None:
    if as_json:
        from kino_backup_tui.presentation.objects import backup_object

        write_json(backup_object(backup))
        return
    from kino_backup_tui.presentation.text import printable, reservation_text, state_text

    said = reservation_text(backup)
    more = f": {printable(said)}" if said else ""
    write_line(f"{state_text(backup).strip():<12}  {printable(backup.filename)}{more}")
