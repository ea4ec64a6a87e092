"""A Kino is well if it stays up with our database open and answers; real processes, a clock that is told."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from kino_backup_tui.core.errors import KinoBackupError, OperationCancelledError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.progress import CancelToken
from kino_backup_tui.core.restore.health import Health, wait_until_healthy
from kino_backup_tui.core.supervisors.base import ServiceState

SERVER = """
import http.server, sqlite3, sys, threading
database, mode = sys.argv[1:]
new = b"true" if mode == "new" else b"false"
if database:
    connection = sqlite3.connect(database)
    connection.execute("SELECT * FROM film").fetchall()

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"version": "0.4.2", "first_time_setup": %s}' % new)
    def log_message(self, *_arguments):
        pass

if mode in ("http", "new"):
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    print(flush=True)
    server.serve_forever()
print(flush=True)
if mode == "busy":
    with open("/dev/null", "wb") as nowhere:
        while True:
            nowhere.write(bytes(1 << 20))
threading.Event().wait()
"""


class Supervised:
    """A supervisor of a real process, as one would be without systemd."""

    name = "kino.service"
    controls = True

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None
        self.restarts = 0
        self.lines = ["started"]

    def run(self, database: str, mode: str) -> None:
        """Start the process, and return once it is up."""
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, database, mode], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.process.stdout.readline()

    def state(self) -> ServiceState:
        """Failed, or running."""
        if self.process is None or self.process.poll() is not None:
            return ServiceState(False, "failed (exit code 1)", restarts=self.restarts)
        return ServiceState(True, "running", pid=self.process.pid, restarts=self.restarts)

    def logs(self, lines: int) -> list[str]:
        """What it was told to say."""
        return self.lines[-lines:]

    def problem(self) -> KinoBackupError | None:
        """None."""
        return None

    def stop(self) -> None:
        """End the process."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            self.process.communicate()

    def start(self) -> None:
        """Nothing: `run` does."""

    def close_gate(self, gate: Sequence[str]) -> None:
        """Nothing."""

    def open_gate(self) -> None:
        """Nothing."""


class Time:
    """A clock that only waiting moves, by at least `step` seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self.step = 0.5
        self.meanwhile: Callable[[], None] = lambda: None

    def __call__(self) -> float:
        """The current instant."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Move on, and let others work a little."""
        time.sleep(0.02)
        self.now += max(seconds, self.step)
        self.meanwhile()


@pytest.fixture
def supervised() -> Iterator[Supervised]:
    """A supervisor without a process yet."""
    supervised = Supervised()
    yield supervised
    supervised.stop()


@pytest.fixture
def clock() -> Time:
    """Noon."""
    return Time()


def judge(
    kino: Kino,
    supervised: Supervised,
    clock: Time,
    *,
    seconds: float = 180.0,
    expect_http: bool = True,
    is_set_up: bool = False,
) -> tuple[Health, list[str]]:
    """The verdict, and what was said meanwhile."""
    notes: list[str] = []
    health = wait_until_healthy(
        kino,
        supervised,
        seconds=seconds,
        expect_http=expect_http,
        is_set_up=is_set_up,
        cancel=CancelToken(),
        note=notes.append,
        clock=clock,
        sleep=clock.sleep,
    )
    return health, notes


def test_a_kino_that_answers_and_stays_is_healthy(kino: Kino, supervised: Supervised, clock: Time) -> None:
    """After a few seconds of it, with the version it says itself."""
    supervised.run(str(kino.database), "http")
    health, notes = judge(kino, supervised, clock)
    assert health == Health(True, "0.4.2", "kino.service is up and answers as Kino 0.4.2", (), 3.0)
    assert notes == [
        f"kino.service is up, watching that it stays up · {second} s of 180 s" for second in range(3)
    ]


def test_a_kino_without_http_is_healthy_if_it_stays_up_longer(
    kino: Kino, supervised: Supervised, clock: Time
) -> None:
    """Where its API did not answer before either."""
    supervised.run(str(kino.database), "silent")
    clock.step = 4.0
    health, _ = judge(kino, supervised, clock, expect_http=False)
    assert health == Health(True, None, "kino.service is up, with its database open", (), 20.0)


