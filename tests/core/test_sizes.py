"""How sizes are told."""

from __future__ import annotations

import pytest

from kino_backup_tui.core.sizes import size_text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KB"),
        (4_928_307, "4.7 MB"),
        (1024**2 - 1, "1.0 MB"),
        (1024**3, "1.00 GB"),
        (80 * 1024**3, "80.00 GB"),
        (5000 * 1024**3, "5000.00 GB"),
    ],
)
def test_sizes_are_as_kino_shows_them(size: int, text: str) -> None:
    """Base 1024, one decimal for KB and MB, two for GB."""
    assert size_text(size) == text
