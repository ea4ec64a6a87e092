"""A short cut through damaged archives; `python -m tests.proof damage` reads all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest

from kino_backup_tui.core.operations.context import Context
from tests.proof.corpus import honest_archives
from tests.proof.damage import carried_in, hostile, judge
from tests.proof.mutants import Mutant, at_random, flipped, lied, rearranged, truncated


@pytest.fixture(scope="module")
def corpus() -> Iterator[tuple[Context, dict[str, bytes]]]:
    """A small Kino, and archives of it by who has packed them."""
    with honest_archives() as found:
        yield found


@pytest.mark.parametrize(
    "way",
    [
        pytest.param(lambda archive: flipped(archive, 61), id="flipped"),
        pytest.param(truncated, id="truncated"),
        pytest.param(rearranged, id="rearranged"),
        pytest.param(lied, id="lied"),
        pytest.param(lambda archive: at_random(archive, 7, 150), id="at random"),
    ],
)
def test_a_damaged_archive_is_refused_by_name_or_holds_what_it_held(
    corpus: tuple[Context, dict[str, bytes]], way: Callable[[bytes], Iterator[Mutant]]
) -> None:
    """Whoever packed it; Kino's own list no contents, so that there only the errors can be judged."""
    for packer, archive in corpus[1].items():
        tally = judge(way(archive), archive, told=packer != "Kino 0.3")

        assert tally.broken == []
        assert tally.refused.total() > tally.harmless


def test_hostile_archives_end_in_time_and_all_are_refused(corpus: tuple[Context, dict[str, bytes]]) -> None:
    """Links, bombs, lies and duplicates."""
    tally = judge(hostile(), corpus[1]["ours"])

    assert (tally.broken, tally.harmless) == ([], 0)


def test_what_is_refused_leaves_no_trace(corpus: tuple[Context, dict[str, bytes]], tmp_path: Path) -> None:
    """Through import and the plan of a restore: no file in the data path is new, or another one."""
    context, archives = corpus
    given = [*islice(hostile(), 0, None, 12), *islice(lied(archives["ours"]), 0, None, 12)]

    tally = carried_in(context, iter(given), tmp_path)

    assert tally.broken == []
    assert tally.refused["archive_refused"] + tally.refused["archive_damaged"] > 5
