"""The table from errors to exit codes."""

from __future__ import annotations

import pytest

from kino_backup_tui.cli.exit_codes import exit_code, outcome_exit_code, signal_exit_code
from kino_backup_tui.core import errors


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.KinoBackupError, 1),
        (errors.UsageError, 2),
        (errors.NotFoundError, 3),
        (errors.ArchiveDamagedError, 4),
        (errors.ArchiveRefusedError, 4),
        (errors.DatabaseDamagedError, 4),
        (errors.IncompatibleError, 5),
        (errors.NoSpaceError, 6),
        (errors.BusyError, 7),
        (errors.ServiceError, 8),
        (errors.RolledBackError, 9),
        (errors.StaleError, 10),
        (errors.LocationError, 11),
        (errors.NotPermittedError, 11),
        (errors.InvalidSettingsError, 12),
        (errors.UndecidedError, 14),
        (errors.OperationCancelledError, 130),
        (errors.DetachedError, 130),
    ],
)
def test_each_error_has_its_exit_code(kind: type[errors.KinoBackupError], code: int) -> None:
    """Scripts rely on these numbers; a class without an entry has that of its parent."""
    assert exit_code(kind) == code
    assert outcome_exit_code(kind.code) == code


def test_outcomes_that_are_no_error_have_codes_too() -> None:
    """A job that went well is 0; one whose process died is an internal failure."""
    assert outcome_exit_code("ok") == 0
    assert outcome_exit_code("interrupted") == 1
    assert outcome_exit_code(None) == 1


def test_signals_are_counted_as_shells_do() -> None:
    """HUP, INT and TERM."""
    assert [signal_exit_code(number) for number in (1, 2, 15)] == [129, 130, 143]
