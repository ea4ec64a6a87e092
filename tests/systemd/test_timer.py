"""The timer with a real systemd: nights on which all is well, and others."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import pytest

from tests.systemd.machine import PREPARE, ROOT

Run = Callable[[str], str]

KINO = f"""
kino() {{ '{sys.executable}' -m kino_backup_tui --data-path '/srv/my kino' "$@"; }}
# What an admin's eyes would see of it: archives with owner and mode, and what else there is.
archives() {{ stat -c '%U %a' "$1"/kino-backup-scheduled-* 2>/dev/null || echo none; }}
everything() {{ find /etc/systemd /var/lib/systemd ! -name lib ! -path '*/timers' | sort; }}
forget() {{ rm -f '/srv/my kino/backups'/kino-backup-scheduled-*; }}
# The slot of some nights ago is the last one that was served.
served() {{
  last="$(date -u -d "$1" +%Y-%m-%dT%H:%M:%S+00:00)"
  printf '{{"last_slot": "%s"}}' "$last" > /tmp/new
  jq -s '.[0] * .[1]' "$state" /tmp/new > /tmp/state
  cat /tmp/state > "$state"
  test ! -e "$failing" || sed -i 's/"given_up":"[^"]*"/"given_up":null/' "$failing"
}}
state='/srv/my kino/.kino-backup/state.json'
failing='/srv/my kino/.kino-backup/failing.json'
unit=kino-backup-tui-srv-my-kino-0fe46ae3
outcome() {{ systemctl show -p ExecMainStatus --value $unit.service; }}
night() {{ systemctl start $unit.service 2> /dev/null || true; outcome; }}
"""
NAS = """
mkdir -p /srv/disk /mnt/nas
chown daemon: /mnt/nas
mount --bind /srv/disk /mnt/nas
chown daemon: /mnt/nas
kino schedule set --location /mnt/nas > /dev/null 2>&1
"""
MACHINE = PREPARE + KINO + "forget\n"


def test_it_is_installed_once_and_leaves_nothing(under_systemd: Run) -> None:
    """The second time there is nothing to do; removed, neither file nor link nor memory of it remains."""
    printed = under_systemd(
        MACHINE
        + """
everything > /before
kino install-service
kino install-service --json | jq -c '[.name, .done, .written, .commands]'
kino uninstall-service
kino uninstall-service
everything | diff /before - && echo the same
systemctl list-units --all --plain --no-legend 'kino-backup*'
systemctl list-unit-files --no-legend 'kino-backup*' || true
"""
    )

    lines = printed.splitlines()
    unit = "kino-backup-tui-srv-my-kino-0fe46ae3"
    assert lines == [
        f"Wrote /etc/systemd/system/{unit}.service.",
        f"Wrote /etc/systemd/system/{unit}.timer.",
        f"Enabled and started {unit}.timer.",
        f"Started {unit}.service once: it works.",
        f'["{unit}.timer",[],[],[]]',
        f"Removed /etc/systemd/system/{unit}.service.",
        f"Removed /etc/systemd/system/{unit}.timer.",
        f"There is no {unit}.timer: there was nothing to do.",
        "the same",
    ]


@pytest.mark.usefixtures("_longer")
def test_the_clock_reaches_the_slot(under_systemd: Run) -> None:
    """Before it nothing happens; then the timer wakes it, and the backup is there, verified, and Kino's."""
    printed = under_systemd(
        MACHINE
        + NAS
        + """
kino schedule set --time "$(date -d '70 seconds' +%H:%M)" > /dev/null 2>&1
served '1 day ago'
kino install-service > /dev/null
archives /mnt/nas
mkdir /etc/systemd/system/$unit.timer.d
printf '[Timer]\\nOnCalendar=*:*:0/2\\nAccuracySec=1ms\\n' > /etc/systemd/system/$unit.timer.d/often.conf
systemctl daemon-reload
systemctl restart $unit.timer
until ls /mnt/nas/kino-backup-scheduled-* > /dev/null 2>&1; do sleep 1; done
until [ "$(systemctl is-active $unit.service)" = inactive ]; do sleep 0.2; done
archives /mnt/nas
kino list --json | jq -c '[.[] | select(.kind == "scheduled") | [.status, .location]]'
kino uninstall-service 2>&1 | tail -n 1
"""
    )

    assert printed.splitlines() == [
        "none",
        "daemon 600",
        '[["verified","/mnt/nas"]]',
        "warning: /etc/systemd/system/kino-backup-tui-srv-my-kino-0fe46ae3.timer.d is not ours and stays.",
    ]


