"""What the options before the verb say, and what every verb makes of it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kino_backup_tui.cli.output import warn
from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.operations.context import Context, open_context

if TYPE_CHECKING:
    from kino_backup_tui.core.progress import Control, JobEvent


class Session(NamedTuple):
    """Which Kino this run is about."""

    data_path: Path | None = None
    layout: str | None = None

    def context(self, *, may_be_empty: bool = False) -> Context:
        """Find that Kino, see `find_kino`; raises `NotFoundError`, `UsageError`, `NotPermittedError`."""
        return open_context(self.data_path, self.layout, os.environ, may_be_empty=may_be_empty)


def without_story(control: Control) -> Control:
    """The control for work that comes before a job: its stages are told, without a beginning and an end."""
    from dataclasses import replace

    def report(event: JobEvent) -> None:
        if event.event not in ("start", "end"):
            control.report(event)

    return replace(control, report=report)


@contextlib.contextmanager
def controlled(
    *, as_json: bool = False, progress: bool = False, wait_seconds: float = 0.0
) -> Iterator[Control]:
    """Yield the control of one operation: signals cancel it, and its progress is shown."""
    from kino_backup_tui.cli.progress import progress_sink
    from kino_backup_tui.cli.signals import cancel_on_signals
    from kino_backup_tui.core.progress import Control

    with cancel_on_signals() as cancel, progress_sink(as_json=as_json, events=progress) as report:
        yield Control(cancel=cancel, report=report, wait_seconds=wait_seconds)


def warn_of(*problems: KinoBackupError | None) -> None:
    """Say what is wrong around a verb that goes on all the same."""
    for problem in problems:
        if problem is not None:
            warn(problem.full_text)
