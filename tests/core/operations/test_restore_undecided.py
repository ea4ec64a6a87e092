"""What cannot be told without the admin: nothing is guessed, a decision between two sets settles it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import ServiceError, UndecidedError, UsageError
from kino_backup_tui.core.operations.gate import gate
from kino_backup_tui.core.operations.last_restore import interrupted
from kino_backup_tui.core.operations.plan import plan_restore
from kino_backup_tui.core.operations.settle import settle
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.restore.folders import OLD as OLD_SET
from kino_backup_tui.core.restore.folders import restore_folder, set_folder, transactions
from kino_backup_tui.core.restore.journal import Phase, read_record, write_record
from kino_backup_tui.core.workspace import Workspace, workspace_of
from tests.core.restore.interrupting import die_in
from tests.core.restore.killing import (
    NEW,
    OLD,
    Bench,
    prepare,
    prepare_rollback,
    restore,
    rollback,
    state_of,
)
from tests.proof.points import done

MOVES = (1, 4, 7)
"""After so many: the database, its log and index, config and secrets leave, then three names arrive."""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A crashed Kino and an archive of another state."""
    bench = prepare(tmp_path)
    bench.reset()
    return bench


@pytest.fixture
def workspace(bench: Bench) -> Workspace:
    """Its working folder."""
    return workspace_of(bench.kino)


def journal(workspace: Workspace) -> Path:
    """The file that decides."""
    return restore_folder(workspace) / "journal.json"


def old_set(workspace: Workspace) -> Path:
    """Where the newest restore has put the old files."""
    record = read_record(workspace)
    assert record is not None
    return set_folder(workspace, record.transaction, OLD_SET)


def require_undecided(bench: Bench, *folders: Path) -> None:
    """Everybody who asks is told so, and Kino does not start."""
    with pytest.raises(UndecidedError) as caught:
        settle(bench.context, Control())
    assert all(str(folder) in caught.value.message for folder in folders), caught.value.message
    assert "--keep old" in caught.value.hint
    assert "--keep new" in caught.value.hint
    assert gate(bench.context, finish_later=False) is False
    seen = interrupted(bench.context)
    assert seen is not None
    assert not seen.decided
    assert plan_restore(bench.context, bench.archive, Control()).blockers


@pytest.mark.parametrize("keep", [OLD, NEW])
@pytest.mark.parametrize("moved", MOVES)
def test_a_journal_that_is_lost_in_the_swap(
    bench: Bench, workspace: Workspace, moved: int, keep: str
) -> None:
    """Wherever it was interrupted, either decision leads to one whole state."""
    die_in(workspace, Phase.SWAPPING, restore(bench), moved=moved)
    (transaction,) = transactions(workspace)
    journal(workspace).unlink()

    require_undecided(bench, bench.kino.data_path, set_folder(workspace, transaction, OLD_SET))
    settle(bench.context, Control(), keep)

    assert state_of(bench.kino.data_path) == keep
    assert gate(bench.context, finish_later=False) is True
    assert interrupted(bench.context) is None


@pytest.mark.parametrize("phase", [Phase.STAGING, Phase.STAGED, Phase.QUIESCING])
@pytest.mark.parametrize("keep", [OLD, NEW])
def test_a_journal_that_is_lost_before_the_swap(
    bench: Bench, workspace: Workspace, phase: Phase, keep: str
) -> None:
    """Nothing has been replaced, and what was unpacked may not be whole: the old state stays."""
    die_in(workspace, phase, restore(bench))
    journal(workspace).unlink()

    settle(bench.context, Control(), keep)

    assert state_of(bench.kino.data_path) == OLD
    assert transactions(workspace) == []


