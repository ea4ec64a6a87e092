"""The measurements run, on next to nothing; what they measure is no matter of a test.

`python -m tests.proof performance screens` measures from 1 MB to 2 GB.
"""

from __future__ import annotations

import shutil

import pytest

from tests.proof.figures import Options
from tests.proof.performance import by_count, by_size
from tests.proof.screens import measure

needs_peers = pytest.mark.skipif(
    not all(map(shutil.which, ("sqlite3", "jq", "pigz"))), reason="needs sqlite3, jq and pigz"
)


@needs_peers
def test_each_operation_is_measured_beside_the_same_work_by_hand() -> None:
    """Create, verify and restore have a time of ours and one by hand; what was made for them is removed."""
    rows = list(by_size(1, ["create", "verify", "restore"], rounds=1))

    assert [row["case"] for row in rows] == ["create 1 MB", "verify 1 MB", "restore 1 MB"]
    assert all({"command", "by hand", "× by hand"} <= row.keys() for row in rows)
    assert {"pigz", "bound", "of bound", "peak MB"} <= rows[0].keys()


@needs_peers
def test_a_listing_is_measured_before_and_after_it_is_known() -> None:
    """The first one, the one from the cache, and the whole command."""
    row = by_count(3, rounds=1)

    assert row["case"] == "list 3"
    assert {"first time", "in-process", "command", "by hand"} <= row.keys()


def test_keys_are_counted_in_both_sorts_of_colours() -> None:
    """A screen that opens and closes again sends something, in truecolor and without any colour."""
    figures = measure(Options(), ("down", "details", "back from details"), idle_seconds=0.1, rounds=1)

    assert figures.broken == []
    cases = {row["case"]: row for row in figures.rows}
    for case in ("whole page", "down", "details", "back from details"):
        assert cases[case]["plain"]
        assert cases[case]["truecolor"]
    assert "first paint" in figures.notes[0]
