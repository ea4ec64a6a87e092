"""launchd, by the text that launchctl prints; nothing of this was run on a Mac."""

from __future__ import annotations

import os
import plistlib
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import ServiceError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.supervisors.base import ServiceState, Supervisor
from kino_backup_tui.core.supervisors.launchd import find_launchd, job_state

LABEL = "tv.kino.daemon"
GATE = ("kino-backup-tui", "apply", "--gate")

PRINTED = """\
system/tv.kino.daemon = {
\tactive count = 1
\tpath = /Library/LaunchDaemons/tv.kino.daemon.plist
\ttype = LaunchDaemon
\tstate = running

\tprogram = /usr/local/bin/kino
\targuments = {
\t\t/usr/local/bin/kino
\t\tserve
\t}

\tenvironment = {
\t\tKINO_DATA_PATH => /Users/Shared/kino
\t}

\tdomain = system
\tminimum runtime = 10
\texit timeout = 5
\truns = 3
\tpid = 421
\timmediate reason = inefficient
\tlast exit code = 1
}
"""

# State: a file `loaded` while the job is in its domain, one `disabled` while it is that.
LAUNCHCTL = """\
#!/bin/sh
cd "$(dirname "$0")"
case $1 in
print) [ -e loaded ] || { echo 'Could not find service "tv.kino.daemon" in domain for system' >&2; exit 113; }
  cat printed; exit 0;;
print-disabled)
  [ -e disabled ] && word=disabled || word=enabled
  printf 'disabled services = {\\n\\t"com.example" => enabled\\n\\t"tv.kino.daemon" => %s\\n}\\n' $word
  exit 0;;
esac
echo "$@" >> orders
[ ! -e broken ] || { echo 'Bootstrap failed: 5: Input/output error' >&2; exit 5; }
case $1 in
bootout) rm -f loaded;;
bootstrap) [ ! -e disabled ] || { echo 'Bootstrap failed: 119: Service is disabled' >&2; exit 119; }
  touch loaded;;
enable) rm -f disabled;;
disable) touch disabled;;
kickstart) [ -e loaded ];;
esac
"""


@pytest.fixture
def mac(tmp_path: Path) -> Path:
    """A launchd with a job of Kino that is loaded."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "launchctl").write_text(LAUNCHCTL)
    (folder / "launchctl").chmod(0o755)
    (folder / "printed").write_text(PRINTED)
    (folder / "loaded").touch()
    return folder


def write_job(folder: Path, **keys: object) -> Path:
    """A property list as Kino installs it, with other keys."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{LABEL}.plist"
    document = {"Label": LABEL, "ProgramArguments": ["/usr/local/bin/kino", "serve"], "KeepAlive": True}
    path.write_bytes(plistlib.dumps(document | keys))
    return path


@pytest.fixture
def environ(mac: Path, tmp_path: Path) -> dict[str, str]:
    """What finds that launchd."""
    return {"PATH": f"{mac}:{os.environ['PATH']}", "HOME": str(tmp_path / "home")}


@pytest.fixture
def supervisor(kino: Kino, environ: dict[str, str], tmp_path: Path) -> Supervisor:
    """Kino's job, whose log is a file."""
    log = tmp_path / "kino.log"
    log.write_text("one\ntwo\nthree\n")
    write_job(
        tmp_path / "daemons",
        EnvironmentVariables={"KINO_DATA_PATH": str(kino.data_path)},
        StandardErrorPath=str(log),
        StandardOutPath=str(log),
    )
    found = find_launchd(kino, environ, daemons=tmp_path / "daemons")
    assert found is not None
    return found


def test_it_is_found_by_its_data_path(supervisor: Supervisor) -> None:
    """From its environment."""
    assert supervisor.name == LABEL
    assert supervisor.logs(2) == ["two", "three"]


@pytest.mark.parametrize(
    "keys",
    [
        {"EnvironmentVariables": {"KINO_DATA_PATH": "/srv/other"}},
        {"ProgramArguments": ["/usr/local/bin/plex"]},
        {"ProgramArguments": ["kino", "--data-path", "relative"]},
        {"Label": "a label; with more"},
        {},
    ],
)
def test_another_job_is_not_ours(
    kino: Kino, environ: dict[str, str], tmp_path: Path, keys: dict[str, object]
) -> None:
    """Another data path, another program; without one, data are in the home of root."""
    write_job(tmp_path / "daemons", **keys)
    assert find_launchd(kino, environ, daemons=tmp_path / "daemons") is None


def test_the_command_line_beats_the_environment(kino: Kino, environ: dict[str, str], tmp_path: Path) -> None:
    """As it does for Kino."""
    write_job(
        tmp_path / "daemons",
        ProgramArguments=["/usr/local/bin/kino", f"--data-path={kino.data_path}", "serve"],
        EnvironmentVariables={"KINO_DATA_PATH": "/srv/other"},
    )
    assert find_launchd(kino, environ, daemons=tmp_path / "daemons") is not None


def test_the_state_is_read_from_what_is_printed_for_people() -> None:
    """Only from the lines of the job itself."""
    assert job_state(PRINTED) == ServiceState(True, "running, restarted 2 times", True, 421, 2, "")
    crashed = PRINTED.replace("state = running", "state = spawn scheduled").replace("\tpid = 421\n", "")
    assert job_state(crashed) == ServiceState(
        True, "waiting to be restarted (exit code 1), restarted 2 times", False, None, 2, "exit code 1"
    )
    ended = PRINTED.replace("state = running", "state = not running").replace("\tpid = 421\n", "")
    assert job_state(ended)[:3] == (False, "not running (exit code 1), restarted 2 times", True)


def test_it_is_held_stopped_and_started(supervisor: Supervisor, mac: Path) -> None:
    """Out of its domain, and disabled for the case of a restart of the machine; all of it is undone."""
    supervisor.close_gate(GATE)
    supervisor.close_gate(GATE)
    supervisor.stop()
    assert supervisor.state() == ServiceState(False, "not loaded")
    assert (mac / "disabled").exists()
    supervisor.start()
    assert supervisor.state().active
    supervisor.open_gate()
    supervisor.open_gate()
    assert not (mac / "disabled").exists()
    target = f"system/{LABEL}"
    assert (mac / "orders").read_text().splitlines()[:4] == [
        f"disable {target}",
        f"disable {target}",
        f"bootout {target}",
        f"enable {target}",
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="asks for root first")
def test_a_job_that_somebody_has_disabled_is_a_problem(supervisor: Supervisor, mac: Path) -> None:
    """Unless it was us."""
    assert supervisor.problem() is None
    (mac / "disabled").touch()
    assert isinstance(supervisor.problem(), ServiceError)
    (mac / "disabled").unlink()
    supervisor.close_gate(GATE)
    assert supervisor.problem() is None


def test_a_refusal_says_why(supervisor: Supervisor, mac: Path) -> None:
    """In the words of launchctl."""
    (mac / "broken").touch()
    (mac / "loaded").unlink()
    with pytest.raises(ServiceError, match="5: Input/output error"):
        supervisor.start()
