"""Kino as a service of a real systemd: stopped, started, watched, and no other one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.systemd.machine import PREPARE, python

Run = Callable[[str], str]


def test_it_is_started_watched_and_stopped(under_systemd: Run) -> None:
    """A service in a sandbox, as another user; afterwards nobody has the database open."""
    printed = under_systemd(
        PREPARE
        + python("""
print(found.name, found.controls, found.problem())
found.start()
print(healthy().text)
print(found.state()[:3], found.state().pid == observe(kino).pid)
print(found.problem())
print("\\n".join(found.logs(50)).count("listening on"))
found.stop()
require_closed(kino, seconds=0)
print(found.state()[:5])
found.stop()
""")
    )

    assert printed.splitlines() == [
        "kino.service True None",
        "kino.service is up and answers as Kino 0.4.2",
        "(True, 'running', True) True",
        "None",
        "1",
        "(False, 'stopped', True, None, 0)",
    ]


def test_a_kino_that_ends_again_and_again_is_not_healthy(under_systemd: Run) -> None:
    """Told with its exit code, its number of restarts and its last words; it can be started afterwards."""
    printed = under_systemd(
        PREPARE
        + """
mv '/srv/my kino/config.toml' /srv/
"""
        + python("""
found.start()
health = healthy()
print(health.healthy, health.text)
print(any("config.toml" in line for line in health.log))
until(lambda: not found.state().active)
print(found.state().text)
os.rename("/srv/config.toml", "/srv/my kino/config.toml")
found.start()
print(healthy().healthy, found.state().restarts)
""")
    )

    lines = printed.splitlines()
    assert lines[0].startswith("False kino.service ended ")
    assert lines[1] == "True"
    assert lines[2] == "failed (exit code 1), restarted 5 times"
    assert lines[3] == "True 0"


def test_a_stop_waits_as_long_as_the_unit_allows(under_systemd: Run) -> None:
    """A Kino that ignores the polite signal is ended by systemd, and the stop waits for that."""
    printed = under_systemd(
        PREPARE
        + r"""
cat > /etc/systemd/system/kino.service <<'UNIT'
[Service]
Environment="KINO_DATA_PATH=/srv/my kino"
ExecStart=/bin/sh -c 'trap "" TERM; exec 3>>"/srv/my kino/db.sqlite"; while :; do sleep 0.1 3>&-; done'
TimeoutStopSec=2
UNIT
systemctl daemon-reload
"""
        + python("""
found.start()
until(lambda: observe(kino).running)
found.stop()
require_closed(kino, seconds=0)
print(found.state().text)
""")
    )

    assert printed.splitlines() == ["failed (timeout, ended by SIGKILL)"]


def test_another_kino_is_left_alone(under_systemd: Run) -> None:
    """The only kino.service has another data path: ours has no supervisor, and the other one runs on."""
    printed = under_systemd(
        PREPARE
        + """
cp -a '/srv/my kino' /srv/other
unit /etc/systemd/system/kino.service /srv/other User=daemon
systemctl daemon-reload
systemctl start kino.service
"""
        + python("""
print(type(found).__name__, found.problem())
other = find_supervisor(Kino(Path("/srv/other")), os.environ)
print(other.name)
until(lambda: observe(Kino(Path("/srv/other"))).pid)
print(find_supervisor(kino, os.environ).name)
""")
    )

    assert printed.splitlines() == ["ByHand None", "kino.service", "Kino"]


def test_a_service_of_any_name_is_found_by_its_process(under_systemd: Run) -> None:
    """While it runs; one beside it with another data path is not touched by stopping it."""
    printed = under_systemd(
        PREPARE
        + """
cp -a '/srv/my kino' /srv/other
unit /etc/systemd/system/kino.service /srv/other User=daemon
unit /etc/systemd/system/media.service '/srv/my kino' User=daemon
systemctl daemon-reload
systemctl start kino.service media.service
"""
        + python("""
until(lambda: observe(kino).pid and observe(Kino(Path("/srv/other"))).pid)
found = find_supervisor(kino, os.environ)
print(found.name, found.problem())
found.stop()
print(systemctl("is-active", "media.service"), systemctl("is-active", "kino.service"))
""")
    )

    assert printed.splitlines() == ["media.service None", "inactive active"]


def test_the_configured_service_is_found_while_it_does_not_run(under_systemd: Run) -> None:
    """Its data path is in a file of variables, which beats the line."""
    printed = under_systemd(
        PREPARE
        + """