def test_an_api_that_does_not_answer_any_more_is_not_healthy(
    kino: Kino, supervised: Supervised, clock: Time
) -> None:
    """Not before the time is over, and with its last words."""
    supervised.run(str(kino.database), "silent")
    clock.step = 2.5
    health, notes = judge(kino, supervised, clock, seconds=30)
    text = "kino.service is up, but its API did not answer within 30 s"
    assert health == Health(False, None, text, ("started",), 30.0)
    assert notes[-1] == "kino.service is up, waiting for its API · 28 s of 30 s"


def test_an_api_without_our_database_is_not_our_kino(kino: Kino, supervised: Supervised, clock: Time) -> None:
    """Another Kino, or one that has opened other files."""
    supervised.run("", "http")
    health, _ = judge(kino, supervised, clock, seconds=10)
    assert not health.healthy
    assert health.text == "kino.service did not open its database within 10 s"


def test_a_kino_that_asks_to_be_set_up_has_not_taken_the_restored_database(
    kino: Kino, supervised: Supervised, clock: Time
) -> None:
    """It works on an empty one then; where the restored one was never set up, that is as it should be."""
    supervised.run(str(kino.database), "new")

    refused, _ = judge(kino, supervised, clock, is_set_up=True)
    accepted, _ = judge(kino, supervised, clock, is_set_up=False)

    assert not refused.healthy
    assert refused.text == "kino.service answers as a Kino that was never set up, not with this database"
    assert (accepted.healthy, accepted.version) == (True, "0.4.2")


def test_a_failed_service_is_given_up_at_once(kino: Kino, supervised: Supervised, clock: Time) -> None:
    """The supervisor has given up as well."""
    health, _ = judge(kino, supervised, clock)
    assert health == Health(False, None, "kino.service: failed (exit code 1)", ("started",), 0.0)


def test_a_kino_that_dies_while_it_is_watched_is_not_healthy(
    kino: Kino, supervised: Supervised, clock: Time
) -> None:
    """However well it looked until then."""
    supervised.run(str(kino.database), "http")
    clock.meanwhile = lambda: supervised.stop() if clock.now >= 2 else None
    health, _ = judge(kino, supervised, clock)
    assert health.text == "kino.service: failed (exit code 1)"


def test_restarts_begin_the_watch_anew_and_three_are_too_many(
    kino: Kino, supervised: Supervised, clock: Time
) -> None:
    """Each time it was up for less than the few seconds that are asked for."""
    supervised.run(str(kino.database), "http")
    supervised.restarts = 7

    def restart() -> None:
        supervised.restarts += clock.now % 2 == 0

    clock.meanwhile = restart
    health, _ = judge(kino, supervised, clock)
    assert (health.healthy, health.seconds) == (False, 6.0)
    assert health.text == "kino.service ended 3 times since it was started"


def test_a_kino_that_works_gets_more_time(kino: Kino, supervised: Supervised, clock: Time) -> None:
    """It reads and writes, as one that migrates its database, until it does so no more."""
    supervised.run(str(kino.database), "busy")
    process = supervised.process
    assert process is not None
    clock.step = 5.0

    def work() -> None:
        time.sleep(0.1)
        if clock.now >= 100:
            process.send_signal(signal.SIGSTOP)

    clock.meanwhile = work
    health, notes = judge(kino, supervised, clock, seconds=30)
    assert health.text == f"kino.service is up, but its API did not answer within {health.seconds:.0f} s"
    assert 100 <= health.seconds <= 120
    assert notes[-1].endswith(f" of {health.seconds:.0f} s")


def test_new_lines_in_the_log_give_more_time_but_not_for_ever(
    kino: Kino, supervised: Supervised, clock: Time
) -> None:
    """Half an hour in all."""
    supervised.run(str(kino.database), "silent")
    clock.step = 14.0
    clock.meanwhile = lambda: supervised.lines.append(f"migrating {clock.now}")
    health, _ = judge(kino, supervised, clock, seconds=30)
    assert (health.healthy, health.seconds) == (False, 1806.0)


def test_work_without_our_database_gives_no_more_time(
    kino: Kino, supervised: Supervised, clock: Time
) -> None:
    """It is not our database that is worked on."""
    supervised.run("", "busy")
    clock.step = 2.5
    health, _ = judge(kino, supervised, clock, seconds=30)
    assert health.seconds == 30.0


def test_it_can_be_cancelled(kino: Kino, supervised: Supervised) -> None:
    """Looked at in each round."""
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(OperationCancelledError):
        wait_until_healthy(
            kino, supervised, seconds=180, expect_http=True, cancel=cancel, note=lambda _text: None
        )
