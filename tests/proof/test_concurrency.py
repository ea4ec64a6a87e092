"""Everything at once, for a short time: a short cut of `python -m tests.proof concurrency`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kino_backup_tui.core.progress import JobEvent
from tests.proof import ledger
from tests.proof.concurrency import Case, disturb
from tests.proof.crowd import Effort
from tests.proof.figures import Figures
from tests.proof.history import Change, Commits, Range, Seen, overlapping, wrong_turns
from tests.proof.writer import Commit

COMMITS = Commits(
    [
        *(Commit(0, number, number, number + 0.5) for number in range(1, 11)),
        *(Commit(1, number, number + 20, number + 20.5) for number in range(5, 9)),
        Commit(1, 9, 29, 0.0),
        *(Commit(2, number, number + 40, number + 40.5) for number in range(11, 13)),
    ]
)
"""Ten transactions, a restore to the fourth, four more and one that nobody knows of, and a rollback."""


def test_whatever_else_happens_each_backup_is_the_state_after_one_transaction() -> None:
    """Writers, tools, timers, a restore, a rollback and kills at once: every backup and state is proven."""
    figures = Figures()

    crowd = disturb(Case("test", Effort(rounds=2), alone_seconds=0.5), figures)

    assert figures.broken == []
    assert {change.operation for change in crowd.changes} == {"restore", "rollback"}
    assert {made.kind for made in crowd.made.values()} >= {"manual", "scheduled", "pre_restore"}


@pytest.mark.parametrize("table", ["ledger", "ledger_left", "ledger_right"])
def test_a_ledger_that_lacks_half_a_transaction_is_found(tmp_path: Path, table: str) -> None:
    """What is in one table alone, and sums that agree but are of no transaction."""
    database = tmp_path / "db.sqlite"
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        ledger.create(connection)
        for _ in range(1500):
            ledger.add_next(connection)
            connection.execute("COMMIT")
        assert ledger.read(database) == (ledger.after(1500), [])
        if table == "ledger":
            connection.execute("UPDATE ledger SET number = 1499")
        else:
            connection.execute(f"UPDATE {table} SET amount = amount + 1 WHERE id = 7")

    assert ledger.read(database)[1]


def test_the_transactions_a_copy_may_end_with_are_those_of_its_time() -> None:
    """All that were over before it began are in it, none that began after its end, in whichever period."""
    assert COMMITS.last_at(3.6, 5.2) == [Range(3, 5)]
    assert COMMITS.last_at(9, 27) == [Range(8, 10), Range(4, 7)]
    assert COMMITS.last_at(15, 16) == []


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ([("restore", "ok", 1), ("rollback", "ok", 1)], []),
        ([("restore", "rolled_back", 2)], []),
        ([("restore", "ok", 1), ("rollback", "rolled_back", 2)], ["not Range(first=8, last=9)"]),
        ([("restore", "ok", 2)], ["has started Kino 2 times"]),
        ([("restore", "busy", 1)], ["not Range(first=10, last=10)"]),
    ],
)
def test_a_restore_that_leads_elsewhere_than_it_said_is_found(
    changes: list[tuple[str, str, int]], found: list[str]
) -> None:
    """To another state, or with more starts of Kino than it takes."""
    told = [Change(operation, outcome, "archive", periods) for operation, outcome, periods in changes]

    wrong = wrong_turns(told, COMMITS, {"archive": 4})

    assert len(wrong) >= len(found)
    assert all(text in " ".join(wrong) for text in found)


def test_jobs_at_once_and_jobs_without_an_end_are_found() -> None:
    """By their journals."""

    def seen(operation: str, began: float, ended: float, last: str = "end") -> Seen:
        at = datetime.fromtimestamp(began, UTC)
        events = (JobEvent("start", "a", operation, at), JobEvent(last, "a", operation, at))
        return Seen(events, began + 0.1, ended)

    assert overlapping({"a": seen("create", 1, 2), "b": seen("delete", 2, 3)}) == []
    assert overlapping({"a": seen("create", 1, 2), "b": seen("delete", 1.5, 3)})
    assert overlapping({"a": seen("create", 1, 2), "b": seen("run-due", 1.5, 3)})
    assert overlapping({"a": seen("create", 1, 2, last="stage")})
