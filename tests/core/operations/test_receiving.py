"""Archives that come by a stream, while others come, are restored, or were left by who was killed."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from kino_backup_tui.core.jobs.job import run_job
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.receiving import Received, receive, sweep_received
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.workspace import workspace_of


@pytest.fixture
def received(context: Context) -> Iterator[Received]:
    """One that has come, and is held by this process."""
    received = receive(context, io.BytesIO(b"an archive"), Control())
    yield received
    received.path.unlink(missing_ok=True)


def test_what_somebody_holds_is_not_swept(context: Context, received: Received) -> None:
    """However many others come."""
    receive(context, io.BytesIO(b"another"), Control()).discard()
    assert received.path.read_bytes() == b"an archive"
    received.discard()
    assert not received.path.exists()


def test_what_a_worker_has_is_not_swept(context: Context, received: Received) -> None:
    """It holds the lock of all operations instead."""
    received.hand_over()
    with run_job(workspace_of(context.kino), "restore", context.clock, Control()):
        sweep_received(context)
        assert received.path.exists()


def test_what_nobody_holds_is_swept_by_the_next_one(context: Context, received: Received) -> None:
    """Its process was killed, which gave up its locks."""
    received.hand_over()
    receive(context, io.BytesIO(b"another"), Control()).discard()
    assert not received.path.exists()
