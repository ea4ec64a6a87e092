"""The schedule beside the API: a thread that looks every minute whether a backup is due, and logs it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping

from kino_backup_tui.core.errors import OperationCancelledError
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.keep_schedule import DueRun, ScheduleKeeper, Turn
from kino_backup_tui.core.progress import CancelToken, Control
from kino_backup_tui.presentation.schedule_text import due_text
from kino_backup_tui.presentation.text import printable

logger = logging.getLogger("kino_backup_tui.api")

TURN_SECONDS = 60.0
"""Never one long sleep to the next slot: clocks are set, zones change, machines are suspended."""


class Scheduler:
    """Runs the schedule from `start` to `stop`."""

    def __init__(self, context: Context, environ: Mapping[str, str]) -> None:
        self._context = context
        self._keeper = ScheduleKeeper(context, environ)
        self._cancel = CancelToken()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="schedule", daemon=True)
        self._said = ""

    def start(self) -> None:
        """Begin; the first turn comes at once."""
        self._thread.start()

    def stop(self) -> None:
        """Ask a backup that is being made to stop, and look no more; returns at once."""
        self._cancel.cancel()
        self._stopping.set()

    def join(self) -> None:
        """Wait until what was begun has been undone."""
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._turn()
                self._stopping.wait(TURN_SECONDS)
        finally:
            self._keeper.close()

    def _turn(self) -> None:
        try:
            self._tell(self._keeper.turn(Control(cancel=self._cancel)))
        except OperationCancelledError as error:
            logger.info("%s", error.message)
        except Exception as error:
            # A bug must not end the nights that follow.
            self._say(logging.ERROR, f"internal error: {type(error).__name__}: {error}")

    def _tell(self, turn: Turn) -> None:
        if turn.run is not None:
            self._tell_run(turn.run)
        elif turn.other is not None:
            self._say(logging.INFO, f"The schedule is run by {turn.other.text}.")

    def _tell_run(self, run: DueRun) -> None:
        said = [due_text(run, self._context.clock.zone())]
        level = logging.INFO
        if run.warnings or run.problem is not None:
            level = logging.WARNING
            said = [*run.warnings, *said]
        if run.problem is not None:
            said = [run.problem.message, run.problem.hint, *said]
        self._say(level, " ".join(filter(None, said)))

    def _say(self, level: int, text: str) -> None:
        """Say it once, however often it is so."""
        if text != self._said:
            self._said = text
            logger.log(level, "%s", printable(text))
