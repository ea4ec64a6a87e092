"""Two tables that every transaction changes together, so that a state tells which transaction was its last.

Transaction N adds N to a row of the one, to a row of the other and to the total, and writes its number. All
of it follows from N: a database that holds anything else than the sums of the first N transactions is none
that there has ever been.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

LEFT_ROWS, RIGHT_ROWS = 509, 503
"""Primes: pages all over the file change, never in the same order."""
_TABLES = (("ledger_left", LEFT_ROWS), ("ledger_right", RIGHT_ROWS))
_NOTE_BYTES = 200


@dataclass(frozen=True, slots=True)
class Ledger:
    """What was found in a database."""

    number: int
    total: int
    left: tuple[int, ...]
    right: tuple[int, ...]


def create(connection: sqlite3.Connection) -> None:
    """Make the tables, and number 0."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("CREATE TABLE ledger (number INTEGER NOT NULL, total INTEGER NOT NULL)")
    connection.execute("INSERT INTO ledger VALUES (0, 0)")
    for table, rows in _TABLES:
        connection.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, amount INTEGER, note BLOB)")
        notes = ((row, bytes(_NOTE_BYTES)) for row in range(rows))
        connection.executemany(f"INSERT INTO {table} VALUES (?, 0, ?)", notes)
    connection.execute("COMMIT")


def add_next(connection: sqlite3.Connection) -> int:
    """Do the next transaction up to its commit, which is the caller's; returns its number."""
    connection.execute("BEGIN IMMEDIATE")
    number: int = connection.execute("UPDATE ledger SET number = number + 1 RETURNING number").fetchone()[0]
    connection.execute("UPDATE ledger_left SET amount = amount + ?1 WHERE id = ?1 % ?2", (number, LEFT_ROWS))
    connection.execute(
        "UPDATE ledger_right SET amount = amount + ?1 WHERE id = ?1 % ?2", (number, RIGHT_ROWS)
    )
    connection.execute("UPDATE ledger SET total = total + ?", (number,))
    return number


def read(database: Path) -> tuple[Ledger, list[str]]:
    """The ledger of a database that nobody writes to, and what is wrong with it; raises `sqlite3.Error`."""
    with closing(sqlite3.connect(database)) as connection:
        sound = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
        number, total = connection.execute("SELECT number, total FROM ledger").fetchone()
        left, right = (
            tuple(row[0] for row in connection.execute(f"SELECT amount FROM {table} ORDER BY id"))
            for table, _ in _TABLES
        )
    ledger = Ledger(number, total, left, right)
    wrong = [] if sound == ["ok"] else [f"integrity_check says {sound[:3]}"]
    if not sum(left) == sum(right) == total:
        wrong.append(f"the tables disagree: {sum(left)}, {sum(right)}, total {total}")
    elif ledger != after(number):
        wrong.append(f"it is not the state after transaction {number}")
    return ledger, wrong


def after(number: int) -> Ledger:
    """The ledger after so many transactions."""
    return Ledger(
        number, number * (number + 1) // 2, _amounts(number, LEFT_ROWS), _amounts(number, RIGHT_ROWS)
    )


def _amounts(number: int, rows: int) -> tuple[int, ...]:
    """For each row the sum of the numbers up to `number` that leave its id as the remainder."""
    amounts = []
    for row in range(rows):
        count = (number - row) // rows + 1
        amounts.append(count * row + rows * count * (count - 1) // 2 if count > 0 else 0)
    return tuple(amounts)
