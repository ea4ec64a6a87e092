"""The worker of a restore, `python -m kino_backup_tui.core.operations.worker TASK`: see `start_restore`.

It has no terminal. What it has to say is in its job's journal, which any number of front ends follow.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.jobs.journal import Journal, journal_path
from kino_backup_tui.core.kino.home import LAYOUTS, Kino
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.restoring import perform
from kino_backup_tui.core.operations.task import Task
from kino_backup_tui.core.progress import CancelToken, Control, JobEvent
from kino_backup_tui.core.workspace import workspace_of

LOCK_SECONDS = 2.0
"""The front end has waited for the lock; if somebody was faster, it waits again for another worker."""


def encode_task(task: Task, kino: Kino) -> str:
    """The task as the argument of the worker."""
    fields = {**task._asdict(), "source": os.fspath(task.source)}
    fields |= {"data_path": os.fspath(kino.data_path), "layout": kino.layout.name, "url": kino.url}
    return json.dumps(fields)


def main(argument: str) -> int:
    """Do the task; the exit code says no more than whether it went well."""
    fields: dict[str, Any] = json.loads(argument)
    kino = Kino(Path(fields.pop("data_path")), LAYOUTS[fields.pop("layout")], fields.pop("url"))
    task = Task(**{**fields, "source": Path(fields["source"])})
    context = Context(kino)
    cancel = CancelToken()
    # A terminal that closes must not end it; a request to stop is taken while nothing has been replaced.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: cancel.cancel())
    try:
        perform(context, task, Control(cancel=cancel, wait_seconds=LOCK_SECONDS))
    except Exception as error:  # told in the journal; nobody reads this process's streams
        _tell(context, task, error)
        return 1
    return 0


def _tell(context: Context, task: Task, error: Exception) -> None:
    """An error before there was a journal, such as a lock that somebody took meanwhile."""
    workspace = workspace_of(context.kino)
    if journal_path(workspace, task.job).exists():
        return
    journal = Journal(workspace, task.job)
    start = JobEvent("start", task.job, task.operation, context.clock.now())
    journal.write(start)
    code = error.code if isinstance(error, KinoBackupError) else KinoBackupError.code
    message = error.message if isinstance(error, KinoBackupError) else f"{type(error).__name__}: {error}"
    journal.write(start._replace(event="end", outcome=code, message=message))
    journal.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
