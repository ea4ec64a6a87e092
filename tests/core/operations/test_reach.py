"""A location that Kino's own service could not write to is told with the line that opens it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.operations.reach import reach_problem, sandbox_text

PACKAGED = {"ProtectSystem": "strict", "ReadWritePaths": "/var/lib/kino -/etc/kino"}


def test_outside_of_what_the_unit_may_write_the_missing_line_is_named() -> None:
    """As Kino's packages set up its service, only its data path is inside."""
    text = sandbox_text("kino.service", PACKAGED, Path("/mnt/nas"))
    assert text.startswith("The sandbox of kino.service does not let Kino write there")
    assert text.endswith("ReadWritePaths=/mnt/nas")


def test_the_line_is_one_that_systemd_reads_as_it_is_meant() -> None:
    """A space would end the path there, and a percent sign begin a specifier."""
    text = sandbox_text("kino.service", PACKAGED, Path("/mnt/l 50%"))
    assert text.endswith('ReadWritePaths="/mnt/l 50%%"')


@pytest.mark.parametrize(
    ("shown", "location"),
    [
        (PACKAGED, "/var/lib/kino/backups"),
        (PACKAGED, "/etc/kino"),
        ({"ProtectSystem": "full", "ReadWritePaths": ""}, "/mnt/nas"),
        ({"ProtectSystem": "no"}, "/mnt/nas"),
        ({}, "/mnt/nas"),
        ({"ProtectSystem": "strict", "ReadWritePaths": '"/mnt/my nas"'}, "/mnt/my nas/kino"),
    ],
)
def test_where_nothing_says_that_kino_may_not_write_nothing_is_said(
    shown: dict[str, str], location: str
) -> None:
    """A drop-in that opens the folder counts, too: systemd shows both."""
    assert sandbox_text("kino.service", shown, Path(location)) == ""


def test_nobody_is_asked_about_the_data_path(kino: Kino) -> None:
    """It is Kino's own, so each typed letter of another field costs nothing."""
    assert reach_problem(kino, kino.data_path / "backups", {"PATH": "/nonexistent"}) == ""


def test_without_a_service_of_the_system_there_is_no_sandbox(kino: Kino) -> None:
    """As for a Kino that is started by hand."""
    assert reach_problem(kino, Path("/mnt/nas"), {"PATH": "/nonexistent", "HOME": "/nonexistent"}) == ""
