"""Job journals: what was done, when, and how it ended; one JSON object a line.

The newest fifty are kept. A journal is best effort: an operation does not fail because its story could not be
written, so that deleting still works on a full disk.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from kino_backup_tui.core.files import create_private, make_private_folder
from kino_backup_tui.core.jobs.lock import current_holder
from kino_backup_tui.core.progress import JobEvent, Stage
from kino_backup_tui.core.workspace import Workspace, best_effort

KEPT = 50
INTERRUPTED = "interrupted"
_SUFFIX = ".jsonl"
_ID = re.compile("[0-9]{8}T[0-9]{6}-[0-9a-f]{6}")


class JobRecord(NamedTuple):
    """One job as its journal tells it."""

    id: str
    operation: str
    started_at: datetime
    pid: int
    ended_at: datetime | None = None
    outcome: str | None = None
    """"ok", the code of an error, or "interrupted" for a job whose process died; None while it runs."""
    message: str = ""
    running: bool = False


class Journal:
    """The journal of one running job."""

    def __init__(self, workspace: Workspace, job: str) -> None:
        self._stream: BinaryIO | None = None
        with best_effort():
            make_private_folder(workspace.jobs, workspace.owner)
            for old in sorted(workspace.jobs.glob(f"*{_SUFFIX}"))[: -KEPT + 1]:
                old.unlink(missing_ok=True)
            self._stream = create_private(journal_path(workspace, job), workspace.owner)

    def write(self, event: JobEvent) -> None:
        """Append an event."""
        if self._stream is not None:
            with best_effort():
                self._stream.write(encode_event(event, pid=os.getpid() if event.event == "start" else None))
                self._stream.flush()

    def close(self) -> None:
        """Close the file."""
        if self._stream is not None:
            with best_effort():
                self._stream.close()


def journal_path(workspace: Workspace, job: str) -> Path:
    """Where the journal of a job is."""
    return workspace.jobs / f"{job}{_SUFFIX}"


def encode_event(event: JobEvent, pid: int | None = None) -> bytes:
    """An event as a line of JSON."""
    fields: dict[str, Any] = {
        "event": event.event,
        "job": event.job,
        "operation": event.operation,
        "at": event.at.isoformat(timespec="milliseconds"),
        "stage": event.stage.value if event.stage else None,
        "done_bytes": event.done_bytes,
        "total_bytes": event.total_bytes,
    }
    if pid is not None:
        fields["pid"] = pid
    if event.note:
        fields["note"] = event.note
    if event.outcome is not None:
        fields |= {"outcome": event.outcome, "message": event.message}
    if event.result is not None:
        fields["result"] = dict(event.result)
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def decode_event(line: bytes) -> tuple[JobEvent, int] | None:
    """An event and, on its first line, the process id; None for a line that was cut off."""
    try:
        fields = json.loads(line)
        event = JobEvent(
            event=fields["event"],
            job=fields["job"],
            operation=fields["operation"],
            at=datetime.fromisoformat(fields["at"]),
            stage=Stage(fields["stage"]) if fields["stage"] else None,
            done_bytes=fields["done_bytes"],
            total_bytes=fields["total_bytes"],
            outcome=fields.get("outcome"),
            message=fields.get("message", ""),
            note=fields.get("note", ""),
            result=fields.get("result"),
        )
        return event, int(fields.get("pid", 0))
    except (ValueError, KeyError, TypeError):
        return None


def read_events(path: Path) -> Iterator[tuple[JobEvent, int]]:
    """The events of a journal; empty if it cannot be read."""
    try:
        data = path.read_bytes()
    except OSError:
        return
    for line in data.splitlines():
        decoded = decode_event(line)
        if decoded is not None:
            yield decoded


def read_records(workspace: Workspace) -> tuple[JobRecord, ...]:
    """All jobs that have a journal, newest first."""
    holder = current_holder(workspace)
    running = holder.job if holder else None
    try:
        paths = sorted(workspace.jobs.glob(f"*{_SUFFIX}"), reverse=True)
    except OSError:
        return ()
    records = (_record(list(read_events(path)), running) for path in paths)
    found = [record for record in records if record is not None]
    return tuple(sorted(found, key=lambda record: record.started_at, reverse=True))


def find_job(workspace: Workspace, job: str) -> tuple[JobRecord, tuple[JobEvent, ...]] | None:
    """One job and its events so far; None if there is no such job, or nothing is left of it."""
    if _ID.fullmatch(job) is None:
        return None  # from outside, and about to be a part of a path
    # Before the events: who holds the lock no longer has told how it ended.
    holder = current_holder(workspace)
    told = list(read_events(journal_path(workspace, job)))
    record = _record(told, holder.job if holder else None)
    return None if record is None else (record, tuple(event for event, _pid in told))


def _record(events: Sequence[tuple[JobEvent, int]], running: str | None) -> JobRecord | None:
    if not events:
        return None
    first, pid = events[0]
    last = events[-1][0]
    ended = last.event == "end"
    is_running = not ended and first.job == running
    return JobRecord(
        id=first.job,
        operation=first.operation,
        started_at=first.at,
        pid=pid,
        ended_at=None if is_running else last.at,
        outcome=last.outcome if ended else None if is_running else INTERRUPTED,
        message=last.message,
        running=is_running,
    )
