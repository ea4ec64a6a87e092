"""File names of archives."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from kino_backup_tui.core.archive.names import (
    backup_id,
    format_name,
    is_partial,
    numbered,
    parse_name,
    partial_name,
)
from kino_backup_tui.core.models import BackupKind

BERLIN = ZoneInfo("Europe/Berlin")
THREE = datetime(2026, 4, 26, 3, 0, tzinfo=BERLIN)


@pytest.mark.parametrize("kind", BackupKind)
def test_a_name_we_write_reads_back(kind: BackupKind) -> None:
    """Kind, local time and version survive the way through the file name."""
    name = format_name(kind, THREE, "0.4.2", BERLIN)

    parsed = parse_name(name, BERLIN)

    assert parsed is not None
    assert (parsed.kind, parsed.created_at, parsed.kino_version) == (kind, THREE, "0.4.2")


@pytest.mark.parametrize(
    ("name", "kind", "version", "zone"),
    [
        ("kino-backup-2026-04-26T03-00-00-v0.4.2.tar.gz", None, "0.4.2", BERLIN),
        ("kino-backup-2026-04-26T01-00-00Z-v0.4.2.tar.gz", None, "0.4.2", UTC),
        ("kino-backup-pre-restore-2026-04-26T01-00-00Z-v0.3.2.tar.gz", BackupKind.PRE_RESTORE, "0.3.2", UTC),
        ("kino-backup-2026-04-26T03-00-00-manual-v0.4.2.tar.gz", BackupKind.MANUAL, "0.4.2", BERLIN),
        ("kino-backup-scheduled-2026-04-26T03-00-00.tar.gz", BackupKind.SCHEDULED, None, BERLIN),
        ("kino-backup-manual-2026-04-26T03-00-00-vunknown~2.tar.gz", BackupKind.MANUAL, None, BERLIN),
        (
            "kino-backup-manual-2026-04-26T03-00-00-v1.0.0-rc.1+b7~12.tar.gz",
            BackupKind.MANUAL,
            "1.0.0-rc.1+b7",
            BERLIN,
        ),
    ],
)
def test_every_dialect_is_read(name: str, kind: BackupKind | None, version: str | None, zone: object) -> None:
    """Kino's documentation, Kino 0.3 and this program write different names for the same instant."""
    parsed = parse_name(name, BERLIN)

    assert parsed is not None
    assert (parsed.kind, parsed.kino_version) == (kind, version)
    assert parsed.created_at == THREE
    assert parsed.created_at.tzinfo is zone


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        "kino-backup-.tar.gz",
        "kino-backup-2026-02-30T03-00-00-v0.4.2.tar.gz",
        "kino-backup-0001-01-01T00-00-00Z-v0.4.2.tar.gz",
        "kino-backup-2026-04-26T03-00-00-v0.4.2.tar.gz.partial",
        "xkino-backup-2026-04-26T03-00-00-v0.4.2.tar.gz",
        "kino-backup-weekly-2026-04-26T03-00-00-v0.4.2.tar.gz",
        "kino-backup-2026-04-26T03-00-00-v0.4.2 [x].tar.gz",
    ],
)
def test_other_names_are_no_backups(name: str) -> None:
    """A name that only resembles a backup's says nothing."""
    assert parse_name(name, BERLIN) is None


def test_a_taken_name_is_numbered_before_its_ending() -> None:
    """The second backup of a second keeps the ending that tools go by."""
    assert numbered("kino-backup-manual-2026-04-26T03-00-00-v1.tar.gz", 2).endswith("-v1~2.tar.gz")


def test_a_number_is_not_numbered_again() -> None:
    """A copy of a copy gets the next number, and its name is still a backup's."""
    name = numbered("kino-backup-manual-2026-04-26T03-00-00-v1~2.tar.gz", 3)

    assert name == "kino-backup-manual-2026-04-26T03-00-00-v1~3.tar.gz"
    assert parse_name(name, BERLIN) is not None


def test_a_partial_is_never_taken_for_a_backup() -> None:
    """An archive that is being written is hidden, recognised as such, and parses as nothing."""
    name = partial_name(format_name(BackupKind.MANUAL, THREE, "0.4.2", BERLIN))

    assert name.startswith(".")
    assert is_partial(name)
    assert parse_name(name, BERLIN) is None


def test_an_id_is_exact_as_a_javascript_number() -> None:
    """Ids stay below 2 to the 53rd and depend on the name alone."""
    identity = backup_id("kino-backup-2026-04-26T03-00-00-v0.4.2.tar.gz")

    # printf %s NAME | sha256sum | cut -c1-12, in decimal
    assert identity == 73658591297944
