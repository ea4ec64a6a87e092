"""The SHA-256 of a file as it is read, with the progress of the job that reads it."""

from __future__ import annotations

import hashlib
from typing import BinaryIO

from kino_backup_tui.core.archive.writer import CHUNK_BYTES
from kino_backup_tui.core.jobs.job import Job


def digest_of(stream: BinaryIO, job: Job) -> str:
    """Read to the end, from where the stream is; in hexadecimal. Raises `OperationCancelledError`."""
    digest = hashlib.sha256()
    while piece := stream.read(CHUNK_BYTES):
        digest.update(piece)
        job.advance(len(piece))
    return digest.hexdigest()
