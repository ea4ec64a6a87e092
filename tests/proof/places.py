"""Where proofs work: in memory, where a sync costs nothing, and on file systems of their own."""

from __future__ import annotations

import subprocess
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


class NotMountedError(Exception):
    """A file system cannot be mounted here."""


@contextmanager
def disk_in_memory(folder: Path, size: int) -> Iterator[None]:
    """A file system of so many bytes is mounted there."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotMountedError(f"a small file system cannot be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
