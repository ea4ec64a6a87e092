"""A sample Kino in a container of a real Podman is found, stopped, held and started."""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.containers.conftest import LIMITS, SEEN, python

Run = Callable[[str], str]


def test_a_running_container_is_found_by_the_process_that_has_the_database_open(with_podman: Run) -> None:
    """It is stopped, known again while it is down, started, and its log is read."""
    printed = with_podman(
        "kino media\npodman start media > /dev/null\n"
        + python("""
until(lambda: observe(kino).pid)
found = find_supervisor(kino, os.environ)
print(type(found).__name__, found.name, found.problem())
state = found.state()
print(state[:3], state.pid in database_holders(kino).pids)
found.stop()
print(found.state())
require_closed(kino)
again = find_supervisor(kino, os.environ)
print(again.name, again.problem())
again.start()
until(lambda: observe(kino).pid)
print(again.state().text, observe(kino).version)
print(again.logs(1)[0].rpartition(":")[0], again.logs(0))
""")
    )

    assert printed.splitlines() == [
        "ContainerSupervisor container media None",
        "(True, 'running', True) True",
        "ServiceState(active=False, text='stopped', settled=True, pid=None, restarts=0, ended='')",
        "container media None",
        "running 0.4.2",
        "listening on 127.0.0.1 []",
    ]


def test_a_restore_stops_the_container_and_starts_it_again(with_podman: Run) -> None:
    """By the command an admin types; then one whose settings no Kino starts with, which is undone."""
    printed = with_podman(
        "kino media --restart=always\npodman start media > /dev/null\n"
        + python("""
import re
until(lambda: observe(kino).version)
def run(*words):
    command = [sys.executable, "-m", "kino_backup_tui", "--data-path", str(kino.data_path), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout
backups = json.loads(run("list", "--json")[1])
bad = next(each["filename"] for each in backups if "bad-port" in each["filename"])
good = next(each["filename"] for each in backups if each["kind"] == "manual" and each["filename"] != bad)
before = podman("inspect", "--format", "{{.State.StartedAt}}", "media")
code, out = run("restore", good, "--yes", "--json")
result = json.loads(out.splitlines()[-1])
if code: raise SystemExit(out)
print(code, result["outcome"], result["running"], observe(kino).version)
print(podman("inspect", "--format", "{{.State.StartedAt}}", "media") != before)
code, out = run("restore", bad, "--yes", "--json", "--health-timeout", "60")
result = json.loads(out.splitlines()[-1])
print(code, result["outcome"], result["failed_stage"], bool(result["log"]))
print(podman("inspect", "--format", "{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}", "media"))
print(observe(kino).version)
""")
    )

    assert printed.splitlines() == [
        "0 ok True 0.4.2",
        "True",
        "9 rolled_back checking_health True",
        "running always",
        "0.4.2",
    ]


def test_a_container_of_another_kino_is_left_alone(with_podman: Run) -> None:
    """Nor is one taken for Kino's that can only read our data path, or has nothing of it."""
    printed = with_podman(
        f"""
mkdir /mnt/other
'{sys.executable}' -m kino_backup_tui demo /mnt/other > /dev/null 2>&1
DATA=/mnt/other kino other
podman run --detach --name reader --network=none {LIMITS} {SEEN} \\
  --volume '/mnt/my kino:/src:ro' --rootfs /mnt/fs /usr/bin/sleep 1000 > /dev/null
echo 'container = "reader"' > /mnt/config.toml
"""
        + python("""
print(find_supervisor(kino, os.environ).name)
os.environ["KINO_BACKUP_TUI_CONFIG"] = "/mnt/config.toml"
print(find_supervisor(kino, os.environ).name)
""")
    )

    assert printed.splitlines() == ["Kino", "Kino"]


def test_a_configured_container_is_taken_if_it_has_our_data_path(with_podman: Run) -> None:
    """Of two that are told it, while neither runs. One that is not there is a problem with a way out."""
    printed = with_podman(
        "kino old\nkino new\n"
        + python("""
print(find_supervisor(kino, os.environ).name)
config = Path("/mnt/config.toml")
os.environ["KINO_BACKUP_TUI_CONFIG"] = str(config)
config.write_text('container = "new"')
print(find_supervisor(kino, os.environ).name)
config.write_text('container = "newer"')
missing = find_supervisor(kino, os.environ)
print(missing.name, missing.problem().message, missing.problem().hint)
""")
    )

    assert printed.splitlines() == [
        "Kino",
        "container new",
        "container newer There is no container newer. "
        "Correct container in the configuration of kino-backup-tui.",
    ]


