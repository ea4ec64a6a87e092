"""A worker that is killed at any moment: the live state is wholly the old one or wholly the new one."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.restore.killing import (
    NEW,
    OLD,
    Bench,
    campaign,
    double_campaign,
    prepare,
    prepare_rollback,
    restore,
    rollback,
    settling,
    starting,
)

LEAST = 120
"""Fewer points would mean that the hooks have missed most of them."""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A crashed Kino and an archive of another state."""
    return prepare(tmp_path)


@pytest.fixture
def split_bench(tmp_path: Path) -> Iterator[Bench]:
    """The same with the journal on another file system than Kino's files."""
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a file system")
    bench = prepare(tmp_path)
    state = bench.kino.data_path / ".kino-backup"
    state.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "tmpfs", state], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount here: {mounted.stderr.strip()}")
    yield bench
    subprocess.run(["umount", "--lazy", state], check=True)


def require_whole(outcomes: Counter[str], least: int = LEAST) -> None:
    """Every run ended in one of the two states, both occurred, and there were enough of them."""
    assert set(outcomes) == {OLD, NEW}, outcomes
    assert sum(outcomes.values()) >= least, outcomes


def test_apply_after_any_kill_leaves_one_whole_state(bench: Bench) -> None:
    """`apply` after a SIGKILL before each change on disk finds its way back, or to the end."""
    require_whole(campaign(bench, restore, settling))


def test_the_gate_after_any_kill_lets_kino_start_on_one_whole_state(bench: Bench) -> None:
    """After a reboot in each state of the journal, the gate alone has put the files in order."""
    require_whole(campaign(bench, restore, starting))


def test_a_journal_on_another_file_system_changes_nothing(split_bench: Bench) -> None:
    """The sets wait beside Kino's files then, and the outcome is as good."""
    require_whole(campaign(split_bench, restore, settling))


def test_a_killed_recovery_can_be_recovered_from(bench: Bench) -> None:
    """A kill during the restore and another one during the recovery still leave one whole state."""
    require_whole(double_campaign(bench, restore, stride=7))


def test_a_killed_rollback_leaves_one_whole_state(bench: Bench) -> None:
    """The way back is as safe as the way there."""
    prepare_rollback(bench)
    require_whole(campaign(bench, rollback, settling))
