"""The journal of a restore: what is written is read, and what cannot be read is not guessed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import LocationError, NoSpaceError, UndecidedError
from kino_backup_tui.core.kino.home import DOCUMENTED, Kino
from kino_backup_tui.core.kino.path_map import Mounted
from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.core.restore.folders import OLD, restore_folder, set_folder
from kino_backup_tui.core.restore.journal import (
    FINAL,
    Phase,
    Record,
    enter,
    is_unsettled,
    kept_names,
    lets_start,
    read_record,
    sweep_journal,
    write_record,
)
from kino_backup_tui.core.restore.plan import State
from kino_backup_tui.core.workspace import Workspace, workspace_of
from tests.core.operations.restoring import mounted, small_disk

SUMMER = timezone(timedelta(hours=2))
EARLIER = Record(
    transaction="0" * 16,
    job="20260401T030000-abcdef",
    operation="restore",
    source="earlier.tar.gz",
    since=datetime(2026, 4, 1, 3, tzinfo=UTC),
    phase=Phase.CONFIRMED,
    layout="kino-0.3",
)
RECORD = Record(
    transaction="f" * 16,
    job="20260426T030000-abcdef",
    operation="rollback",
    source="é\udcff.tar.gz",
    since=datetime(2026, 4, 26, 3, 0, 0, 7, tzinfo=SUMMER),
    phase=Phase.SWAPPING,
    layout="documented",
    was_active=True,
    leaving=("db.sqlite", "db.sqlite-wal", "config.toml"),
    arriving=("db.sqlite", "secrets"),
    inodes={"db.sqlite": 7, "secrets": 2**60},
    arrived=State(datetime(2026, 4, 25, tzinfo=SUMMER), BackupKind.MANUAL, "0.4.2", 2, {"film": 20}, "nas01"),
    replaced=State(kind=None, host="nas02"),
    previous="e" * 16,
    way_back="kino-backup-pre-restore-2026-04-26T03-00-00-v0.4.2.tar.gz",
    library_missing_ok=True,
    mounts=(Mounted("/data", Path("/srv/kino")),),
    reindexed=True,
    may_start=True,
    attempts=2,
    attempted_at=datetime(2026, 4, 26, 4, tzinfo=UTC),
    earlier=EARLIER,
)


@pytest.fixture
def workspace(kino: Kino) -> Workspace:
    """Its working folder, not there yet."""
    return workspace_of(kino)


def journal(workspace: Workspace) -> Path:
    """The file that decides."""
    return restore_folder(workspace) / "journal.json"


def write_body(workspace: Workspace, body: object, **changes: object) -> None:
    """Write a journal of that contents, with the right checksum unless that is changed."""
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    document = {"version": 1, "sha256": digest, "record": body, **changes}
    journal(workspace).write_text(json.dumps(document))


def body_of(workspace: Workspace) -> dict[str, object]:
    """The contents of the journal."""
    body: dict[str, object] = json.loads(journal(workspace).read_text())["record"]
    return body


def fill_up(folder: Path) -> None:
    """Leave no room on a file system."""
    with contextlib.suppress(OSError), (folder / "full").open("ab", buffering=0) as stream:
        while True:
            stream.write(bytes(4096))


@pytest.mark.parametrize("record", [RECORD, EARLIER], ids=["everything", "little"])
def test_what_is_written_is_read(workspace: Workspace, record: Record) -> None:
    """Every field, to the microsecond and the last bit, and nobody else may read it."""
    assert write_record(workspace, record) == record
    assert read_record(workspace) == record
    assert journal(workspace).stat().st_mode & 0o777 == 0o600


def test_a_new_phase_is_on_disk_with_what_changes(workspace: Workspace) -> None:
    """All else stays."""
    after = enter(workspace, RECORD, Phase.SWAPPED, attempts=3)

    assert after == replace(RECORD, phase=Phase.SWAPPED, attempts=3)
    assert read_record(workspace) == after


def test_a_journal_from_before_there_were_mounts_has_none(workspace: Workspace) -> None:
    """A restore that was interrupted, and the program updated, before `apply`."""
    write_record(workspace, RECORD)
    body = body_of(workspace)
    del body["mounts"]
    write_body(workspace, body)

    assert read_record(workspace) == replace(RECORD, mounts=())


def test_the_journal_belongs_to_kinos_user(workspace: Workspace) -> None:
    """And so does the room that is set aside for it."""
    if os.geteuid() != 0:
        pytest.skip("needs root to have files of another user")
    os.chown(workspace.kino.database, 12345, 12346)
    workspace = workspace_of(workspace.kino)

    write_record(workspace, replace(RECORD, phase=Phase.STAGED))

    found = {path.name: path.stat() for path in restore_folder(workspace).iterdir()}
    assert found.keys() == {"journal.json", "reserve"}
    assert {(status.st_uid, status.st_gid) for status in found.values()} == {(12345, 12346)}


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase not in {Phase.STAGED}])
def test_room_is_set_aside_only_once_the_new_set_is_whole(workspace: Workspace, phase: Phase) -> None:
    """Until the end; to set it aside again is no error."""
    reserve = restore_folder(workspace) / "reserve"
    write_record(workspace, replace(RECORD, phase=phase))
    assert not reserve.exists()

    for _ in range(2):
        write_record(workspace, replace(RECORD, phase=Phase.STAGED))
    assert reserve.stat().st_size == 65536

    write_record(workspace, replace(RECORD, phase=phase))
    assert reserve.exists() is (phase not in FINAL)


def test_on_a_disk_that_has_become_full_the_journal_goes_on(workspace: Workspace) -> None:
    """Into the room that was set aside; without that it is an error, and says where."""
    with small_disk(workspace.folder, 512):
        write_record(workspace, replace(RECORD, phase=Phase.STAGED))
        fill_up(workspace.folder)
        write_record(workspace, replace(RECORD, phase=Phase.SWAPPING))
        assert read_record(workspace) == replace(RECORD, phase=Phase.SWAPPING)

        fill_up(workspace.folder)
        with pytest.raises(NoSpaceError) as caught:
            write_record(workspace, replace(RECORD, phase=Phase.SWAPPED))
        assert f"write the journal {journal(workspace)}" in caught.value.message
        assert read_record(workspace) == replace(RECORD, phase=Phase.SWAPPING)


def test_where_no_room_can_be_set_aside_it_is_said(workspace: Workspace) -> None:
    """With the path."""
    restore_folder(workspace).mkdir(parents=True)
    with mounted(workspace.folder, "ro"), pytest.raises(LocationError) as caught:
        write_record(workspace, replace(RECORD, phase=Phase.STAGED))

    reserve = restore_folder(workspace) / "reserve"
    assert caught.value.message == f"Could not set room aside in {reserve}: Read-only file system."


def test_no_journal_is_no_restore(workspace: Workspace) -> None:
    """Nothing there; nor is a damaged one, where there are no files of a restore."""
    assert read_record(workspace) is None
    restore_folder(workspace).mkdir(parents=True)
    journal(workspace).write_bytes(b"\xff")
    assert read_record(workspace) is None


def test_a_lost_journal_is_told_with_both_places_and_both_ways_out(workspace: Workspace) -> None:
    """Of two restores the newest is meant."""
    for age, name in enumerate(("f" * 16, "0" * 16)):
        set_folder(workspace, name, OLD).mkdir(parents=True)
        os.utime(restore_folder(workspace) / name, ns=(0, 10**9 - age))

    with pytest.raises(UndecidedError) as caught:
        read_record(workspace)

    assert caught.value.message == (
        f"The journal of a restore, {journal(workspace)}, is missing, and it cannot be told which files "
        f"belong to Kino: those in {workspace.data_path}, or what was replaced, in "
        f"{set_folder(workspace, 'f' * 16, OLD)}."
    )
    assert caught.value.hint == (
        f"`kino-backup-tui --data-path {workspace.data_path} apply --keep old` puts the old files back, "
        "--keep new leaves what is there."
    )


@pytest.mark.parametrize(
    "changes", [{"version": 2}, {"sha256": "0" * 64}, {"record": {}}, {"record": None}, {"record": []}]
)
def test_a_journal_that_is_not_ours_is_not_read(workspace: Workspace, changes: Mapping[str, object]) -> None:
    """Of another version, altered, or of nothing."""
    write_record(workspace, RECORD)
    set_folder(workspace, "f" * 16, OLD).mkdir(parents=True)
    write_body(workspace, body_of(workspace), **changes)

    with pytest.raises(UndecidedError, match=r"cannot be read \(the checksum differs\)"):
        read_record(workspace)


@pytest.mark.parametrize(
    "changes",
    [
        {"leaving": ["../../etc"]},
        {"arriving": ["backups"]},
        {"transaction": ".."},
        {"transaction": ""},
        {"previous": "../.."},
        {"layout": "other"},
        {"phase": "finished"},
        {"since": "yesterday"},
        {"attempted_at": "never"},
        {"arrived": {}},
        {"replaced": {"kind": "weekly", "created_at": None}},
        {"earlier": {"transaction": ".."}},
        {"more": True},
    ],
)
def test_a_journal_that_says_what_none_of_ours_says_is_not_followed(
    workspace: Workspace, changes: Mapping[str, object]
) -> None:
    """Also with the right checksum: others may be able to write there."""
    write_record(workspace, RECORD)
    set_folder(workspace, "f" * 16, OLD).mkdir(parents=True)
    write_body(workspace, {**body_of(workspace), **changes})

    named = changes.keys() & {"leaving", "arriving", "transaction", "previous"}
    why = "it names what is none of Kino's files" if named else ""
    with pytest.raises(UndecidedError, match=rf"cannot be read \({why}"):
        read_record(workspace)


def test_kept_is_all_that_was_replaced_or_nothing(workspace: Workspace) -> None:
    """Half of it is no state that one could go back to."""
    old = set_folder(workspace, RECORD.transaction, OLD)
    old.mkdir(parents=True)
    assert kept_names(workspace, RECORD) == ()

    for name in RECORD.leaving:
        (old / name).touch()
    assert kept_names(workspace, RECORD) == ("db.sqlite", "db.sqlite-wal", "config.toml")

    (old / "config.toml").unlink()
    assert kept_names(workspace, RECORD) == ()
    (old / "config.toml").symlink_to("nowhere")
    assert kept_names(workspace, RECORD) == ("db.sqlite", "db.sqlite-wal", "config.toml")


def test_the_log_of_kept_files_may_have_come_or_gone(workspace: Workspace) -> None:
    """Whoever has looked into the database may have ended its log, or begun another; nothing else counts."""
    old = set_folder(workspace, RECORD.transaction, OLD)
    old.mkdir(parents=True)
    for name in ("db.sqlite", "db.sqlite-shm", "config.toml", "secrets", "notes.txt"):
        (old / name).touch()

    assert kept_names(workspace, RECORD) == ("db.sqlite", "db.sqlite-shm", "config.toml")


@pytest.mark.parametrize("phase", Phase)
def test_what_has_begun_is_unsettled_until_its_end(phase: Phase) -> None:
    """And from the order to stop until the new set may be used, Kino must not start."""
    record = replace(RECORD, phase=phase, may_start=False)
    stopped = {
        Phase.QUIESCING,
        Phase.SWAPPING,
        Phase.SWAPPED,
        Phase.REVERTING,
        Phase.ROLLING_BACK,
        Phase.BLOCKED,
    }

    assert is_unsettled(record) is (phase not in {Phase.CONFIRMED, Phase.ROLLED_BACK, Phase.ABANDONED})
    assert lets_start(record) is (phase not in stopped)
    assert lets_start(replace(record, may_start=True)) is (phase not in stopped - {Phase.SWAPPED})


def test_without_a_restore_nothing_is_unsettled() -> None:
    """No journal, no question."""
    assert is_unsettled(None) is False
    assert RECORD.known_layout() == DOCUMENTED


def test_what_was_never_finished_is_swept(workspace: Workspace) -> None:
    """It lies beside the journal, which stays."""
    write_record(workspace, RECORD)
    half = journal(workspace).with_name(".journal.json.0123abcd.partial")
    half.write_text("{")

    sweep_journal(workspace)

    assert not half.exists()
    assert read_record(workspace) == RECORD
