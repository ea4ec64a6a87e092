"""The marker of a location: who may read it, and that it is never taken from another Kino."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.settings import BackupSettings
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.schedule import save_schedule
from kino_backup_tui.core.operations.status import read_status
from kino_backup_tui.core.progress import Control
from tests.as_user import NOBODY, let_others_in, run_as
from tests.conftest import write_database

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A folder that everybody may write to."""
    folder = tmp_path / "nas"
    folder.mkdir()
    folder.chmod(0o777)
    let_others_in(folder / "x")
    return folder


def use_and_create(context: Context, location: Path) -> str:
    """Name a location and make a backup there; "fine", or what is wrong."""
    try:
        save_schedule(context, BackupSettings(location=str(location)), Control())
        create_backup(context, Control(), version="0.4.2")
    except KinoBackupError as error:
        return f"{error.code}: {error.message} {error.hint}"
    return "fine"


def neighbour(tmp_path: Path, context: Context) -> Context:
    """A second Kino, which belongs to another user."""
    data_path = tmp_path / "neighbour"
    data_path.mkdir()
    write_database(data_path / "db.sqlite")
    for path in (data_path, *data_path.iterdir()):
        os.chown(path, NOBODY, NOBODY)
    return Context(Kino(data_path), context.clock, host="nas01")


@as_root
def test_two_kinos_of_different_users_share_a_location(
    context: Context, shared: Path, tmp_path: Path
) -> None:
    """The second takes the marker it finds, so that both go on working."""
    other = neighbour(tmp_path, context)
    assert use_and_create(context, shared) == "fine"
    marker = (shared / ".kino-backup-location").read_text()

    assert run_as(NOBODY, lambda: use_and_create(other, shared)) == "fine"

    assert (shared / ".kino-backup-location").read_text() == marker
    assert create_backup(context, Control()).backup.path.parent == shared
    assert read_status(context).location_problem is None


@as_root
def test_a_marker_that_cannot_be_read_is_not_a_missing_one(
    context: Context, shared: Path, tmp_path: Path
) -> None:
    """The location is refused, and the marker stays what it was."""
    other = neighbour(tmp_path, context)
    assert use_and_create(context, shared) == "fine"
    marker = shared / ".kino-backup-location"
    marker.chmod(0o600)
    text = marker.read_text()

    answer = run_as(NOBODY, lambda: use_and_create(other, shared))

    assert answer.startswith("not_permitted: ")
    assert str(marker) in answer
    assert "readable" in answer
    assert marker.read_text() == text


def test_an_empty_marker_is_filled_in_place(context: Context, shared: Path) -> None:
    """A power cut left it without an id: accepting the location gives it one."""
    marker = shared / ".kino-backup-location"
    marker.touch()
    before = marker.stat().st_ino

    assert use_and_create(context, shared) == "fine"

    assert marker.stat().st_ino == before
    assert len(marker.read_text().strip()) == 36
    assert stat.S_IMODE(marker.stat().st_mode) == 0o644


def test_a_marker_that_is_a_link_is_not_followed(context: Context, shared: Path, tmp_path: Path) -> None:
    """Whoever may write to the folder could otherwise have another file shown, or written to."""
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    (shared / ".kino-backup-location").symlink_to(secret)

    answer = use_and_create(context, shared)

    assert answer.startswith("location_unavailable: ")
    assert "hunter2" not in answer
    assert secret.read_text() == "hunter2"