def test_what_makes_a_container_unusable_is_told_before_anything_is_done(with_podman: Run) -> None:
    """One that is gone once it is stopped; another process beside it."""
    printed = with_podman(
        "kino passing --rm\npodman start passing > /dev/null\n"
        + python("""
until(lambda: observe(kino).pid)
print(find_supervisor(kino, os.environ).problem().message)
podman("rm", "--force", "passing")
""")
        + "kino media\npodman start media > /dev/null\n"
        + python("""
until(lambda: observe(kino).pid)
stray = subprocess.Popen(["sleep", "1000"], stdin=open(kino.database, "rb"))
print(find_supervisor(kino, os.environ).problem().message.partition("(")[2])
stray.kill()
stray.wait()
print(find_supervisor(kino, os.environ).problem())
""")
    )

    assert printed.splitlines() == [
        "The container passing was made with --rm: once stopped, it is gone.",
        "sleep) has /mnt/my kino/db.sqlite open, but does not run in the container media.",
        "None",
    ]


def test_a_crash_loop_is_told_and_stopped(with_podman: Run) -> None:
    """By its exit code and how often it was restarted."""
    printed = with_podman(
        "kino media --restart=always\nchmod 000 '/mnt/my kino/db.sqlite'\n"
        "echo 'broken = ' > '/mnt/my kino/config.toml'\npodman start media > /dev/null\n"
        + python("""
found = find_supervisor(kino, os.environ)
until(lambda: found.state().restarts >= 2)
found.stop()
state = found.state()
print(found.name, state.active, state.settled, state.ended, state.restarts >= 2)
time.sleep(1)
print(found.state().active)
""")
    )

    assert printed.splitlines()[0].startswith("container media False True exit code ")
    assert printed.splitlines()[0].endswith("True")
    assert printed.splitlines()[1] == "False"


def test_the_container_of_a_unit_belongs_to_the_unit(with_podman: Run) -> None:
    """Podman's own way with systemd: the unit would run it again."""
    printed = with_podman(
        "kino media --label PODMAN_SYSTEMD_UNIT=media.service\npodman start media > /dev/null\n"
        + python("""
until(lambda: observe(kino).pid)
found = find_supervisor(kino, os.environ)
print(type(found).__name__, found.name)
from kino_backup_tui.core.supervisors.containers import runs_for_unit
pid = database_holders(kino).pids[0]
print(runs_for_unit(pid, "media.service", os.environ), runs_for_unit(pid, "other.service", os.environ))
""")
    )

    assert printed.splitlines() == ["SystemdSupervisor media.service", "True False"]


def test_a_restore_that_is_killed_is_settled_by_apply(with_podman: Run) -> None:
    """Whenever that was after the stop: Kino runs again, on one set or the other."""
    printed = with_podman(
        "kino media --restart=always\npodman start media > /dev/null\n"
        + python("""
until(lambda: observe(kino).version)
command = [sys.executable, "-m", "kino_backup_tui", "--data-path", str(kino.data_path)]
backups = json.loads(subprocess.run([*command, "list", "--json"], capture_output=True, text=True).stdout)
manual = [each["filename"] for each in backups if each["kind"] == "manual"]
good = next(name for name in manual if "bad-port" not in name)
restore = subprocess.Popen([*command, "restore", good, "--yes"], stdout=-3, stderr=-3)
until(lambda: podman("inspect", "--format", "{{.State.Status}}", "media") == "exited")
lock = json.loads((kino.data_path / ".kino-backup/lock").read_text())
os.kill(lock["pid"], signal.SIGKILL)
restore.wait()
status = json.loads(subprocess.run([*command, "status", "--json"], capture_output=True, text=True).stdout)
print(status["interrupted"] is not None)
done = subprocess.run([*command, "apply", "--json"], capture_output=True, text=True)
print(done.returncode in (0, 9), podman("inspect", "--format", "{{.State.Status}}", "media"))
until(lambda: observe(kino).version)
""")
    )

    assert printed.splitlines() == ["True", "True running"]
