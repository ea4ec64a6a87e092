"""Archives of a later format: neither taken for one we know, nor called damaged."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kino_backup_tui.core.archive.manifest import parse_manifest
from kino_backup_tui.core.errors import ArchiveDamagedError, IncompatibleError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import BackupKind, BackupStatus, EntryRole
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.import_ import import_backup
from kino_backup_tui.core.operations.listing import complete_listing, list_backups
from kino_backup_tui.core.operations.verify import verify_backup
from kino_backup_tui.core.progress import CancelToken, Control
from tests.core.archive.archives import honest, manifest_for, member, packed, tar

NAME = "kino-backup-manual-2026-04-26T03-00-00-v0.4.2.tar.gz"


@pytest.fixture
def later(kino: Kino) -> Path:
    """An archive of a later format in the location."""
    kino.default_location.mkdir(mode=0o700)
    path = kino.default_location / NAME
    path.write_bytes(honest(format=99))
    return path


def test_a_later_format_is_incompatible() -> None:
    """The way out is a newer program."""
    with pytest.raises(IncompatibleError, match="format 99") as caught:
        parse_manifest(manifest_for({}, format=99, contents="as a later program lists them"))

    assert "newer" in caught.value.hint


@pytest.mark.parametrize(("members", "form"), [({"db.sqlite": b"x"}, 1), ({}, None)])
def test_our_format_and_that_of_kino_itself_are_read(members: dict[str, bytes], form: int | None) -> None:
    """Kino's own manifests name no format, and list nothing."""
    assert parse_manifest(manifest_for(members, format=form)).kind is BackupKind.MANUAL


def test_our_format_without_its_list_of_contents_is_damage() -> None:
    """Else a few altered letters would take all digests from an archive, and it would pass for Kino's own."""
    with pytest.raises(ArchiveDamagedError, match="does not list its contents"):
        parse_manifest(manifest_for({}))


@pytest.mark.parametrize("value", [0, -1, "1", True, 1.5])
def test_a_format_that_is_none_is_damage(value: object) -> None:
    """No program writes that."""
    with pytest.raises(ArchiveDamagedError, match="format"):
        parse_manifest(manifest_for({}, format=value))


def test_it_is_listed_as_what_it_is(context: Context, later: Path) -> None:
    """Not damaged: this program cannot read it, and says why."""
    (backup,) = list_backups(context).backups

    assert (backup.role, backup.status) == (EntryRole.BACKUP, BackupStatus.UNREADABLE)
    assert "format 99" in backup.problem
    assert backup.kind is BackupKind.MANUAL


def test_it_is_listed_as_what_it_is_under_any_name(context: Context, later: Path) -> None:
    """Its name being no help, the manifest still shows that it is a backup."""
    later.rename(later.with_name("before the upgrade.tar.gz"))

    (backup,) = list_backups(context).backups

    assert (backup.role, backup.status) == (EntryRole.BACKUP, BackupStatus.UNREADABLE)


def test_verifying_it_leaves_it_undamaged(context: Context, later: Path) -> None:
    """What cannot be judged is not condemned."""
    (backup,) = list_backups(context).backups

    with pytest.raises(IncompatibleError, match=f"{NAME}: .*format 99"):
        verify_backup(context, backup, Control())

    assert list_backups(context).backups[0].status is BackupStatus.UNREADABLE


def test_it_is_not_imported(context: Context, later: Path, tmp_path: Path) -> None:
    """Nothing is kept, and the file is named."""
    source = later.rename(tmp_path / "later.tar.gz")

    with pytest.raises(IncompatibleError, match=r"later\.tar\.gz was not imported: .*format 99"):
        import_backup(context, source, Control())

    assert list_backups(context).backups == ()


def test_a_manifest_of_a_later_format_at_the_end_is_read_once_and_passed_over(
    context: Context, kino: Kino
) -> None:
    """Completing the list neither fails nor goes on for ever."""
    kino.default_location.mkdir(mode=0o700)
    database = os.urandom(200_000)
    manifest = manifest_for({"db.sqlite": database}, format=99)
    data = packed(tar(member("db.sqlite", database), member("manifest.json", manifest)))
    (kino.default_location / NAME).write_bytes(data)

    assert complete_listing(context, CancelToken()) is False
