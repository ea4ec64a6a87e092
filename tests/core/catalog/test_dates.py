"""What is remembered of dates that were wrong."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kino_backup_tui.core.catalog.dates import DISBELIEVED, Dates, known_dates
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.workspace import workspace_of

NOW = datetime(2026, 4, 26, 1, 0, tzinfo=UTC)


def test_the_names_that_were_noted_are_known_again(kino: Kino) -> None:
    """By the next run, held against the time that it is then."""
    workspace = workspace_of(kino)
    workspace.update_state(**{DISBELIEVED: ["a.tar.gz", "b.tar.gz"]})

    assert known_dates(workspace, NOW) == Dates(NOW, frozenset({"a.tar.gz", "b.tar.gz"}))


@pytest.mark.parametrize(
    ("noted", "names"),
    [
        (None, ()),
        (5, ()),
        ({"a.tar.gz": 1}, ()),
        ("a.tar.gz", ()),
        ([1, None, ["x"], "a.tar.gz"], ("a.tar.gz",)),
    ],
)
def test_what_is_no_list_of_names_is_nothing(kino: Kino, noted: object, names: tuple[str, ...]) -> None:
    """The file may have been edited; nothing in it may keep a backup from being made."""
    workspace = workspace_of(kino)
    workspace.update_state(**{DISBELIEVED: noted})

    assert known_dates(workspace, NOW) == Dates(NOW, frozenset(names))
