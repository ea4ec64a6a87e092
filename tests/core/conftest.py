"""What some tests of the core need besides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import tzset

import pytest


@pytest.fixture
def process_zone() -> Iterator[Callable[[str], None]]:
    """Put this process into a zone, until the end of the test."""

    def move(zone: str) -> None:
        patch.setenv("TZ", zone)
        tzset()

    with pytest.MonkeyPatch.context() as patch:
        yield move
    tzset()
