"""A restore of a Kino that is a service of a real systemd, from the command line to a Kino that answers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.systemd.machine import in_machine

Run = Callable[[str], str]


def test_kino_runs_on_the_restored_state(under_systemd: Run) -> None:
    """In a sandbox, as another user, restored by a service of its own: rows, owners, modes; nothing is left
    of the restore."""
    printed = under_systemd(
        in_machine("""
archive = furnish()
start()
before = looks()
process = begin("restore", str(archive), "--yes", "--json")
until(worker)
print("kino-backup-tui-" in Path(f"/proc/{worker()}/cgroup").read_text())
result = last_line(process)
print(process.returncode, result["outcome"], result["running"], result["kino_version"])
print(state(), answers(), rows_differ(archive), looks() == before)
print(nothing_left(), systemctl("is-failed", "kino.service"), shown("NRestarts"))
""")
    )

    assert printed.splitlines() == ["True", "0 ok True 0.4.2", "backup True [] True", "True active 0"]


def test_a_kino_that_refuses_its_settings_is_back_on_the_old_state(under_systemd: Run) -> None:
    """Told with its last words; it can still be started by anybody."""
    printed = under_systemd(
        in_machine("""
furnish()
archive = archive_of(lambda kino: replace_in(kino.config_file, "port = 8080", "port = 0"))
start()
before = looks()
code, result = cli("restore", str(archive), "--yes")
print(code, result["outcome"], result["failed_stage"], result["running"])
print(result["message"].partition(". ")[2], "times since it was started" in result["message"])
print(result["log"][-1])
print(state(), answers(), looks() == before, nothing_left(), sets_kept())
systemctl("restart", "kino.service")
until(answers)
""")
    )

    assert printed.splitlines() == [
        "9 rolled_back checking_health True",
        "The state from before the restore is back and Kino runs on it. True",
        "cannot start: /var/lib/kino/config.toml: [server] port must be a number from 1 to 65535, not 0",
        "live True True True 0",
    ]


def test_a_kino_that_refuses_its_database_is_back_on_the_old_state(under_systemd: Run) -> None:
    """A migration fails, and a service that is not restarted stays failed at once."""
    printed = under_systemd(
        in_machine("""
furnish({"Restart": "no"})
archive = archive_of(lambda kino: execute(kino,
    "DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations)"))
start()
code, result = cli("restore", str(archive), "--yes")
print(code, result["message"])
print(any("playback_device already exists" in line for line in result["log"]))
print(state(), answers(), nothing_left(), systemctl("is-failed", "kino.service"))
""")
    )

    assert printed.splitlines() == [
        "9 kino.service: failed (exit code 1). "
        "The state from before the restore is back and Kino runs on it.",
        "True",
        "live True True active",
    ]


def test_the_end_of_the_terminal_does_not_end_a_restore(under_systemd: Run) -> None:
    """It hangs up while Kino is stopped, and in the middle of the swap; a second terminal can follow."""
    printed = under_systemd(
        in_machine("""
archive = furnish({"ExecStop": "/bin/sleep 1"})
start()
for reached in (lambda: phase() is Phase.QUIESCING, half_swapped):
    set_state(KINO, LIVE)
    hang_up_when(reached, "restore", str(archive), "--yes", environ=slow_renames(0.2))
    print(worker() > 0)
    watching = begin("watch", "--json")
    result = last_line(watching)
    print(watching.returncode, result["outcome"])
    print(state(), answers(), nothing_left())
""")
    )

    assert printed.splitlines() == ["True", "0 ok", "backup True True"] * 2


def test_another_kino_is_not_touched(under_systemd: Run) -> None:
    """Ours is a service of another name, found by its process; kino.service serves another data path."""
    printed = under_systemd(
        in_machine("""
archive = furnish()
furnish_other()
write_unit("media.service")
systemctl("start", "kino.service", "media.service")
until(lambda: answers() and observe(OTHER).version)
before = shown("InvocationID"), shown("MainPID"), state(OTHER)
code, _ = cli("restore", str(archive), "--yes")
print(code, state(), answers(), systemctl("is-active", "media.service"))
print((shown("InvocationID"), shown("MainPID"), state(OTHER)) == before)
print(nothing_left(), list(UNITS.glob("media.service.d")))
""")
    )

    assert printed.splitlines() == ["0 backup True active", "True", "True []"]


def test_a_kino_that_ignores_the_polite_signal_is_restored(under_systemd: Run) -> None:
    """systemd ends it when its time is up, and the restore waits for that."""
    printed = under_systemd(
        in_machine("""
deaf = write_program("deaf", DEAF)
archive = furnish({"ExecStart": f"{deaf} --data-path /var/lib/kino", "TimeoutStopSec": "2"})
start()
code, _ = cli("restore", str(archive), "--yes")
print(code, state(), answers(), nothing_left())
""")
    )

    assert printed.splitlines() == ["0 backup True True"]


def test_nothing_is_swapped_under_a_process_that_outlives_its_service(under_systemd: Run) -> None:
    """A child of Kino keeps the database open although the service is stopped: Kino runs again as before."""
    printed = under_systemd(
        in_machine("""
child = write_program("hold", HOLD)
kino = f"/bin/sh -c '{child} /var/lib/kino/db.sqlite & exec {SERVER}'"
archive = furnish({"ExecStart": kino, "KillMode": "process"})
start()
code, result = cli("restore", str(archive), "--yes")
print(code, result["message"].partition(" (")[2], result["running"])
until(answers)
print(nothing_left(), sets_kept())
systemctl("stop", "kino.service")
print(state())
""")
    )

    assert printed.splitlines() == ["8 hold) still has /var/lib/kino/db.sqlite open. True", "True 0", "live"]


def test_nothing_starts_kino_between_stop_and_swap(under_systemd: Run) -> None:
    """Neither systemd, nor a timer, nor somebody at a terminal, however often they try; a Kino that ends
    every second is put back each time."""
    printed = under_systemd(
        in_machine("""
from tests.systemd import swaps
swaps.main(8)
""")
    )

    lines = printed.splitlines()
    assert lines[:3] == [
        "8 swaps",
        "2 times 0 ok, backup, left nothing: True",
        "3 times 9 rolled_back, live, left nothing: True",
    ]
    assert lines[3] != "starts refused: 0"


@pytest.mark.parametrize(
    ("reached", "settled"),
    [
        ("phase() is Phase.QUIESCING", "live"),
        ("half_swapped()", "live"),
        ("phase() is Phase.SWAPPED", "backup"),
    ],
    ids=["quiescing", "swapping", "swapped"],
)
def test_kino_starts_on_a_whole_state_after_the_worker_was_killed(
    under_systemd: Run, reached: str, settled: str
) -> None:
    """Its gate settles the restore first, as it would after a reboot, and goes by itself."""
    printed = under_systemd(
        in_machine(f"""
archive = furnish({{"ExecStop": "/bin/sleep 1"}})
start()
process = begin("restore", str(archive), "--yes", "--json", environ=slow_renames(0.3))
until(lambda: {reached} and DROP_IN.exists())
end_worker()
process.communicate()
systemctl("stop", "kino.service")
print(DROP_IN.exists())
start()
print(shown("NRestarts"), systemctl("is-failed", "kino.service"))
until(lambda: not DROP_IN.exists(), "the end of the gate")
until(nothing_left)
print(state(), answers(), cli("status")[1]["interrupted"], sets_kept())
""")
    )

    kept = 1 if settled == "backup" else 0
    assert printed.splitlines() == ["True", "0 active", f"{settled} True None {kept}"]
