"""One operation at a time, and a story that a second terminal can follow."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from kino_backup_tui.core.errors import NotFoundError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.jobs import list_jobs, watch_job
from kino_backup_tui.core.progress import CancelToken, Control, JobEvent, Stage

HOLD = """
import sys, time
from pathlib import Path
from kino_backup_tui.core.clock import SystemClock
from kino_backup_tui.core.jobs.job import run_job
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.progress import Control, Stage
from kino_backup_tui.core.workspace import workspace_of
with run_job(workspace_of(Kino(Path(sys.argv[1]))), "create", SystemClock(), Control()) as job:
    job.stage(Stage.PACKING, 10)
    print("holding", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def hold(kino: Kino) -> Callable[[], subprocess.Popen[str]]:
    """Start a process that holds the lock until its standard input ends."""

    def start() -> subprocess.Popen[str]:
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(kino.data_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert holder.stdout is not None
        assert holder.stdout.readline() == "holding\n"
        return holder

    return start


def test_a_killed_holder_leaves_no_lock(context: Context, hold: Callable[[], subprocess.Popen[str]]) -> None:
    """The kernel releases the lock; its job is told as interrupted."""
    with hold() as holder:
        assert list_jobs(context)[0].running
        holder.send_signal(signal.SIGKILL)
        holder.wait()

    assert [(job.running, job.outcome) for job in list_jobs(context)] == [(False, "interrupted")]
    create_backup(context, Control(wait_seconds=0))


def test_who_waits_is_told_so_and_goes_on_afterwards(
    context: Context, hold: Callable[[], subprocess.Popen[str]]
) -> None:
    """The waiting stage is reported once; when the holder ends, the operation runs."""
    stages: list[Stage | None] = []
    with hold() as holder:

        def release(event: JobEvent) -> None:
            stages.append(event.stage)
            if event.stage is Stage.WAITING and holder.stdin is not None:
                holder.stdin.close()

        create_backup(context, Control(report=release))

    assert stages.count(Stage.WAITING) == 1
    assert stages[0] is Stage.WAITING


def test_a_job_can_be_watched_from_another_process(
    context: Context, hold: Callable[[], subprocess.Popen[str]]
) -> None:
    """The events of a running job come as they are written, its end included."""
    with hold() as holder:
        events = watch_job(context, None, CancelToken())
        seen = [next(events).event, next(events).stage]
        assert holder.stdin is not None
        holder.stdin.close()
        rest = list(events)

    assert seen == ["start", Stage.PACKING]
    assert (rest[-1].event, rest[-1].outcome) == ("end", "ok")


def test_watching_a_job_whose_process_dies_ends(
    context: Context, hold: Callable[[], subprocess.Popen[str]]
) -> None:
    """A watcher is not left waiting for a story that will never go on."""
    with hold() as holder:
        events = watch_job(context, None, CancelToken())
        next(events)
        holder.kill()
        holder.wait()
        last = list(events)[-1]

    assert (last.event, last.outcome) == ("end", "interrupted")


def test_a_finished_job_can_be_read_again(context: Context, create: Callable[[], Backup]) -> None:
    """The story of the newest job, and of one by its id, is the same."""
    backup = create()
    (job,) = list_jobs(context)

    events = list(watch_job(context, job.id, CancelToken()))

    assert events == list(watch_job(context, None, CancelToken()))
    assert (events[-1].outcome, events[-1].message) == ("ok", backup.filename)
    assert job.pid == os.getpid()


def test_an_unknown_job_is_not_found(context: Context, create: Callable[[], Backup]) -> None:
    """An id that no journal has is an error that names it."""
    with pytest.raises(NotFoundError, match="There is no job"):
        next(watch_job(context, None, CancelToken()))
    create()
    with pytest.raises(NotFoundError, match="'nope'"):
        next(watch_job(context, "nope", CancelToken()))


def test_fifty_journals_are_kept(context: Context, kino: Kino) -> None:
    """The oldest journal goes when the fifty-first job starts."""
    jobs = kino.data_path / ".kino-backup" / "jobs"
    jobs.mkdir(parents=True)
    for number in range(60):
        (jobs / f"20260101T0000{number:02}-aaaaaa.jsonl").write_text("{}\n")

    create_backup(context, Control())

    assert len(list(jobs.iterdir())) == 50
    assert not (jobs / "20260101T000000-aaaaaa.jsonl").exists()
