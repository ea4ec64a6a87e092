"""Which exit code each kind of error has: a promise to scripts, listed in README."""

from __future__ import annotations

from collections.abc import Mapping

from kino_backup_tui.core import errors

OK = 0
INTERNAL = 1
USAGE = 2
ARCHIVE = 4
WAITING_FOR_KINO = 13
"""A restore is staged and waits until Kino is stopped by hand."""
KEEP_STOPPED = 20
"""What `apply --gate` says where Kino must not start; systemd takes 75 of some units for a success."""
INTERRUPTED = 130

EXIT_CODES: Mapping[type[errors.KinoBackupError], int] = {
    errors.KinoBackupError: INTERNAL,
    errors.UsageError: USAGE,
    errors.NotFoundError: 3,
    errors.ArchiveError: ARCHIVE,
    errors.IncompatibleError: 5,
    errors.NoSpaceError: 6,
    errors.BusyError: 7,
    errors.ServiceError: 8,
    errors.RolledBackError: 9,
    errors.StaleError: 10,
    errors.LocationError: 11,
    errors.NotPermittedError: 11,
    errors.InvalidSettingsError: 12,
    errors.UndecidedError: 14,
    errors.OperationCancelledError: INTERRUPTED,
}
"""A class that is not listed has the code of its nearest listed ancestor."""


def exit_code(kind: type[errors.KinoBackupError]) -> int:
    """The exit code of a class of errors."""
    return next(EXIT_CODES[ancestor] for ancestor in kind.__mro__ if ancestor in EXIT_CODES)


def outcome_exit_code(outcome: str | None) -> int:
    """The exit code of a job's outcome: "ok", or the `code` of the error that ended it."""
    if outcome == "ok":
        return OK
    return exit_code(errors.error_type(outcome))


def signal_exit_code(signal_number: int) -> int:
    """The exit code of a program that a signal ended, as shells count it."""
    return 128 + signal_number
