"""Full and failing disks: a short cut of `space` and `errors`."""

from __future__ import annotations

import pytest

from tests.proof.errors import ERRORS, fail
from tests.proof.places import NotMountedError, folder_in_memory
from tests.proof.scenes import ALL_SCENES
from tests.proof.space import squeeze
from tests.proof.syscalls import has_strace

BUDGETS = {
    "create": range(0, 130, 9),
    "import": range(0, 130, 16),
    "export": range(0, 60, 8),
    "delete": range(0, 6, 2),
    "prune": range(0, 6, 2),
    "schedule set": range(0, 8, 2),
    "run-due": range(0, 130, 16),
    "move": range(0, 60, 8),
    "restore": range(0, 250, 50),
    "rollback": range(0, 160, 50),
    "schedule set, Kino 0.3": range(0, 32, 5),
}
CASES = {
    "create": 13,
    "import": 9,
    "export": 3,
    "delete": 3,
    "schedule set": 5,
    "move": 17,
    "run-due": 31,
    "restore": 61,
    "prune": 5,
    "rollback": 23,
    "apply (back)": 17,
    "apply (on)": 9,
    "delete, Kino 0.3": 19,
}
"""Every so many calls."""


@pytest.mark.parametrize("name", BUDGETS)
def test_with_any_room_left_an_operation_ends_well_or_leaves_all_as_it_was(name: str) -> None:
    """It ends with the code for no space, and succeeds once there is some."""
    with folder_in_memory() as base:
        try:
            ends, broken = squeeze(base, ALL_SCENES[name], BUDGETS[name])
        except NotMountedError as error:
            pytest.skip(str(error))

    assert not broken
    assert ends["ok"]


@pytest.mark.skipif(not has_strace(), reason="needs strace, and the right to trace")
@pytest.mark.parametrize("name", CASES)
def test_whatever_call_fails_it_is_named_and_nothing_is_lost(name: str) -> None:
    """Full, over quota, broken or read-only: the next run succeeds."""
    with folder_in_memory() as base:
        cases, _, broken = fail(base, ALL_SCENES[name], ERRORS, CASES[name])

    assert not broken
    assert cases >= 4
