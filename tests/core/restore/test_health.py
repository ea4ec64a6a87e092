"""A Kino is well if it stays up with our database open and answers; real processes, a clock that is told."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest

from kino_backup_tui.core.errors import OperationCancelledError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.process_facts import activity
from kino_backup_tui.core.progress import CancelToken
from kino_backup_tui.core.restore.health import Health, wait_until_healthy
from tests.core.restore.watching import Supervised, Time, judge


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
    health, notes = judge(kino, supervised, clock, seconds=2)
    assert not health.healthy
    assert health.text == "kino.service did not open its database within 2 s"
    assert notes[0] == "kino.service is up, waiting until it opens its database · 0 s of 2 s"


def test_a_kino_that_asks_to_be_set_up_has_not_taken_the_restored_database(
    kino: Kino, supervised: Supervised, clock: Time
) -> None:
    """It works on an empty one then; where the restored one was never set up, that is as it should be."""
    supervised.run(str(kino.database), "new")

    refused, _ = judge(kino, supervised, clock, is_set_up=True)
    accepted, _ = judge(kino, supervised, clock, is_set_up=False)

    assert refused.healthy is False
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


def test_a_service_that_is_still_being_started_is_waited_for(
    kino: Kino, supervised: Supervised, clock: Time
) -> None:
    """Also between two of its lives, and while nobody knows; at the end it did not come up."""
    supervised.settled = False
    health, notes = judge(kino, supervised, clock, seconds=2)
    text = "kino.service did not come up (failed (exit code 1)) within 2 s"
    assert health == Health(False, None, text, ("started",), 2.0)
    assert notes[0] == "kino.service is not up yet: failed (exit code 1) · 0 s of 2 s"

    supervised.run(str(kino.database), "http")
    clock.step = 5.0
    clock.meanwhile = lambda: supervised.lines.append("starting")
    health, _ = judge(kino, supervised, clock, seconds=8)
    assert health.text == "kino.service did not come up (running) within 10 s"


def test_a_kino_that_comes_up_too_late_did_not_stay_up_long_enough(
    kino: Kino, supervised: Supervised, clock: Time
) -> None:
    """What was seen before it was up does not count."""
    supervised.run(str(kino.database), "http")
    supervised.settled = False

    def settle() -> None:
        supervised.settled = clock.now >= 2

    clock.meanwhile = settle
    health, _ = judge(kino, supervised, clock)
    assert (health.healthy, health.seconds) == (True, 5.0)

    clock.now = 0.0
    supervised.settled = False
    health, _ = judge(kino, supervised, clock, seconds=4)
    assert health.text == "kino.service did not stay up long enough within 4 s"


@pytest.mark.parametrize(("ended", "told"), [("exit code 3", ": exit code 3"), ("", "")])
def test_after_three_restarts_the_end_of_the_last_is_told(
    kino: Kino, supervised: Supervised, clock: Time, ended: str, told: str
) -> None:
    """Its state says nothing of it any more; how the one before the start ended is none of it."""
    supervised.run(str(kino.database), "http")
    supervised.ended = "signal 9"

    def restart() -> None:
        supervised.restarts += 1
        supervised.ended = ended if supervised.restarts == 2 else ""

    clock.meanwhile = restart
    health, _ = judge(kino, supervised, clock)
    assert health.text == f"kino.service ended 3 times since it was started{told}"
    assert health.seconds == 1.5


def test_a_kino_that_works_gets_more_time(kino: Kino, supervised: Supervised, clock: Time) -> None:
    """It reads and writes, as one that migrates its database, until it does so no more."""
    supervised.run(str(kino.database), "busy")
    process = supervised.process
    assert process is not None
    clock.step = 5.0

    def work() -> None:
        time.sleep(0.1)
        if clock.now >= 30:
            process.send_signal(signal.SIGSTOP)

    clock.meanwhile = work
    health, notes = judge(kino, supervised, clock, seconds=10)
    assert health.text == f"kino.service is up, but its API did not answer within {health.seconds:.0f} s"
    assert 30 <= health.seconds <= 50
    assert notes[-1].endswith(f" of {health.seconds:.0f} s")


def test_a_kino_that_computes_gets_more_time(kino: Kino, supervised: Supervised, clock: Time) -> None:
    """It reads and writes next to nothing then."""
    supervised.run(str(kino.database), "computing")
    process = supervised.process
    assert process is not None
    clock.step = 5.0

    def compute() -> None:
        if clock.now == 15:
            process.send_signal(signal.SIGSTOP)
        before = activity(process.pid).cpu_seconds
        while clock.now < 15 and activity(process.pid).cpu_seconds - before < 0.6:
            time.sleep(0.01)

    clock.meanwhile = compute
    health, _ = judge(kino, supervised, clock, seconds=8)
    assert (health.healthy, health.seconds) == (False, 25.0)


def test_new_lines_in_the_log_give_a_quarter_of_a_minute_more(
    kino: Kino, supervised: Supervised, clock: Time
) -> None:
    """From the last of them on; how many lines there are by then does not matter."""
    supervised.run(str(kino.database), "silent")
    supervised.lines = [f"started {number}" for number in range(40)]
    clock.step = 5.0
    clock.meanwhile = lambda: supervised.lines.append("migrating") if clock.now <= 30 else None

    health, notes = judge(kino, supervised, clock, seconds=8)

    assert (health.healthy, health.seconds) == (False, 45.0)
    assert health.log == tuple(supervised.lines[-20:])
    assert notes[0].endswith("0 s of 8 s")
    assert notes[-1].endswith("40 s of 45 s")


def test_signs_of_work_are_looked_for_every_five_seconds(
    kino: Kino, supervised: Supervised, clock: Time
) -> None:
    """A line of the seventh second is seen in the tenth, and the time counts from then."""
    supervised.run(str(kino.database), "silent")
    clock.step = 1.0
    clock.meanwhile = lambda: supervised.lines.append("migrating") if clock.now == 7 else None

    health, _ = judge(kino, supervised, clock, seconds=12)

    assert (health.healthy, health.seconds) == (False, 25.0)


def test_new_lines_in_the_log_do_not_give_more_time_for_ever(
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
            kino,
            supervised,
            seconds=180,
            expect_http=True,
            is_set_up=True,
            cancel=cancel,
            note=lambda _text: None,
        )
