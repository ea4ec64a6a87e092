"""create: make a backup now."""

from __future__ import annotations

from kino_backup_tui.core.catalog.locations import prepare_location
from kino_backup_tui.core.jobs.job import run_job
from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.last_restore import replacing_problem
from kino_backup_tui.core.operations.making import Created, make_backup
from kino_backup_tui.core.operations.session import open_session
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.workspace import workspace_of


def create_backup(
    context: Context,
    control: Control,
    *,
    kind: BackupKind = BackupKind.MANUAL,
    use_reserve: bool = False,
    accept_location: bool = False,
    version: str | None = None,
) -> Created:
    """Take a database snapshot, pack it with config and secrets, read it back, publish it.

    `use_reserve` uses the space that is otherwise kept free for Kino. `accept_location` adopts a location
    whose marker is missing or different. `version` is Kino's, when the caller knows it.
    Raises `NotFoundError` (no database), `DatabaseDamagedError`, `NoSpaceError`, `BusyError`,
    `LocationError`, `NotPermittedError`, `UndecidedError` (a restore was interrupted),
    `OperationCancelledError`; whatever was written is removed then.
    """
    workspace = workspace_of(context.kino)
    with run_job(workspace, "create", context.clock, control) as job:
        if problem := replacing_problem(workspace):
            raise problem
        session = open_session(context)
        default = context.kino.default_location
        prepare_location(session.location, session.workspace, default, accept=accept_location)
        session.remember_location()
        created = make_backup(
            context,
            session,
            job,
            kind=kind,
            location=session.location,
            use_reserve=use_reserve,
            version=version,
        )
        job.message = created.backup.filename
        return created
