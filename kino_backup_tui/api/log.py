"""The log of the server: lines on standard error, as a terminal or the journal of systemd wants them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping

logger = logging.getLogger("kino_backup_tui.api")

_PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))


def log_to_stderr(environ: Mapping[str, str]) -> None:
    """Write our own log, and what the libraries warn of.

    The journal has the time, and takes the priority from the line (sd-daemon(3)).
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JournalLine() if "JOURNAL_STREAM" in environ else _Line("%(asctime)s %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logger.setLevel(logging.INFO)


class _Line(logging.Formatter):
    """One line for each record: a traceback is for nobody who reads this."""

    def formatException(self, ei: object) -> str:  # noqa: N802 - the name of logging
        return ""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record).strip()
        if record.exc_info and (error := record.exc_info[1]) is not None:
            line += f": {type(error).__name__}: {error}"
        return line.replace("\n", " ")


class _JournalLine(_Line):
    def format(self, record: logging.LogRecord) -> str:
        priority = next((number for level, number in _PRIORITIES if record.levelno >= level), 7)
        return f"<{priority}>{super().format(record)}"
