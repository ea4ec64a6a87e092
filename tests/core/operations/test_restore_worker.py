"""The worker as a process of its own, and a Kino that somebody has started by hand."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import BusyError, ServiceError
from kino_backup_tui.core.jobs.lock import current_holder
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.jobs import list_jobs, watch_job
from kino_backup_tui.core.operations.plan import plan_restore
from kino_backup_tui.core.operations.restore import cancel_restore, read_result, start_restore
from kino_backup_tui.core.progress import CancelToken, Control, JobEvent, Stage
from kino_backup_tui.core.workspace import workspace_of
from tests.conftest import write_database
from tests.core.operations.restoring import change, films, leftovers, rollback, state

KINO = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("INSERT INTO film (title) VALUES ('written at its start')")
print(os.getpid(), flush=True)
for line in sys.stdin:
    connection.execute("INSERT INTO film (title) VALUES (?)", (line.strip(),))
    print("written", flush=True)
"""
HOLDER = """
import os, sys
held = open(sys.argv[1], "rb")
print(os.getpid(), flush=True)
sys.stdin.read()
"""


class Running:
    """A process that was started at a shell, and reads its standard input."""

    def __init__(self, shell: subprocess.Popen[str]) -> None:
        self._shell = shell
        self.pid = int(self.read())

    def read(self) -> str:
        """The next line it says."""
        assert self._shell.stdout is not None
        return self._shell.stdout.readline().strip()

    def write(self, line: str) -> None:
        """Have it write a film, and wait until it has."""
        assert self._shell.stdin is not None
        self._shell.stdin.write(f"{line}\n")
        self._shell.stdin.flush()
        assert self.read() == "written"

    def end(self) -> None:
        """Let it end as programs do."""
        assert self._shell.stdin is not None
        self._shell.stdin.close()
        self._shell.wait()


