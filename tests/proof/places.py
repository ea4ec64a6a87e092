"""Where proofs work: in memory, where a sync costs nothing, and on file systems of their own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - a file system, not a file


@contextmanager
def folder_in_memory() -> Iterator[Path]:
    """A folder that is gone afterwards; on disk, where there is no file system in memory."""
    place = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="kino-proof-", dir=place) as folder:
        yield Path(folder)
