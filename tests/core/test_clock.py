"""The zone of the host, whatever TZ says: by name, by a POSIX rule, or nothing that makes sense."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

POSIX_BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"

_SLOTS = """
import json
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo
from kino_backup_tui.core.clock import SystemClock
from kino_backup_tui.core.kino.settings import BackupSettings
from kino_backup_tui.core.schedule import slot_on

days = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
def slots(zone):
    return [str(slot_on(day, BackupSettings(time=at), zone)) for day in days for at in (time(2, 30), time(3))]
zone = SystemClock().zone()
print(json.dumps([str(zone), slots(zone) == slots(ZoneInfo("Europe/Berlin"))]))
"""

_ZONE = """
import json
from kino_backup_tui.core.clock import SystemClock, zone_problem

print(json.dumps([str(SystemClock().zone()), zone_problem()]))
"""


def ask(program: str, zone: str | None) -> list[object]:
    """Run a program under a TZ, in a process of its own: the C library reads it once."""
    environ = {name: value for name, value in os.environ.items() if name != "TZ"}
    if zone is not None:
        environ["TZ"] = zone
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: list[object] = json.loads(done.stdout)
    return answer


def test_a_posix_rule_has_the_slots_of_the_zone_it_describes() -> None:
    """Around both clock changes, too; the name is the rule itself."""
    assert ask(_SLOTS, POSIX_BERLIN) == [POSIX_BERLIN, True]


@pytest.mark.parametrize("zone", ["UTC0", "GMT+1", "EST5EDT", "<+0330>-3:30", ":Europe/Berlin"])
def test_what_the_c_library_understands_is_no_problem(zone: str) -> None:
    """Names and rules with a fixed offset are taken as they are."""
    assert ask(_ZONE, zone) == [zone.removeprefix(":"), ""]


@pytest.mark.parametrize("zone", [":", "Europe/berlin", "/nowhere", "/etc", "../x", "a\x01b", "CET-1\n"])
def test_what_names_no_zone_leaves_the_hosts_own(zone: str) -> None:
    """The schedule runs in the zone of the host; that TZ is not heeded is said."""
    host, problem = ask(_ZONE, None)
    assert problem == ""

    name, problem = ask(_ZONE, zone)

    assert name == host
    assert str(name) in str(problem)
