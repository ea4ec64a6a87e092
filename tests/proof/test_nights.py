"""A short cut through the simulated nights; `python -m tests.proof nights` lives through a thousand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proof.nights import Nights, simulated


@pytest.mark.parametrize("seed", [11, 12])
def test_every_morning_is_as_the_books_say(tmp_path: Path, seed: int) -> None:
    """Which backups there are, how fresh they are, who was told of what: through random faults."""
    with simulated(tmp_path) as (machine, small):
        nights = Nights(machine, seed, small_disk=small)
        nights.run(120)

        assert nights.broken == []
        assert nights.counts["backups made"] > 60
