"""apply: settle a restore that was interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kino_backup_tui.cli.exit_codes import KEEP_STOPPED, OK
from kino_backup_tui.cli.following import write_result
from kino_backup_tui.cli.options import json_option, progress_option, wait_option
from kino_backup_tui.cli.output import talk, write_json
from kino_backup_tui.cli.session import Session, controlled
from kino_backup_tui.cli.verbs._restoring import library_option
from kino_backup_tui.core.errors import KinoBackupError, NotFoundError, OperationCancelledError, UsageError

if TYPE_CHECKING:
    from kino_backup_tui.core.operations.context import Context


@click.command("apply")
@click.option(
    "--keep",
    type=click.Choice(["old", "new"]),
    help="Where it cannot be told which state is whole: keep the one before the restore, or the restored.",
)
@click.option(
    "--gate",
    is_flag=True,
    hidden=True,
    help="May Kino start? Exits with 0 or 20; for the start of Kino's service.",
)
@library_option
@wait_option
@progress_option
@json_option
@click.pass_obj
def command(
    session: Session,
    keep: str | None,
    gate: bool,
    library_missing_ok: bool,
    wait_seconds: float,
    progress: bool,
    as_json: bool,
) -> int:
    """Finish or undo a restore that was interrupted.

    Kino is then wholly as before it, or wholly restored. Nothing happens if there is none.
    """
    if gate:
        if keep is not None:
            raise UsageError("--gate decides nothing: it goes without --keep.")
        return _gate(session)
    from kino_backup_tui.core.operations.restore import settle

    context = session.context(may_be_empty=True)
    with controlled(as_json=as_json, progress=progress, wait_seconds=wait_seconds) as control:
        result = settle(context, control, keep, library_missing_ok=library_missing_ok)
    if result is not None:
        code = write_result(context.kino, result, as_json=as_json)
        # Nothing had been replaced: to tidy up after that is all there was to do.
        return OK if result.outcome == OperationCancelledError.code else code
    if as_json:
        write_json({"settled": None})
    else:
        talk("There is no interrupted restore.")
    return OK


def _gate(session: Session) -> int:
    """Say whether Kino may start, and in one line why not; no other codes, for systemd would act on them."""
    try:
        try:
            context = session.context(may_be_empty=True)
        except NotFoundError:
            # Without a data path there is nothing that a start of Kino could spoil.
            return OK
        reason = _reason_to_stay_stopped(context)
    except KinoBackupError as error:
        reason = error.full_text
    except Exception as error:
        # Half a database must not be started on because of a mistake in this program.
        reason = f"internal error: {type(error).__name__}: {error}"
    if not reason:
        return OK
    talk(f"Kino stays stopped: {reason}".replace("\n", " "))
    return KEEP_STOPPED


def _reason_to_stay_stopped(context: Context) -> str:
    from kino_backup_tui.core.operations.restore import gate, interrupted

    if gate(context):
        return ""
    left = interrupted(context)
    return left.text if left else "a restore is replacing its files, and starts it when that is done."
