"""How a restore ended, on its way through the journal of its job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from kino_backup_tui.core.errors import KinoBackupError, LibraryMissingError
from kino_backup_tui.core.progress import ROLLBACK
from kino_backup_tui.core.restore.health import Health
from kino_backup_tui.core.restore.journal import Record
from kino_backup_tui.core.restore.plan import RestoreResult


def encode_result(result: RestoreResult) -> dict[str, Any]:
    """A result as it stands in the job's journal."""
    return {**asdict(result), "at": result.at.isoformat(), "log": list(result.log)}


def decode_result(fields: Mapping[str, Any]) -> RestoreResult:
    """A result from the journal of its job."""
    return RestoreResult(
        **{
            **fields,
            "at": datetime.fromisoformat(fields["at"]),
            "log": tuple(fields["log"]),
            "warnings": tuple(fields["warnings"]),
        }
    )


def done_text(record: Record, health: Health | None, library: LibraryMissingError | None = None) -> str:
    """What is true after one that went well; `health` is None if nobody here could start Kino.

    `library` is then why nobody should do that yet.
    """
    what = "The state of before is back" if record.operation == ROLLBACK else f"{record.source} is restored"
    if library is not None:
        return f"{what}. Do not start Kino before its library is mounted: {uncapitalized(library.message)}"
    if health is None:
        return f"{what}. Start Kino: the restored database loads on its next start."
    version = f" {health.version}" if health.version else ""
    return f"{what}, and Kino{version} runs on it."


def back_text(health: Health | None) -> str:
    """The end of a sentence that says that the old state is back; `health` is None if nobody started Kino."""
    if health is None:
        return "."
    return " and Kino runs on it." if health.healthy else f", but Kino does not run: {health.text}."


def uncapitalized(text: str) -> str:
    """A sentence that goes on after a colon."""
    return text[:1].lower() + text[1:]


def sentence(error: BaseException) -> str:
    """What went wrong, for the end of the job."""
    if isinstance(error, KinoBackupError):
        return error.message
    if isinstance(error, OSError):
        return f"{error.filename or 'A file'}: {error.strerror or error}."
    return f"{type(error).__name__}: {error}"
