"""doctor: look at everything that backups and restores depend on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kino_backup_tui.cli.exit_codes import outcome_exit_code
from kino_backup_tui.cli.options import json_option
from kino_backup_tui.cli.output import display_width, write_json, write_line
from kino_backup_tui.cli.session import Session

if TYPE_CHECKING:
    from kino_backup_tui.core.operations.doctor import Check

_SIGNS = {"ok": "✓", "warn": "!", "fail": "✗", "skipped": "-"}
_NAME_WIDTH = 15
_INDENT = " " * (_NAME_WIDTH + 12)


@click.command("doctor")
@json_option
@click.pass_obj
def command(session: Session, as_json: bool) -> int:
    """Look at all that backups and restores depend on.

    Nothing is stopped, started or changed. Exits with 0 if nothing has failed, else with the code that the
    first failure would end a backup or a restore with; warnings are no failures.
    """
    from kino_backup_tui.core.operations.doctor import diagnose, first_failure
    from kino_backup_tui.presentation.objects import check_object

    checks = []
    for check in diagnose(session.context()):
        checks.append(check)
        if not as_json:
            # One after the other: some take seconds.
            for line in _lines(check):
                write_line(line)
    if as_json:
        write_json([check_object(check) for check in checks])
    failed = first_failure(checks)
    return outcome_exit_code(failed.code) if failed else outcome_exit_code("ok")


def _lines(check: Check) -> list[str]:
    from kino_backup_tui.presentation.text import printable

    sign = f"{_SIGNS[check.status.value]} {check.status.value}"
    name = printable(check.name)
    padding = " " * (_NAME_WIDTH - display_width(name))
    first = f"{sign:<10}  {name}{padding}{printable(check.text)}"
    return [first, *(f"{_INDENT}{printable(line)}" for line in check.hint.split("\n") if line)]