@pytest.mark.parametrize("keep", [OLD, NEW])
@pytest.mark.parametrize("moved", [1, 6])
def test_a_journal_that_is_lost_in_a_rollback(
    bench: Bench, workspace: Workspace, moved: int, keep: str
) -> None:
    """The set it goes back to lies in the folder of the earlier restore."""
    prepare_rollback(bench)
    die_in(workspace, Phase.SWAPPING, rollback(bench), moved=moved)
    journal(workspace).unlink()

    settle(bench.context, Control(), keep)

    # To a rollback, the restored state is the one from before.
    assert state_of(bench.kino.data_path) == (NEW if keep == OLD else OLD)


def test_the_newest_of_two_restores_is_the_interrupted_one(bench: Bench, workspace: Workspace) -> None:
    """The names of their folders say nothing of their age; without a journal, the folders do."""
    for _ in range(2):
        prepare_rollback(bench)
        earlier = transactions(workspace)
        die_in(workspace, Phase.SWAPPING, restore(bench), moved=2)
        journal(workspace).unlink()
        settle(bench.context, Control(), OLD)
        assert state_of(bench.kino.data_path) == NEW
        assert set(earlier) <= set(transactions(workspace))


@pytest.mark.parametrize("damage", [b"", b"null", b"\xff", b"altered"])
def test_an_altered_journal_is_as_good_as_lost(bench: Bench, workspace: Workspace, damage: bytes) -> None:
    """Another phase in it, or no JSON at all."""
    die_in(workspace, Phase.SWAPPING, restore(bench), moved=2)
    text = journal(workspace).read_bytes()
    journal(workspace).write_bytes(
        text.replace(b'"swapping"', b'"confirmed"') if damage == b"altered" else damage
    )

    require_undecided(bench, bench.kino.data_path)


def test_a_journal_of_foreign_names_moves_nothing(bench: Bench, workspace: Workspace) -> None:
    """Also with the right checksum: names and folders are the layout's own."""
    die_in(workspace, Phase.SWAPPING, restore(bench), moved=2)
    record = read_record(workspace)
    assert record is not None
    for changes in (
        {"leaving": ("../../etc",)},
        {"transaction": "../../.."},
        {"previous": "..", "layout": "x"},
    ):
        write_record(workspace, replace(record, **changes))
        with pytest.raises(UndecidedError):
            settle(bench.context, Control())


def test_a_lost_journal_without_files_of_a_restore_is_none(bench: Bench, workspace: Workspace) -> None:
    """There is nothing to decide, and Kino may start."""
    journal(workspace).parent.mkdir(parents=True)
    journal(workspace).write_bytes(b"")

    assert settle(bench.context, Control()) is None
    assert gate(bench.context) is True


@pytest.mark.parametrize("name", ["config.toml", "secrets"])
def test_a_lost_file_of_the_old_set(bench: Bench, workspace: Workspace, name: str) -> None:
    """Going back is refused before anything is moved; with a decision, what is there comes back."""
    die_in(workspace, Phase.SWAPPING, restore(bench), moved=6)
    lost = old_set(workspace) / name
    shutil.rmtree(lost) if lost.is_dir() else lost.unlink()

    with pytest.raises(UndecidedError) as caught:
        settle(bench.context, Control())
    assert name in caught.value.message
    require_undecided(bench, bench.kino.data_path, lost.parent)
    settle(bench.context, Control(), "old")

    assert not (bench.kino.data_path / name).exists()
    assert "old" in (bench.kino.data_path / "config.toml").read_text() if name != "config.toml" else True
    assert interrupted(bench.context) is None


def test_a_lost_file_of_the_old_set_can_be_answered_with_the_new_one(
    bench: Bench, workspace: Workspace
) -> None:
    """The swap is brought to its end."""
    die_in(workspace, Phase.SWAPPING, restore(bench), moved=6)
    (old_set(workspace) / "config.toml").unlink()

    result = settle(bench.context, Control(), "new")

    assert result is not None
    assert state_of(bench.kino.data_path) == NEW


