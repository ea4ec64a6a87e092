"""A restore onto a machine that has no Kino yet: how its files are laid out is for the archive to say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import IncompatibleError
from kino_backup_tui.core.kino.home import DOCUMENTED, KINO_0_3, Kino
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.gate import gate
from kino_backup_tui.core.operations.last_restore import interrupted
from kino_backup_tui.core.operations.plan import plan_restore, plan_rollback
from kino_backup_tui.core.operations.restore import settle
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.restore.journal import Phase
from kino_backup_tui.core.workspace import workspace_of
from tests.cli.harness import Cli
from tests.core.operations.restoring import do
from tests.core.restore.interrupting import die_in
from tests.fakes import FakeClock
from tests.shipped.serving import running_server, values

BackUp = Callable[..., Path]


@pytest.fixture
def fresh(tmp_path: Path, clock: FakeClock) -> Context:
    """An empty data path, for which the documented layout is only the first guess."""
    data_path = tmp_path / "fresh"
    data_path.mkdir()
    return Context(Kino(data_path), clock, host="nas02")


@pytest.fixture
def archive(shipped: Kino, back_up_as_kino: BackUp, tmp_path: Path) -> Path:
    """What Kino 0.3 itself has made: nothing in it names its layout but the database's own name."""
    return back_up_as_kino().rename(tmp_path / "kept.tar.gz")


def test_the_archive_of_kino_0_3_makes_a_kino_0_3(fresh: Context, archive: Path) -> None:
    """The plan says so, and Kino starts on it; the settings that are not there yet are no reason to warn."""
    plan = plan_restore(fresh, archive, Control())
    assert (plan.layout, plan.arriving, plan.replaced) == (KINO_0_3.name, ("kino.db",), ())
    assert not any("There is no database" in warning for warning in plan.warnings)

    result = do(fresh.laid_out(plan.layout), plan)

    assert result.outcome == "ok"
    data_path = fresh.kino.data_path
    assert sorted(path.name for path in data_path.iterdir()) == [".kino-backup", "kino.db"]
    with running_server(data_path):
        assert values(data_path / "kino.db", "SELECT count(*) FROM movie") == [20]


def test_where_there_is_a_kino_the_other_layout_stays_refused(context: Context, archive: Path) -> None:
    """Whatever state it is in."""
    context.kino.database.write_bytes(b"damaged")

    (blocker,) = (
        problem
        for problem in plan_restore(context, archive, Control()).blockers
        if isinstance(problem, IncompatibleError)
    )

    assert "layout kino-0.3 (kino.db)" in blocker.message


@pytest.mark.parametrize("phase", [Phase.STAGED, Phase.SWAPPING, Phase.SWAPPED])
@pytest.mark.parametrize("by_gate", [False, True], ids=["apply", "gate"])
def test_an_interrupted_one_is_settled_by_what_its_journal_says(
    fresh: Context, archive: Path, phase: Phase, by_gate: bool
) -> None:
    """Between the two halves of the swap no file tells how Kino's are laid out."""
    plan = plan_restore(fresh, archive, Control())

    def work() -> None:
        do(fresh.laid_out(plan.layout), plan)

    die_in(workspace_of(fresh.kino), phase, work)

    if by_gate:
        assert gate(fresh, finish_later=False) is True
    else:
        settle(fresh, Control())
        assert interrupted(fresh) is None

    there = (fresh.kino.data_path / "kino.db").exists()
    assert there is (phase is Phase.SWAPPED)
    assert fresh.kino.layout == DOCUMENTED


def test_a_restore_can_be_undone_where_its_database_is_gone(
    shipped_context: Context, back_up_as_kino: BackUp
) -> None:
    """The journal knows the layout, too."""
    do(shipped_context, plan_restore(shipped_context, back_up_as_kino(), Control()))
    shipped_context.kino.database.unlink()
    guessed = shipped_context.of_layout(DOCUMENTED)

    plan = plan_rollback(guessed, Control())

    assert (plan.layout, plan.blockers) == (KINO_0_3.name, ())
    assert do(guessed.laid_out(plan.layout), plan).outcome == "ok"
    assert values(shipped_context.kino.database, "SELECT count(*) FROM movie") == [20]


def test_the_command_line_needs_no_layout_either(fresh: Context, archive: Path) -> None:
    """An empty folder, an archive, and nothing else."""
    cli = Cli(fresh.kino.data_path)

    shown = cli.run("restore", str(archive), "--dry-run", "--json").json
    restored = cli.run("restore", str(archive), "--yes", "--json")

    assert (shown["layout"], shown["arriving"]) == (KINO_0_3.name, ["kino.db"])
    assert shown["first_boot"]["library"]["missing"] == 0
    assert restored.code == 0, restored.err
    assert values(fresh.kino.data_path / "kino.db", "SELECT count(*) FROM movie") == [20]
    assert cli.run("status").code == 0
