"""What a service may write, tried in its own sandbox by a real systemd."""

from __future__ import annotations

from collections.abc import Callable

from tests.systemd.machine import PREPARE, python

Run = Callable[[str], str]

DOCTOR = """
def run(*words):
    command = [sys.executable, "-m", "kino_backup_tui", "--data-path", str(kino.data_path), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout

def access():
    import json
    checks = {check["name"]: check for check in json.loads(run("doctor", "--json"))}
    return checks["kino_access"]
"""


def test_a_location_outside_of_the_sandbox_is_found_and_the_drop_in_that_opens_it_works(
    under_systemd: Run,
) -> None:
    """Root can write there, and so can the user of the service; the service itself cannot."""
    printed = under_systemd(
        PREPARE
        + """
mkdir '/srv/other disk'
chown daemon: '/srv/other disk'
"""
        + python(
            DOCTOR
            + """
print(access()["status"], access()["text"])
run("schedule", "set", "--location", "/srv/other disk")
closed = access()
print(closed["status"], closed["text"])
lines = closed["hint"].splitlines()
print(lines[:-1])
folder = drop_in.parent
folder.mkdir(exist_ok=True)
(folder / "location.conf").write_text("\\n".join(lines[1:-1]) + "\\n")
systemctl("daemon-reload")
print(access()["status"])
print(systemctl("is-active", "kino.service"), Path("/etc/systemd/system").joinpath("kino.service").exists())
"""
        )
    )

    opened = 'ReadWritePaths="/srv/other disk"'
    assert printed.splitlines() == [
        "ok kino.service can write to /srv/my kino/backups, as daemon and in its sandbox.",
        "warn kino.service cannot write to /srv/other disk from inside its sandbox, although daemon may.",
        f"['Run `systemctl edit kino.service`, and enter:', '[Service]', '{opened}']",
        "ok",
        "inactive True",
    ]


def test_a_location_that_the_user_of_the_service_may_not_write_is_told_apart(under_systemd: Run) -> None:
    """No drop-in would help."""
    printed = under_systemd(
        PREPARE
        + "mkdir /srv/roots\n"
        + python(
            DOCTOR
            + """
run("schedule", "set", "--location", "/srv/roots")
closed = access()
print(closed["status"], closed["text"], closed["hint"])
"""
        )
    )

    assert printed.splitlines() == [
        "warn kino.service runs as daemon, who may not write to /srv/roots. "
        "Give it to that user: chown daemon: '/srv/roots'"
    ]