@contextlib.contextmanager
def at_a_shell(program: str, path: Path) -> Iterator[Running]:
    """Run a program with a file as its argument, started by hand."""
    environ = {**os.environ, "PROGRAM": program}
    with subprocess.Popen(
        ["sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ
    ) as shell:
        assert shell.stdin is not None
        shell.stdin.write(f'"{sys.executable}" -c "$PROGRAM" "{path}"\n')
        shell.stdin.flush()
        running = Running(shell)
        try:
            yield running
        finally:
            running.end()


@pytest.fixture
def restoring(context: Context) -> Iterator[Callable[[Backup], str]]:
    """Starts the worker of a restore; one that a failed test leaves behind is ended."""

    def start(backup: Backup) -> str:
        return start_restore(context, plan_restore(context, backup, Control()))

    yield start
    holder = current_holder(workspace_of(context.kino))
    if holder is not None:
        os.kill(holder.pid, signal.SIGKILL)


def events_until(context: Context, job: str, stage: Stage | None = None) -> list[JobEvent]:
    """The job's events up to a stage's first note, or to its end."""
    seen = []
    for event in watch_job(context, job, CancelToken()):
        seen.append(event)
        if event.event == "note" and event.stage is stage:
            break
    return seen


def test_the_worker_restores_and_tells(
    context: Context, kino: Kino, create: Callable[..., Backup], restoring: Callable[[Backup], str]
) -> None:
    """Its stages in their order, and an end that is as good as its result."""
    backup = create()
    before = state(kino)
    change(kino)

    job = restoring(backup)
    events = events_until(context, job)

    assert [event.stage for event in events if event.event == "stage"] == [
        Stage.CHECKING_ARCHIVE,
        Stage.STAGING,
        Stage.SAFETY_BACKUP,
        Stage.STOPPING,
        Stage.SWAPPING,
    ]
    result = read_result(context, job)
    assert result is not None
    assert (events[-1].outcome, events[-1].message) == ("ok", result.message)
    assert result.way_back in {event.note for event in events}
    assert state(kino) == before
    assert not cancel_restore(context, job)


def test_a_kino_started_by_hand_is_waited_for(
    context: Context, kino: Kino, create: Callable[..., Backup], restoring: Callable[[Backup], str]
) -> None:
    """The note names its process; nothing is swapped while it lives, and what it wrote last is saved."""
    backup = create()
    with at_a_shell(KINO, kino.database) as running:
        job = restoring(backup)
        waiting = events_until(context, job, Stage.WAITING_FOR_KINO)[-1]
        assert f"process {running.pid})" in waiting.note
        running.write("the last one")
        assert films(kino)[-1] == "the last one"
        running.end()
        assert events_until(context, job)[-1].outcome == "ok"

    assert len(films(kino)) == 20
    rollback(context)
    assert films(kino)[-2:] == ["written at its start", "the last one"]


def test_while_a_restore_waits_nothing_else_is_done(
    context: Context, kino: Kino, create: Callable[..., Backup], restoring: Callable[[Backup], str]
) -> None:
    """Neither a second restore nor a backup; who would wait is told by whom it is held up."""
    backup = create()
    with at_a_shell(KINO, kino.database):
        job = restoring(backup)
        events_until(context, job, Stage.WAITING_FOR_KINO)
        (blocker,) = plan_restore(context, backup, Control()).blockers
        assert type(blocker) is BusyError
        with pytest.raises(BusyError):
            create_backup(context, Control(wait_seconds=0))
        assert cancel_restore(context, job)
        assert events_until(context, job)[-1].outcome == "cancelled"


@pytest.mark.parametrize("end", ["-wal", "", "deleted"])
def test_whoever_has_a_file_of_the_database_open_is_waited_for(
    context: Context, kino: Kino, create: Callable[..., Backup], restoring: Callable[[Backup], str], end: str
) -> None:
    """Also one that has only its log, or a database that somebody has removed under it."""
    backup = create()
    path = kino.database if end == "deleted" else kino.database.with_name(f"db.sqlite{end}")
    path.touch()
    with at_a_shell(HOLDER, path) as running:
        if end == "deleted":
            path.unlink()
            write_database(path)
        job = restoring(backup)
        waiting = events_until(context, job, Stage.WAITING_FOR_KINO)[-1]
        assert str(running.pid) in waiting.note
        running.end()
        assert events_until(context, job)[-1].outcome == "ok"


def test_a_terminal_that_closes_does_not_end_it_and_a_request_to_stop_does(
    context: Context, kino: Kino, create: Callable[..., Backup], restoring: Callable[[Backup], str]
) -> None:
    """Nothing is changed then, and nothing is left."""
    backup = create()
    change(kino)
    before = state(kino)
    with at_a_shell(KINO, kino.database):
        job = restoring(backup)
        events_until(context, job, Stage.WAITING_FOR_KINO)
        holder = current_holder(workspace_of(kino))
        assert holder is not None
        assert os.getsid(holder.pid) == holder.pid
        os.kill(holder.pid, signal.SIGHUP)
        time.sleep(0.1)
        assert current_holder(workspace_of(kino)) == holder
        os.kill(holder.pid, signal.SIGTERM)
        assert events_until(context, job)[-1].outcome == "cancelled"

    result = read_result(context, job)
    assert result is not None
    assert (result.outcome, result.way_back) == ("cancelled", "")
    assert state(kino)["config.toml"] == before["config.toml"]
    assert leftovers(kino) == []


def test_a_program_that_may_start_kino_again_is_a_reason_against_it(
    context: Context, kino: Kino, create: Callable[..., Backup]
) -> None:
    """Its parent is no shell of a person: nobody knows what it does when Kino ends."""
    backup = create()
    parent = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    command = [sys.executable, "-c", parent, sys.executable, "-c", KINO, str(kino.database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        plan = plan_restore(context, backup, Control())
        process.communicate()

    (blocker,) = plan.blockers
    assert type(blocker) is ServiceError
    assert "was started by" in blocker.message
    with pytest.raises(ServiceError):
        start_restore(context, plan)


def test_another_kino_is_left_alone(
    context: Context,
    kino: Kino,
    create: Callable[..., Backup],
    restoring: Callable[[Backup], str],
    tmp_path: Path,
) -> None:
    """It has a data path of its own, and goes on writing there."""
    other = tmp_path / "other"
    other.mkdir()
    write_database(other / "db.sqlite")
    backup = create()
    with at_a_shell(KINO, other / "db.sqlite") as neighbour, at_a_shell(KINO, kino.database) as running:
        inode = (other / "db.sqlite").stat().st_ino
        job = restoring(backup)
        note = events_until(context, job, Stage.WAITING_FOR_KINO)[-1].note
        assert (str(running.pid) in note, str(neighbour.pid) in note) == (True, False)
        running.end()
        assert events_until(context, job)[-1].outcome == "ok"
        neighbour.write("still here")
        assert (other / "db.sqlite").stat().st_ino == inode
        with contextlib.closing(sqlite3.connect(other / "db.sqlite")) as connection:
            assert connection.execute("SELECT count(*) FROM film").fetchone() == (22,)


def test_a_worker_that_finds_the_lock_taken_says_so(
    context: Context, create: Callable[..., Backup], restoring: Callable[[Backup], str], kino: Kino
) -> None:
    """And a front end that would not wait is told before there is one."""
    backup = create()
    plan = plan_restore(context, backup, Control())
    with at_a_shell(KINO, kino.database):
        job = restoring(backup)
        events_until(context, job, Stage.WAITING_FOR_KINO)
        with pytest.raises(BusyError, match="restore, process"):
            start_restore(context, plan, control=Control(wait_seconds=0))
        assert cancel_restore(context, job)
        events_until(context, job)


@pytest.mark.parametrize("patience", [600.0, 0.0])
def test_a_worker_that_does_not_get_the_lock_is_started_again(
    context: Context, create: Callable[..., Backup], kino: Kino, patience: float
) -> None:
    """As long as one was told to wait: another operation may begin between the end of a wait and the worker.

    It holds the lock here without saying so, as in the instant after it has taken it.
    """
    backup = create()
    change(kino)
    plan = plan_restore(context, backup, Control())
    told: list[JobEvent] = []
    with workspace_of(kino).lock_path.open("w") as lock:
        fcntl.flock(lock.fileno(), fcntl.LOCK_EX)

        def report(event: JobEvent) -> None:
            told.append(event)
            fcntl.flock(lock.fileno(), fcntl.LOCK_UN)

        control = Control(report=report, wait_seconds=patience)
        if not patience:
            with pytest.raises(BusyError):
                start_restore(context, plan, control=control)
            assert (told, [job.operation for job in list_jobs(context)]) == ([], ["create"])
            return
        job = start_restore(context, plan, control=control)

    assert [event.stage for event in told] == [Stage.WAITING]
    assert list(watch_job(context, job, CancelToken()))[-1].outcome == "ok"
    assert len(films(kino)) == 20
    assert [job.operation for job in list_jobs(context)] == ["restore", "create"]
