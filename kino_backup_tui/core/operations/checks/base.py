"""The values that checks speak in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.session import Session
from kino_backup_tui.core.operations.status import Status
from kino_backup_tui.core.supervisors.base import Supervisor

NAMED = 3
"""How many of a kind a check names."""


class CheckStatus(StrEnum):
    """How a check has ended."""

    OK = "ok"
    WARN = "warn"
    """It works, but something should be known."""
    FAIL = "fail"
    """A backup, or a restore, would not work."""
    SKIPPED = "skipped"
    """It could not be looked at from here; that says nothing."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    """Short and stable, for scripts: "location"."""
    status: CheckStatus
    text: str
    """What was found, as a sentence."""
    hint: str = ""
    """What to do about it; may have lines, for what is to be typed."""
    code: str = ""
    """Of a failure: that of the error it would be."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What all checks start from, looked up once."""

    context: Context
    session: Session
    status: Status
    supervisor: Supervisor
    environ: Mapping[str, str]


def good(name: str, text: str) -> Check:
    """Nothing is wrong."""
    return Check(name, CheckStatus.OK, text)


def warning(name: str, text: str, hint: str = "") -> Check:
    """It works, but."""
    return Check(name, CheckStatus.WARN, text, hint)


def skipped(name: str, text: str, hint: str = "") -> Check:
    """It could not be looked at."""
    return Check(name, CheckStatus.SKIPPED, text, hint)


def failure(name: str, error: KinoBackupError) -> Check:
    """What an operation would end with."""
    return Check(name, CheckStatus.FAIL, error.message, error.hint, error.code)


def warned(name: str, error: KinoBackupError) -> Check:
    """The same, where nothing that was asked for would end so."""
    return Check(name, CheckStatus.WARN, error.message, error.hint)


def some_of(names: Sequence[str | Path]) -> str:
    """The first few of them, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(map(str, names[:NAMED])) + more
