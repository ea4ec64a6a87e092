"""The state of a unit in words."""

from __future__ import annotations

import pytest

from kino_backup_tui.core.kino.systemctl import parse_properties
from kino_backup_tui.core.supervisors.base import ServiceState
from kino_backup_tui.core.supervisors.systemd_state import is_down, seconds_of, service_state


@pytest.mark.parametrize(
    ("shown", "state"),
    [
        (
            "ActiveState=active SubState=running MainPID=7 NRestarts=0 Result=success",
            ServiceState(True, "running", pid=7),
        ),
        (
            "ActiveState=inactive SubState=dead MainPID=0 NRestarts=0 Result=success",
            ServiceState(False, "stopped"),
        ),
        (
            "ActiveState=failed SubState=failed MainPID=0 NRestarts=14 Result=exit-code "
            "ExecMainCode=1 ExecMainStatus=1",
            ServiceState(False, "failed (exit code 1), restarted 14 times", restarts=14, ended="exit code 1"),
        ),
        (
            "ActiveState=failed SubState=failed NRestarts=5 Result=start-limit-hit ExecMainCode=2 "
            "ExecMainStatus=6",
            ServiceState(
                False,
                "failed (started too often, ended by SIGABRT), restarted 5 times",
                restarts=5,
                ended="started too often, ended by SIGABRT",
            ),
        ),
        (
            "ActiveState=failed SubState=failed Result=oom-kill ExecMainCode=2 ExecMainStatus=9",
            ServiceState(False, "failed (oom kill, ended by SIGKILL)", ended="oom kill, ended by SIGKILL"),
        ),
        (
            "ActiveState=activating SubState=auto-restart NRestarts=1 Result=exit-code ExecMainCode=1 "
            "ExecMainStatus=101",
            ServiceState(
                True,
                "waiting to be restarted (exit code 101), restarted 1 time",
                settled=False,
                restarts=1,
                ended="exit code 101",
            ),
        ),
        (
            "ActiveState=activating SubState=condition MainPID=0 NRestarts=2 Result=success ExecMainCode=1 "
            "ExecMainStatus=1",
            ServiceState(True, "starting, restarted 2 times", settled=False, restarts=2, ended="exit code 1"),
        ),
        (
            "ActiveState=activating SubState=start MainPID=9",
            ServiceState(True, "starting", settled=False, pid=9),
        ),
        (
            "ActiveState=deactivating SubState=stop-sigterm MainPID=9",
            ServiceState(False, "stopping", settled=False, pid=9),
        ),
        (
            "ActiveState=inactive SubState=dead Result=success Job=812",
            ServiceState(False, "stopped", settled=False),
        ),
        (
            "ActiveState=inactive SubState=dead Result=exec-condition",
            ServiceState(False, "stopped"),
        ),
        ("", ServiceState(False, "not known", settled=False)),
    ],
)
def test_a_state_is_put_in_words(shown: str, state: ServiceState) -> None:
    """With the reason of a failure, and not settled while anything is on its way."""
    assert service_state(parse_properties(shown.replace(" ", "\n"))) == state


@pytest.mark.parametrize(
    ("shown", "free", "held"),
    [
        ("ActiveState=inactive SubState=dead", True, True),
        ("ActiveState=failed SubState=failed", True, True),
        ("ActiveState=inactive SubState=dead Job=7", False, True),
        ("ActiveState=activating SubState=condition Job=7", False, True),
        ("ActiveState=activating SubState=start-pre Job=7", False, False),
        ("ActiveState=deactivating SubState=stop-sigterm", False, False),
        ("ActiveState=active SubState=running", False, False),
    ],
)
def test_a_start_that_the_gate_will_refuse_is_none(shown: str, free: bool, held: bool) -> None:
    """Whether Kino is down, without a closed gate and with one: others may order starts all the time."""
    properties = parse_properties(shown.replace(" ", "\n"))

    assert (is_down(properties, held=False), is_down(properties, held=True)) == (free, held)


@pytest.mark.parametrize(
    ("span", "seconds"),
    [("1min 30s", 90.0), ("1.500s", 1.5), ("500ms", 0.5), ("2h", 7200.0), ("infinity", None), ("", None)],
)
def test_a_span_is_read_as_systemd_prints_it(span: str, seconds: float | None) -> None:
    """No limit is no number."""
    assert seconds_of(span) == seconds
