"""The gate: while it is closed nothing starts Kino, and nothing of it is left behind."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.systemd.machine import PREPARE, python

Run = Callable[[str], str]

REFUSING = """
GATE = ["/bin/sh", "-c", "id -un >> /root/gate; exit 20"]
asked = lambda: len(Path("/root/gate").read_text().splitlines()) if Path("/root/gate").exists() else 0
"""


def test_a_closed_gate_keeps_kino_stopped(under_systemd: Run) -> None:
    """Started by hand, after a reload and after a fresh look of systemd; it is asked as root, and the unit
    is not failed, although Kino's own exit codes for success are longer than usual."""
    printed = under_systemd(
        PREPARE
        + python(f"""{REFUSING}
found.close_gate(GATE)
print(drop_in.stat().st_mode & 0o777, drop_in.stat().st_uid)
systemctl("start", "kino.service")
print(found.state().text, systemctl("is-failed", "kino.service"))
systemctl("daemon-reload")
systemctl("daemon-reexec")
systemctl("start", "kino.service")
found.start()
until(lambda: asked() >= 3 and found.state().settled)
print(set(Path("/root/gate").read_text().split()), found.state().active, observe(kino).pid)
""")
    )

    assert printed.splitlines() == ["420 0", "stopped inactive", "{'root'} False None"]


def test_a_closed_gate_refuses_a_restart_by_systemd(under_systemd: Run) -> None:
    """Kino crashes while the gate is closed: `Restart=` asks once, is refused and gives up."""
    printed = under_systemd(
        PREPARE
        + python(f"""{REFUSING}
found.start()
healthy()
found.close_gate(GATE)
os.kill(found.state().pid, signal.SIGKILL)
until(lambda: asked() == 1 and found.state().settled)
time.sleep(1)
print(asked(), found.state().active, systemctl("is-failed", "kino.service"))
""")
    )

    assert printed.splitlines() == ["1 False inactive"]


def test_a_closed_gate_refuses_a_timer(under_systemd: Run) -> None:
    """And whatever else has Kino started while it is stopped for a restore."""
    printed = under_systemd(
        PREPARE
        + """
timer='[Timer]\\nOnActiveSec=0\\nOnUnitInactiveSec=100ms\\nAccuracySec=1ms\\n'
printf "$timer" > /etc/systemd/system/kino.timer
systemctl daemon-reload
"""
        + python(f"""{REFUSING}
found.start()
healthy()
found.close_gate(GATE)
found.stop()
systemctl("start", "kino.timer")
until(lambda: asked() >= 2)
require_closed(kino, seconds=0)
print(found.state().pid)
""")
    )

    assert printed.splitlines() == ["None"]


def test_an_opened_gate_leaves_nothing(under_systemd: Run) -> None:
    """Neither file nor folder nor condition; to open it twice is no error, and Kino starts again."""
    printed = under_systemd(
        PREPARE
        + python(f"""{REFUSING}
found.open_gate()
found.close_gate(GATE)
found.open_gate()
found.open_gate()
print(drop_in.parent.exists(), repr(systemctl("show", "-p", "DropInPaths", "--value", "kino.service")))
print(systemctl("show", "-p", "NeedDaemonReload,ExecCondition", "kino.service"))
found.start()
print(healthy().healthy, asked())
""")
    )

    assert printed.splitlines() == ["False ''", "NeedDaemonReload=no", "True 0"]


def test_drop_ins_of_others_stay_and_do_not_lift_the_gate(under_systemd: Run) -> None:
    """One that takes back every condition is read before ours."""
    printed = under_systemd(
        PREPARE
        + """
mkdir /etc/systemd/system/kino.service.d
printf '[Service]\\nExecCondition=\\n' > /etc/systemd/system/kino.service.d/override.conf
systemctl daemon-reload
"""
        + python(f"""{REFUSING}
found.close_gate(GATE)
systemctl("start", "kino.service")
print(asked(), found.state().active)
found.open_gate()
print(os.listdir(drop_in.parent))
""")
    )

    assert printed.splitlines() == ["1 False", "['override.conf']"]