@pytest.fixture
def _longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slot is on a full minute, and this machine may be slow."""
    monkeypatch.setenv("BOOT_SECONDS", "240")


def test_a_slot_that_the_machine_has_slept_through_is_made_up_once(under_systemd: Run) -> None:
    """However many there were, and however often it wakes afterwards."""
    printed = under_systemd(
        MACHINE
        + """
kino install-service > /dev/null
forget
served '9 days ago'
for waking in 1 2 3; do night; done
archives '/srv/my kino/backups'
"""
    )

    assert printed.splitlines() == ["0", "0", "0", "daemon 600"]


def test_it_runs_in_a_sandbox(under_systemd: Run) -> None:
    """As Kino's user, without a capability, able to write to the data path and the location only."""
    printed = under_systemd(
        MACHINE
        + NAS
        + """
kino install-service > /dev/null
mkdir /etc/systemd/system/$unit.service.d
cat > /etc/systemd/system/$unit.service.d/look.conf <<'UNIT'
[Service]
ExecStart=
ExecStart=sh -c 'id -un; grep -E "CapBnd|NoNewPrivs" /proc/self/status; umask; nice; ionice; \
  for folder in "/srv/my kino" /mnt/nas /srv/disk /var/tmp /mnt /etc /opt /home; do \
  test -w "$folder" && echo "writes to $folder"; done; true'
StandardOutput=file:/out/seen
UNIT
systemctl daemon-reload
chmod 777 /opt /home /mnt /srv/disk
night
cat /out/seen
"""
    )

    assert printed.splitlines()[1:4] == ["daemon", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1"]
    # A private /var/tmp would hide a checkout that lies in a temporary folder, so there is none then.
    temporary = any(ROOT.is_relative_to(folder) for folder in ("/tmp", "/var/tmp"))  # noqa: S108
    writable = ("/srv/my kino", "/mnt/nas", *(() if temporary else ("/var/tmp",)))  # noqa: S108
    assert printed.splitlines()[4:] == [
        *("0077", "19", "idle"),
        *(f"writes to {folder}" for folder in writable),
    ]


def test_a_full_disk_is_reported_and_the_next_night_is_good(under_systemd: Run) -> None:
    """Exit code 6, what was written is gone, that slot is not tried again; the next night has room."""
    printed = under_systemd(
        MACHINE
        + """
mkdir -p /mnt/nas
mount -t tmpfs -o size=64k tmpfs /mnt/nas
chown daemon: /mnt/nas
kino schedule set --location /mnt/nas > /dev/null 2>&1
served '2 days ago'
kino install-service 2>&1 | sed -n 's/^warning: \\(.*exit code [0-9]*\\).*/\\1/p'
night
ls -A /mnt/nas
ls -A '/srv/my kino/.kino-backup/scratch' | wc -l
jq -r '.code, .nights' "$failing"
mount -o remount,size=2G /mnt/nas
served '2 days ago'
night
archives /mnt/nas
jq -c . "$failing"
"""
    )

    assert printed.splitlines() == [
        "Its first run ended with exit code 6",
        "0",
        ".kino-backup-location",
        "0",
        "no_space",
        "1",
        "0",
        "daemon 600",
        "{}",
    ]


def test_a_disk_that_is_not_mounted_is_reported_and_nothing_is_written_below_it(under_systemd: Run) -> None:
    """Exit code 11; as soon as it is back the backup of that night is made."""
    printed = under_systemd(
        MACHINE
        + NAS
        + """
kino install-service > /dev/null
rm -f /mnt/nas/kino-backup-*
umount /mnt/nas
served '2 days ago'
night
night
ls -A /mnt/nas
jq -r .code "$failing"
mount --bind /srv/disk /mnt/nas
night
archives /mnt/nas
"""
    )

    assert printed.splitlines() == ["11", "11", "location_unknown", "0", "daemon 600"]


def test_the_disk_of_the_location_is_mounted_for_it_if_it_can_be(under_systemd: Run) -> None:
    """And where that fails it runs all the same: somebody has to report it."""
    printed = under_systemd(
        MACHINE
        + NAS
        + """
kino install-service > /dev/null
rm -f /mnt/nas/kino-backup-*
umount /mnt/nas
mount_unit() { printf "[Mount]\\nWhat=/srv/disk\\nWhere=/mnt/nas\\n$1\\n"; }
mount_unit Type=nosuchtype > /etc/systemd/system/mnt-nas.mount
systemctl daemon-reload
served '2 days ago'
night
mount_unit Options=bind > /etc/systemd/system/mnt-nas.mount
systemctl daemon-reload
systemctl reset-failed
night
archives /mnt/nas
"""
    )

    assert printed.splitlines() == ["11", "0", "daemon 600"]


def test_another_location_needs_it_to_be_installed_again(under_systemd: Run) -> None:
    """Saving it says so; until then it cannot write there, and afterwards it can."""
    printed = under_systemd(
        MACHINE
        + """
kino install-service > /dev/null
forget
mkdir "/mnt/l 50%"
chown daemon: "/mnt/l 50%"
kino schedule set --location "/mnt/l 50%" 2>&1 > /dev/null
served '2 days ago'
night
kino status 2> /dev/null | grep -c sandbox || true
kino install-service
night
archives "/mnt/l 50%"
"""
    )

    kinos, *lines = printed.splitlines()
    assert kinos.startswith("warning: The sandbox of kino.service does not let Kino write there")
    assert lines[0].startswith(
        "warning: The sandbox of kino-backup-tui-srv-my-kino-0fe46ae3.service does not"
    )
    assert lines[0].endswith("Run: sudo kino-backup-tui --data-path '/srv/my kino' install-service")
    assert lines[1] == "Saved."
    assert lines[2] == "11"
    assert lines[4].startswith("Wrote ")
    assert lines[-1] == "daemon 600"


def test_two_kinos_have_two_timers(under_systemd: Run) -> None:
    """The one of the usual data path has the plain name; removing one leaves the other."""
    printed = under_systemd(
        MACHINE
        + f"""
cp -a '/srv/my kino' /var/lib/kino
KINO_DATA_PATH=/var/lib/kino '{sys.executable}' -m kino_backup_tui install-service --json | jq -c .name
kino install-service --json | jq -c .name
kino uninstall-service --json | jq -c .removed
ls /etc/systemd/system | grep kino-backup
systemctl is-active kino-backup-tui.timer
"""
    )

    assert printed.splitlines() == [
        '"kino-backup-tui.timer"',
        '"kino-backup-tui-srv-my-kino-0fe46ae3.timer"',
        json.dumps(
            [
                f"/etc/systemd/system/kino-backup-tui-srv-my-kino-0fe46ae3.{ending}"
                for ending in ("service", "timer")
            ],
            separators=(",", ":"),
        ),
        "kino-backup-tui.service",
        "kino-backup-tui.timer",
        "active",
    ]


def test_a_file_of_somebody_else_is_left_alone(under_systemd: Run) -> None:
    """Neither written over nor removed, and nothing is put beside it."""
    printed = under_systemd(
        MACHINE
        + """
echo '[Timer]' > /etc/systemd/system/$unit.timer
kino install-service 2>&1 || echo $?
kino uninstall-service 2>&1
cat /etc/systemd/system/$unit.timer
ls /etc/systemd/system | grep -c kino-backup
"""
    )

    lines = printed.splitlines()
    assert "was not written by this program" in lines[0]
    assert lines[2] == "2"
    assert "[Timer]" in lines
    assert lines[-1] == "1"


def test_a_user_who_cannot_run_this_program_is_told_before_anything_is_written(under_systemd: Run) -> None:
    """As when it is installed in root's home."""
    printed = under_systemd(
        MACHINE
        + f"""
chmod o-x /root
case '{sys.executable}' in /root/*) ;; *) echo 11; exit 0 ;; esac
everything > /before
kino install-service 2> /dev/null || echo $?
everything | diff /before -
"""
    )

    assert printed.splitlines() == ["11"]


def test_only_root_may_install_it_for_the_system(under_systemd: Run) -> None:
    """Others are told the command."""
    printed = under_systemd(
        MACHINE
        + f"""
setpriv --reuid 1 --regid 1 --clear-groups env HOME=/tmp '{sys.executable}' -m kino_backup_tui \\
  --data-path '/srv/my kino' install-service 2>&1 || echo $?
kino install-service --user 2>&1 || echo $?
"""
    )

    lines = printed.splitlines()
    assert lines[:2] == [
        "error: Only root may change the units of the system. You are daemon.",
        "Run: sudo kino-backup-tui --data-path '/srv/my kino' install-service",
    ]
    assert lines[3] == "11"
    assert "belongs to daemon" in lines[4]
    assert lines[-1] == "11"


def test_the_configuration_of_root_reaches_it(under_systemd: Run) -> None:
    """It may hold a secret address: only root can read it, and the service gets it all the same.

    It need not be there when the timer is installed, nor later.
    """
    printed = under_systemd(
        # Without that, as in some containers, systemd cannot hand over anything.
        "mount --make-rshared /\n"
        + MACHINE
        + """
kino install-service > /dev/null
night
echo 'notify = 1' > /etc/kino-backup-tui.toml
chmod 600 /etc/kino-backup-tui.toml
night
"""
    )

    assert printed.splitlines() == ["0", "12"]


def test_a_configuration_that_cannot_be_handed_over_has_to_be_readable(under_systemd: Run) -> None:
    """That is said, with the command."""
    printed = under_systemd(
        MACHINE
        + """
echo 'kino_url = "http://127.0.0.1:9"' > /etc/kino-backup-tui.toml
chmod 600 /etc/kino-backup-tui.toml
kino install-service 2>&1 | grep '^warning: /etc'
chgrp daemon /etc/kino-backup-tui.toml && chmod 640 /etc/kino-backup-tui.toml
night
kino install-service 2>&1 | grep -c '^warning' || true
"""
    )

    lines = printed.splitlines()
    assert lines[0].endswith("chgrp daemon /etc/kino-backup-tui.toml && chmod 640 /etc/kino-backup-tui.toml")
    assert lines[1:] == ["0", "0"]


USER = f"""
chown -R daemon: '/srv/my kino'
mkdir -p /run/user/1 /home/daemon
sed -i '/^daemon:/s|:/usr/sbin:|:/home/daemon:|' /etc/passwd
chown -R daemon: /run/user/1 /home/daemon
# Without a login: the manager that one would get.
cat > /etc/systemd/system/user@1.service <<'UNIT'
[Service]
User=1
Type=notify
Environment=XDG_RUNTIME_DIR=/run/user/1 HOME=/home/daemon
ExecStart=/lib/systemd/systemd --user
Slice=user-1.slice
Delegate=yes
UNIT
systemctl daemon-reload
systemctl start user@1.service
as_user() {{ setpriv --reuid 1 --regid 1 --clear-groups env -i "PATH=$PATH" HOME=/home/daemon "$@"; }}
theirs() {{ as_user '{sys.executable}' -m kino_backup_tui --data-path '/srv/my kino' "$@"; }}
forget
"""


def test_a_user_has_a_timer_of_their_own(under_systemd: Run) -> None:
    """It makes the backup, root sees it, too, and nothing of it is left in their home."""
    printed = under_systemd(
        MACHINE
        + USER
        + """
theirs status --json | jq -r .runner.text
theirs install-service --user 2>&1
until ls '/srv/my kino/backups'/kino-backup-scheduled-* > /dev/null 2>&1; do sleep 0.2; done
archives '/srv/my kino/backups'
theirs status --json | jq -c '.runner | [.active, .text]'
kino status --json | jq -c '.runner | [.active, .text]'
theirs install-service --user --json 2> /dev/null | jq -c .done
theirs uninstall-service --user > /dev/null
find /home/daemon -path '*systemd*'
theirs status --json | jq -r .runner.kind
"""
    )

    unit = "kino-backup-tui-srv-my-kino-0fe46ae3"
    folder = "/home/daemon/.config/systemd/user"
    assert printed.splitlines() == [
        "nothing runs the schedule",
        f"Wrote {folder}/{unit}.service.",
        f"Wrote {folder}/{unit}.timer.",
        f"Enabled and started {unit}.timer.",
        f"Started {unit}.service once: it works.",
        "warning: It runs only while daemon is logged in; to change that: loginctl enable-linger daemon",
        "daemon 600",
        f'[true,"{unit}.timer of the user"]',
        f'[true,"{unit}.timer of the user daemon"]',
        "[]",
        "none",
    ]


def test_what_cannot_run_is_not_left_installed(under_systemd: Run) -> None:
    """Systemd cannot set up its sandbox: that is seen at once, and nothing stays."""
    printed = under_systemd(
        MACHINE
        + """
mkdir /etc/systemd/system/$unit.service.d
printf '[Service]\\nRootDirectory=/nowhere\\n' > /etc/systemd/system/$unit.service.d/broken.conf
everything > /before
kino install-service 2>&1 || echo $?
everything | diff /before - && echo the same
systemctl list-units --all --plain --no-legend 'kino-backup*'
"""
    )

    lines = printed.splitlines()
    assert "cannot run kino-backup-tui-srv-my-kino-0fe46ae3.service as daemon" in lines[0]
    assert lines[-2:] == ["8", "the same"]


def test_the_timer_of_a_kino_that_is_gone_can_be_removed(under_systemd: Run) -> None:
    """It is the data path that is named, whether or not it is there."""
    printed = under_systemd(
        MACHINE
        + """
everything > /before
kino install-service > /dev/null
rm -r '/srv/my kino'
kino uninstall-service > /dev/null
everything | diff /before - && echo the same
"""
    )

    assert printed.splitlines() == ["the same"]
