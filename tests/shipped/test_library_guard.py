"""Kino is not started on a restored database while its library is not there, unless somebody wants that."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import tomli_w

from kino_backup_tui.core.errors import LibraryMissingError, RolledBackError
from kino_backup_tui.core.kino.home import KINO_0_3, Kino
from kino_backup_tui.core.kino.tool_config import CONFIG_VARIABLE
from kino_backup_tui.core.operations import gate as gate_module
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.gate import gate
from kino_backup_tui.core.operations.plan import RestoreOptions, plan_restore, plan_rollback
from kino_backup_tui.core.operations.restore import read_result, settle
from kino_backup_tui.core.progress import Control, JobEvent, Stage
from kino_backup_tui.core.restore.journal import Phase, enter, read_record
from kino_backup_tui.core.workspace import workspace_of
from kino_backup_tui.demo.control import send_order
from kino_backup_tui.demo.supervisor_process import supervised_server
from tests.core.operations.restoring import do, restore, rollback
from tests.core.restore.interrupting import die_in
from tests.shipped.serving import values

BackUp = Callable[..., Path]
START_ANYWAY = RestoreOptions(library_missing_ok=True)


@pytest.fixture
def supervised(shipped: Kino, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kino]:
    """The shipped Kino runs, and commands stop and start it."""
    control = [sys.executable, "-m", "kino_backup_tui.demo.control"]
    commands = {f"{order}_command": [*control, order, str(tmp_path)] for order in ("stop", "start", "log")}
    config = tmp_path / "tool.toml"
    config.touch(0o600)
    with supervised_server(shipped.data_path, tmp_path, KINO_0_3) as server:
        config.write_text(tomli_w.dumps({"kino_url": server.url, **commands}))
        monkeypatch.setenv(CONFIG_VARIABLE, str(config))
        yield shipped


def library_of(kino: Kino) -> Path:
    """Where the films are."""
    return kino.data_path / "library"


def unmount(kino: Kino) -> None:
    """What is left of the library is the folder that it was mounted on."""
    library_of(kino).rename(kino.data_path / "disk")
    library_of(kino).mkdir()


def mount(kino: Kino) -> None:
    """And back."""
    library_of(kino).rmdir()
    (kino.data_path / "disk").rename(library_of(kino))


def unmounting_at(stage: Stage, kino: Kino) -> Control:
    """A control under which the library goes when the job is at that stage."""

    def report(event: JobEvent) -> None:
        if event.stage is stage and event.event == "stage" and not (kino.data_path / "disk").exists():
            unmount(kino)

    return Control(report=report)


def media(kino: Kino) -> int:
    """How many files of the library Kino knows."""
    return int(values(kino.database, "SELECT count(*) FROM media")[0])


def is_running(folder: Path) -> bool:
    """Whether the supervisor has a server."""
    return send_order("state", folder).startswith("running")


def swapped(context: Context, archive: Path) -> None:
    """Let the worker of a restore die once the files are in place, before Kino is started."""
    plan = plan_restore(context, archive, Control())

    def work() -> None:
        do(context, plan)

    die_in(workspace_of(context.kino), Phase.SWAPPED, work)


def test_a_library_that_goes_during_the_restore_keeps_kino_stopped(
    supervised: Kino, shipped_context: Context, back_up_as_kino: BackUp, tmp_path: Path
) -> None:
    """The old state comes back, Kino loses nothing of that either, and the last line says that it is down."""
    plan = plan_restore(shipped_context, back_up_as_kino(), Control())

    with pytest.raises(RolledBackError) as caught:
        do(shipped_context, plan, control=unmounting_at(Stage.SWAPPING, supervised))

    assert not is_running(tmp_path)
    assert media(supervised) == 20
    assert "would forget 20 of its 20 media at its start" in caught.value.message
    assert "The state from before the restore is back, but Kino does not run" in caught.value.message
    assert "Mount it" in caught.value.hint
    result = read_result(shipped_context)
    assert result is not None
    assert (result.running, result.failed_stage) == (False, Stage.STARTING.value)


def test_nothing_is_begun_while_the_library_is_not_there(
    supervised: Kino, shipped_context: Context, back_up_as_kino: BackUp, tmp_path: Path
) -> None:
    """Gone between the question and the answer: Kino runs on."""
    plan = plan_restore(shipped_context, back_up_as_kino(), Control())
    unmount(supervised)

    with pytest.raises(LibraryMissingError):
        do(shipped_context, plan)

    assert is_running(tmp_path)


def test_told_so_kino_is_started_all_the_same(
    supervised: Kino, shipped_context: Context, back_up_as_kino: BackUp, tmp_path: Path
) -> None:
    """And does what the plan has said."""
    archive = back_up_as_kino()
    unmount(supervised)

    result = restore(shipped_context, archive, START_ANYWAY)

    assert result.running
    assert media(supervised) == 0


def test_a_rollback_is_guarded_as_a_restore_is(
    supervised: Kino, shipped_context: Context, back_up_as_kino: BackUp
) -> None:
    """The files of before know the library, too, also while a part of them is in the log."""
    restore(shipped_context, back_up_as_kino())
    unmount(supervised)

    (blocker,) = plan_rollback(shipped_context, Control()).blockers
    assert isinstance(blocker, LibraryMissingError)

    mount(supervised)
    assert rollback(shipped_context).outcome == "ok"
    assert media(supervised) == 20


def test_apply_does_not_start_kino_without_its_library(
    supervised: Kino, shipped_context: Context, back_up_as_kino: BackUp, tmp_path: Path
) -> None:
    """It says that Kino stays stopped; once the library is mounted, it finishes the restore."""
    swapped(shipped_context, back_up_as_kino())
    unmount(supervised)

    with pytest.raises(LibraryMissingError) as caught:
        settle(shipped_context, Control())
    assert caught.value.message.startswith(
        "The restored state is in place, but Kino stays stopped: the library"
    )
    assert "--library-missing-ok" in caught.value.hint
    assert not is_running(tmp_path)

    mount(supervised)
    result = settle(shipped_context, Control())
    assert result is not None
    assert (result.outcome, media(supervised)) == ("ok", 20)
    assert is_running(tmp_path)


def test_apply_told_so_starts_kino_all_the_same(
    supervised: Kino, shipped_context: Context, back_up_as_kino: BackUp, tmp_path: Path
) -> None:
    """By the same words as for a restore."""
    swapped(shipped_context, back_up_as_kino())
    unmount(supervised)

    result = settle(shipped_context, Control(), library_missing_ok=True)

    assert result is not None
    assert (result.outcome, media(supervised)) == ("ok", 0)


def test_the_gate_keeps_kino_stopped_until_its_library_is_there(
    shipped: Kino, shipped_context: Context, back_up_as_kino: BackUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut in the middle of a restore, on a host whose share is not mounted yet."""
    monkeypatch.setattr(gate_module, "_LIBRARY_SECONDS", 0.0)
    swapped(shipped_context, back_up_as_kino())
    unmount(shipped)

    with pytest.raises(LibraryMissingError, match="would forget 20 of its 20 media"):
        gate(shipped_context, finish_later=False)
    record = read_record(workspace_of(shipped))
    assert record is not None
    assert (record.phase, record.may_start) == (Phase.SWAPPED, False)

    mount(shipped)
    assert gate(shipped_context, finish_later=False) is True