def test_the_gates_words_arrive_as_they_are(under_systemd: Run) -> None:
    """Spaces, quotes, backslashes, specifiers, variables, line ends."""
    printed = under_systemd(
        PREPARE
        + python(r"""
program = Path("/root/a b%s/$x/say")
program.parent.mkdir(parents=True)
program.write_text("#!/bin/sh\nprintf '%s\\0' \"$@\" > /root/said\nexit 20\n")
program.chmod(0o755)
words = ["", "a b", "'x'", '"y"', "\\n", "%s%%", "$HOME ${HOME} $$", "line\nline\ttab", "ü", ";", "#"]
found.close_gate([str(program), *words])
systemctl("start", "kino.service")
print([os.fsdecode(word) for word in Path("/root/said").read_bytes().split(b"\0")[:-1]] == words)
try:
    found.close_gate([str(program), "\udcff"])
except KinoBackupError as error:
    print(error.message)
""")
    )

    assert printed.splitlines() == ["True", "systemd cannot be given a name that is not UTF-8: '\\udcff'."]


def test_a_gate_may_take_itself_away(under_systemd: Run) -> None:
    """It settles what a restore has left, opens the gate for good, and lets Kino start."""
    printed = under_systemd(
        PREPARE
        + python("""
from tests.systemd import machine
Path("/root/settle.sh").write_text("#!/bin/sh\\n" + machine.python("found.open_gate()"))
os.chmod("/root/settle.sh", 0o755)
found.close_gate(["/root/settle.sh"])
found.start()
print(healthy().healthy, drop_in.exists(), found.state().restarts)
print(systemctl("show", "-p", "ExecCondition", "kino.service"))
""")
    )

    assert printed.splitlines() == ["True False 0", ""]


def test_a_gate_that_systemd_does_not_heed_is_an_error(under_systemd: Run) -> None:
    """Another drop-in is read after it; nothing is left then."""
    printed = under_systemd(
        PREPARE
        + """
mkdir /etc/systemd/system/kino.service.d
printf '[Service]\\nExecCondition=\\n' > /etc/systemd/system/kino.service.d/zzz.conf
"""
        + python(f"""{REFUSING}
try:
    found.close_gate(GATE)
except KinoBackupError as error:
    print(error.code, error.message)
print(os.listdir(drop_in.parent))
""")
    )

    lines = printed.splitlines()
    assert lines[0].startswith("service systemd does not heed ")
    assert lines[1] == "['zzz.conf']"


USER_MANAGER = r"""
chown -R daemon: '/srv/my kino'
mkdir -p /run/user/1 /home/daemon/.config/systemd/user
unit /home/daemon/.config/systemd/user/kino.service '/srv/my kino' 'Environment="KINO_DATA_PATH=/srv/my kino"'
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
mkdir -p /etc/systemd/system/user@.service.d
rm /etc/systemd/system/kino.service
systemctl daemon-reload
systemctl start user@1.service || echo 'no manager'
"""


def test_a_service_of_a_user_is_controlled_by_that_user_alone(under_systemd: Run) -> None:
    """Root, to whom it is no service of its own, is told the command to use."""
    as_user = python(f"""{REFUSING.replace("/root", "/home/daemon")}
drop_in = Path("/home/daemon/.config/systemd/user/kino.service.d/zz-kino-backup-tui.conf")
print(found.name, found.problem(), found.state().text)
found.start()
print(healthy().text)
print(found.problem())
found.close_gate(GATE)
found.stop()
require_closed(kino)
found.start()
until(lambda: asked() == 1 and found.state().settled)
print(found.state().active, drop_in.exists())
found.open_gate()
print(drop_in.parent.exists())
found.start()
print(healthy().healthy)
print(found.logs(3) is not None)
""")
    run_as_user = "setpriv --reuid 1 --regid 1 --clear-groups env -i PATH=$PATH HOME=/home/daemon "
    printed = under_systemd(
        PREPARE
        + USER_MANAGER
        + run_as_user
        + as_user
        + python("""
print(found.name, found.problem().message)
print(found.problem().hint)
""")
    )

    if "no manager" in printed:
        pytest.skip(f"no manager of a user can be started here: {printed}")
    assert printed.splitlines() == [
        "kino.service None stopped",
        "kino.service is up and answers as Kino 0.4.2",
        "None",
        "False True",
        "False",
        "True",
        "True",
        "kino.service kino.service is a service of the user daemon, who alone can stop and hold it. "
        "You are root.",
        "Run: sudo -u daemon XDG_RUNTIME_DIR=/run/user/1 kino-backup-tui --data-path '/srv/my kino'",
    ]
