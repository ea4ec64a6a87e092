"""What is said of room that is lacking."""

from __future__ import annotations

from pathlib import Path

import pytest

from kino_backup_tui.core.errors import NoSpaceError
from kino_backup_tui.core.operations.space import Space
from tests.core.operations.restoring import small_disk


def test_what_is_needed_and_what_is_free_are_told_as_sizes_are_everywhere(tmp_path: Path) -> None:
    """In gigabytes where it is so much, to be compared with what the screens show."""
    disk = tmp_path / "disk"
    with small_disk(disk, 2048), pytest.raises(NoSpaceError) as caught:
        Space(disk, use_reserve=None).require(disk, 80 * 1024**3, "A copy of the database")

    assert caught.value.message == (
        f"A copy of the database needs 80.00 GB in {disk}; "
        "2.0 MB are free and 256.0 MB are kept free for Kino."
    )


def test_what_has_used_up_the_room_is_not_said_to_need_nothing(tmp_path: Path) -> None:
    """How much an archive will be is not known while it is written."""
    disk = tmp_path / "disk"
    with small_disk(disk, 2048), pytest.raises(NoSpaceError) as caught:
        Space(disk, use_reserve=None).spend(disk, 8 * 1024**2)

    assert caught.value.message == (
        f"The archive does not fit into {disk}; 2.0 MB are free and 256.0 MB are kept free for Kino."
    )