cat > /etc/systemd/system/media.service <<'UNIT'
[Service]
Environment=KINO_DATA_PATH=/srv/elsewhere
EnvironmentFile=/etc/default/media
ExecStart=/bin/true
UNIT
echo 'KINO_DATA_PATH="/srv/my kino"' > /etc/default/media
echo 'service = "media.service"' > /etc/kino-backup-tui.toml
systemctl daemon-reload
"""
        + python("""
print(found.name)
Path("/etc/default/media").write_text("KINO_DATA_PATH=/srv/third")
print(find_supervisor(kino, os.environ).name)
""")
    )

    assert printed.splitlines() == ["media.service", "Kino"]


def test_a_service_in_which_kino_was_started_by_chance_is_not_its_supervisor(under_systemd: Run) -> None:
    """Stopping cron, or sshd, would stop more than Kino; but it is said that Kino belongs to it."""
    printed = under_systemd(
        PREPARE
        + r"""
cat > /etc/systemd/system/jobs.service <<'UNIT'
[Service]
ExecStart=/bin/sh -c '(exec 3>>"/srv/my kino/db.sqlite"; exec sleep 1000) & exec sleep 1000'
UNIT
systemctl daemon-reload
systemctl disable kino.service
rm /etc/systemd/system/kino.service
systemctl daemon-reload
systemctl start jobs.service
"""
        + python("""
until(lambda: observe(kino).pid)
found = find_supervisor(kino, os.environ)
print(type(found).__name__, found.problem().message.partition(" open and ")[2])
print(systemctl("is-active", "jobs.service"))
""")
    )

    lines = printed.splitlines()
    assert lines[0].startswith("ByHand was started by process ")
    assert lines[1] == "active"


def test_a_process_beside_the_service_is_a_problem(under_systemd: Run) -> None:
    """Stopping the service would not end it."""
    printed = under_systemd(
        PREPARE
        + python("""
stray = subprocess.Popen(["sleep", "1000"], stdin=open(kino.database, "rb"))
print(found.name, found.problem().message)
stray.kill()
stray.wait()
print(found.problem())
""")
    )

    lines = printed.splitlines()
    assert lines[0].startswith("kino.service Process ")
    assert lines[0].endswith("(sleep) has /srv/my kino/db.sqlite open, but is not part of kino.service.")
    assert lines[1] == "None"


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        ("systemctl mask --runtime kino.service", "kino.service is masked"),
        (
            "printf '[Unit]\\nRefuseManualStart=yes\\n' >> /etc/systemd/system/kino.service",
            "kino.service refuses to be started or stopped by hand.",
        ),
        ("mount -o bind,ro /etc /etc", "is on a read-only file system."),
        ("echo > /etc/systemd/system/kino.service.d", "/kino.service.d is not a folder."),
    ],
    ids=["masked", "refusing", "read-only", "no folder"],
)
def test_what_makes_a_unit_unusable_is_told_before_anything_is_done(
    under_systemd: Run, spoil: str, problem: str
) -> None:
    """As a reason with a way out."""
    # A unit in /etc cannot be masked there.
    printed = under_systemd(
        PREPARE
        + python(f"""
if "mask" in {spoil!r}:
    os.rename("/etc/systemd/system/kino.service", "/lib/systemd/system/kino.service")
    systemctl("daemon-reload")
supervisor = find_supervisor(kino, os.environ)
subprocess.run({spoil!r}, shell=True, check=True, capture_output=True)
systemctl("daemon-reload")
problem = supervisor.problem()
print(problem.message)
print(bool(problem.hint))
""")
    )

    assert problem in printed
    assert printed.splitlines()[-1] == "True"


def test_a_transient_unit_could_not_be_started_again(under_systemd: Run) -> None:
    """As `systemd-run` makes them."""
    printed = under_systemd(
        PREPARE
        + """
systemd-run --quiet --unit=passing.service sh -c 'exec 3>>"/srv/my kino/db.sqlite"; exec sleep 1000'
rm /etc/systemd/system/kino.service
systemctl daemon-reload
"""
        + python("""
until(lambda: observe(kino).pid)
found = find_supervisor(kino, os.environ)
print(found.problem().message)
""")
    )

    assert printed.startswith("passing.service is a transient unit")


def test_without_root_the_command_to_use_is_named(under_systemd: Run) -> None:
    """The service is found all the same."""
    printed = under_systemd(
        PREPARE
        + python("""
os.setgid(1); os.setuid(1)
problem = found.problem()
print(problem.code, problem.message)
print(problem.hint)
try:
    found.stop()
except KinoBackupError as error:
    print(type(error).__name__)
""")
    )

    assert printed.splitlines() == [
        "not_permitted kino.service can be stopped and held only by root. You are daemon.",
        "Run: sudo kino-backup-tui --data-path '/srv/my kino'",
    ]