def test_the_gate_waits_for_a_share_that_is_mounted_late(
    shipped: Kino, shipped_context: Context, back_up_as_kino: BackUp
) -> None:
    """Nobody would start Kino again if its start was refused."""
    swapped(shipped_context, back_up_as_kino())
    unmount(shipped)
    disk = threading.Timer(0.5, mount, [shipped])
    disk.start()

    assert gate(shipped_context, finish_later=False) is True
    assert not (shipped.data_path / "disk").exists()
    disk.join()


def test_the_gate_lets_kino_start_where_the_admin_wants_it(
    shipped: Kino, shipped_context: Context, back_up_as_kino: BackUp
) -> None:
    """What was confirmed stands in the journal."""
    swapped(shipped_context, back_up_as_kino())
    workspace = workspace_of(shipped)
    record = read_record(workspace)
    assert record is not None
    enter(workspace, replace(record, library_missing_ok=True), Phase.SWAPPED)
    unmount(shipped)

    assert gate(shipped_context, finish_later=False) is True


def test_one_who_starts_kino_by_hand_is_told_to_wait(
    shipped: Kino, shipped_context: Context, back_up_as_kino: BackUp
) -> None:
    """Nobody can keep them from it."""
    plan = plan_restore(shipped_context, back_up_as_kino(), Control())

    result = do(shipped_context, plan, control=unmounting_at(Stage.SWAPPING, shipped))

    assert result.outcome == "ok"
    assert "Do not start Kino before its library is mounted" in result.message