def test_without_its_database_the_old_set_is_not_put_back(bench: Bench, workspace: Workspace) -> None:
    """Kino would begin an empty one; the new set is what remains."""
    die_in(workspace, Phase.SWAPPING, restore(bench), moved=6)
    (old_set(workspace) / "db.sqlite").unlink()

    with pytest.raises(UndecidedError):
        settle(bench.context, Control(), "old")
    assert gate(bench.context, finish_later=False) is False
    settle(bench.context, Control(), "new")

    assert state_of(bench.kino.data_path) == NEW


@pytest.mark.parametrize("moved", [2, 6])
def test_a_new_set_that_is_not_whole_is_not_put_in_place(
    bench: Bench, workspace: Workspace, moved: int
) -> None:
    """The database waited to be put in place, and is gone: the old set is what remains."""
    die_in(workspace, Phase.SWAPPING, restore(bench), moved=moved)
    (old_set(workspace).with_name("new") / "db.sqlite").unlink()

    with pytest.raises(UndecidedError):
        settle(bench.context, Control(), "new")
    settle(bench.context, Control(), "old")

    assert state_of(bench.kino.data_path) == OLD


@pytest.mark.parametrize("keep", [OLD, NEW])
@pytest.mark.parametrize("moved", [0, 6])
def test_a_decision_where_none_was_needed_is_followed(
    bench: Bench, workspace: Workspace, moved: int, keep: str
) -> None:
    """The journal would have said "old" here; the admin may want the restored state all the same."""
    die_in(workspace, Phase.SWAPPING, restore(bench), moved=moved)

    settle(bench.context, Control(), keep)

    assert state_of(bench.kino.data_path) == keep


def test_there_are_two_sets_to_keep(bench: Bench) -> None:
    """Anything else is a mistake of the caller."""
    with pytest.raises(UsageError):
        settle(bench.context, Control(), "both")


def test_a_journal_that_is_lost_after_the_end(bench: Bench, workspace: Workspace) -> None:
    """Nothing was interrupted, which nobody can know; what is in place stays, and can be undone again."""
    prepare_rollback(bench)
    journal(workspace).unlink()

    settle(bench.context, Control(), "new")

    assert state_of(bench.kino.data_path) == NEW
    assert done(rollback(bench))
    assert state_of(bench.kino.data_path) == OLD


@pytest.mark.parametrize("keep", [OLD, NEW])
@pytest.mark.parametrize("moved", [1, 3])
def test_a_journal_that_is_lost_on_a_fresh_machine(
    bench: Bench, workspace: Workspace, moved: int, keep: str
) -> None:
    """There was nothing before, and the old state is to have nothing again, or all is there already."""
    for path in bench.kino.data_path.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    die_in(workspace, Phase.SWAPPING, restore(bench), moved=moved)
    journal(workspace).unlink()

    settle(bench.context, Control(), keep)

    if keep == NEW or moved == 3:
        assert state_of(bench.kino.data_path) == NEW
    else:
        assert [path.name for path in bench.kino.data_path.iterdir()] == [".kino-backup"]


@pytest.mark.parametrize("keep", [OLD, NEW])
def test_nothing_is_moved_under_a_running_kino(bench: Bench, workspace: Workspace, keep: str) -> None:
    """Started by hand on what an interrupted restore has left: it has to be stopped first."""
    die_in(workspace, Phase.SWAPPING, restore(bench), moved=7)
    holder = "import sys; held = open(sys.argv[1]); print(flush=True); sys.stdin.read()"
    (bench.kino.data_path / "db.sqlite").touch()
    command = [sys.executable, "-c", holder, str(bench.kino.database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as kino:
        assert kino.stdout is not None
        kino.stdout.readline()
        before = sorted(path.name for path in old_set(workspace).iterdir())
        with pytest.raises(ServiceError, match=str(kino.pid)):
            settle(bench.context, Control(), keep)
        assert sorted(path.name for path in old_set(workspace).iterdir()) == before
        kino.communicate()
