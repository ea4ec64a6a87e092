"""What processes that were killed have left is removed by the next one, or at least shown."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import LocationError
from kino_backup_tui.core.files import Owner, replace_file
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.doctor import diagnose
from kino_backup_tui.core.operations.settle import settle
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.restore.folders import open_sets, restore_folder, set_folder, transactions
from kino_backup_tui.core.restore.journal import read_record
from kino_backup_tui.core.workspace import workspace_of
from tests.core.restore.killing import prepare, prepare_rollback

ME = Owner(os.geteuid(), os.getegid())


def test_replacing_a_file_removes_what_a_killed_writer_of_it_has_left(tmp_path: Path) -> None:
    """Its unfinished successor goes; that of another file, or one still being written, stays."""
    dead = tmp_path / ".config.toml.0123abcd.partial"
    busy = tmp_path / ".config.toml.89abcdef.partial"
    other = tmp_path / ".other.toml.0123abcd.partial"
    for path in (dead, busy, other):
        path.write_text("half")

    with busy.open("r+") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        replace_file(tmp_path / "config.toml", b"whole", ME)

    assert {path.name for path in tmp_path.iterdir()} == {"config.toml", busy.name, other.name}


def test_what_a_finished_restore_has_left_is_shown_and_removed_by_apply(tmp_path: Path) -> None:
    """Killed while it tidied up: the journal says it is over, and its files would lie there for ever."""
    bench = prepare(tmp_path)
    prepare_rollback(bench)
    bench.reset()
    workspace = workspace_of(bench.kino)
    (kept,) = transactions(workspace)
    with open_sets(workspace, "0123456789abcdef"):
        set_folder(workspace, "0123456789abcdef", "new").joinpath("db.sqlite").write_bytes(b"unpacked")

    told = [check for check in diagnose(bench.context) if check.name == "leftovers"]
    assert "0123456789abcdef" in told[0].text
    assert "apply" in told[0].hint

    before = read_record(workspace)
    assert settle(bench.context, Control()) is None
    assert transactions(workspace) == [kept]
    assert read_record(workspace) == before


def test_a_journal_that_was_never_finished_is_removed_by_apply(tmp_path: Path) -> None:
    """A power cut leaves it beside the one that counts; with nothing else to settle, too."""
    bench = prepare(tmp_path)
    prepare_rollback(bench)
    bench.reset()
    journal = restore_folder(workspace_of(bench.kino)) / "journal.json"
    before = journal.read_bytes()
    half = journal.with_name(".journal.json.0123abcd.partial")
    half.write_bytes(before[:100])

    assert settle(bench.context, Control()) is None

    assert not half.exists()
    assert journal.read_bytes() == before


def test_an_id_that_cannot_be_read_now_is_not_replaced_by_another(tmp_path: Path) -> None:
    """All backups made until then would be taken for those of another installation, for ever."""
    bench = prepare(tmp_path)
    bench.reset()
    workspace = workspace_of(bench.kino)
    workspace.ensure()
    instance = workspace.folder / "instance"
    instance.symlink_to(instance)

    with pytest.raises(LocationError):
        create_backup(bench.context, Control())

    assert instance.is_symlink()
    assert list(bench.kino.default_location.glob("kino-backup-*")) == []
