"""The text of the units: what they let the run do, whatever the paths are called."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from kino_backup_tui.core.files import Owner
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.tool_config import SYSTEM_CONFIG
from kino_backup_tui.core.timers.base import NightJob, api_job, night_job, timer_name
from kino_backup_tui.core.timers.units import (
    Written,
    api_service_text,
    read_port,
    read_written,
    service_text,
    socket_text,
    timer_text,
)

ODD = Path('/srv/my "Kino" 100% $HOME \\x ü')


def job(data_path: Path = Path("/var/lib/kino"), location: Path | None = None, **changes: object) -> NightJob:
    """A run for a Kino of the user 12345, who has no name."""
    kino = Kino(data_path)
    made = night_job(kino, location or kino.default_location, {"HOME": "/nowhere"}, user=False)
    return made._replace(owner=Owner(12345, 54321))._replace(**changes)  # type: ignore[arg-type]


def line(text: str, name: str) -> str:
    """The value of a setting."""
    return next(each.partition("=")[2] for each in text.splitlines() if each.startswith(f"{name}="))


def test_it_runs_as_the_owner_of_the_database() -> None:
    """By number if the user has no name; without a capability."""
    text = service_text(job())
    assert (line(text, "User"), line(text, "Group")) == ("12345", "54321")
    assert line(text, "CapabilityBoundingSet") == ""


def test_root_keeps_what_it_takes_to_write_to_the_location_of_another_user() -> None:
    """There is no user to become, and root by hand could write there as well."""
    text = service_text(job(owner=Owner(0, 0)))
    assert "User=" not in text
    assert "CAP_DAC_OVERRIDE" in line(text, "CapabilityBoundingSet")


def test_a_location_in_the_data_path_is_not_named_again() -> None:
    """Writing there is allowed by the folder above it."""
    assert line(service_text(job()), "ReadWritePaths") == '"-/var/lib/kino"'


def test_a_location_elsewhere_is_writable_and_mounted_first() -> None:
    """It is not required: where it cannot be mounted the run has to report that."""
    text = service_text(job(location=Path("/mnt/my nas/kino")))
    assert line(text, "ReadWritePaths") == '"-/var/lib/kino" "-/mnt/my nas/kino"'
    assert (
        line(text, "Wants")
        == line(text, "After")
        == "mnt.mount mnt-my\\x20nas.mount mnt-my\\x20nas-kino.mount"
    )
    assert "Requires=" not in text


def test_odd_names_are_quoted() -> None:
    """Each kind of line in its own way."""
    text = service_text(job(ODD))
    assert line(text, "ReadWritePaths") == '"-/srv/my \\"Kino\\" 100%% $HOME \\\\x ü"'
    assert '"/srv/my \\"Kino\\" 100%% $$HOME \\\\x \\xc3\\xbc" "run-due"' in line(text, "ExecStart")
    assert line(text, "Description").endswith('(/srv/my "Kino" 100%% $HOME \\x ü)')


@pytest.mark.parametrize(
    ("data_path", "home", "temporary"),
    [
        ("/home/me/kino", "read-only", None),
        ("/run/user/1/kino", "read-only", None),
        ("/var/tmp/kino", None, "no"),  # noqa: S108
    ],
)
def test_what_would_hide_the_data_is_left_open(
    data_path: str, home: str | None, temporary: str | None
) -> None:
    """Below the homes they can be read, but for what is named; temporary files are then the system's."""
    text = service_text(job(Path(data_path)))
    assert home is None or line(text, "ProtectHome") == home
    assert temporary is None or line(text, "PrivateTmp") == temporary


def test_a_timer_of_a_user_asks_for_nothing_that_takes_a_right() -> None:
    """Their manager could not start it where the kernel does not let users make namespaces."""
    text = service_text(job(user=True))
    for name in ("User", "ProtectSystem", "PrivateTmp", "CapabilityBoundingSet", "ReadWritePaths"):
        assert f"\n{name}=" not in text
    assert line(text, "NoNewPrivileges") == "yes"


def test_the_configuration_is_handed_over(tmp_path: Path) -> None:
    """With an empty one as a substitute; without that, it is named only if it is there."""
    text = service_text(job(config_file=SYSTEM_CONFIG, handed_over=True))
    assert line(text, "LoadCredential") == "config.toml:/etc/kino-backup-tui.toml"
    assert line(text, "SetCredential") == "config.toml:#"
    assert "/run/credentials/kino-backup-tui.service/config.toml" in line(text, "Environment")

    missing = tmp_path / "missing.toml"
    assert "Environment=" not in service_text(job(config_file=missing))
    missing.touch()
    assert (
        line(service_text(job(config_file=missing)), "Environment") == f'"KINO_BACKUP_TUI_CONFIG={missing}"'
    )


@pytest.mark.parametrize("text", [service_text, timer_text])
def test_a_file_says_whose_it_is(text: object) -> None:
    """Any data path is read back as it was."""
    assert callable(text)
    for data_path in (ODD, Path("/srv/a\nb")):
        written = text(job(data_path, Path("/mnt/x")))
        assert read_written(written) == Written(data_path, Path("/mnt/x"))


@pytest.mark.parametrize(
    "text", ["", "[Timer]\n", "# Written by kino-backup-tui install-service.\n# Data path: x\n"]
)
def test_other_files_are_not_ours(text: str) -> None:
    """Whatever their name is."""
    assert read_written(text) is None


def test_the_timer_wakes_it_at_boot_and_every_quarter_of_an_hour() -> None:
    """A user's own counts from the start of their manager."""
    assert line(timer_text(job()), "OnCalendar") == "*:0/15"
    assert "OnBootSec=" in timer_text(job())
    assert "OnStartupSec=" in timer_text(job(user=True))


def test_only_unusual_data_paths_are_part_of_the_name() -> None:
    """And two of them that read alike have two names; each is one that systemd allows."""
    environ = {"HOME": "/h", "XDG_DATA_HOME": "/h/data"}
    assert timer_name(Kino(Path("/var/lib/kino")), environ, user=False) == "kino-backup-tui"
    assert timer_name(Kino(Path("/h/data/kino")), environ, user=True) == "kino-backup-tui"
    names = {
        timer_name(Kino(Path(path)), environ, user=False) for path in ("/srv/a b", "/srv/a-b", "/h/data/kino")
    }
    assert len(names) == 3
    long = timer_name(Kino(Path("/srv") / ("é" * 3000)), environ, user=False)
    assert long.isascii()
    assert len(long) < 80


def test_the_layout_is_named_where_two_databases_would_leave_it_open(kino: Kino) -> None:
    """Otherwise the run finds it out, as it is by then."""
    environ: dict[str, str] = {}
    command = [sys.executable, "-m", "kino_backup_tui", "--data-path", str(kino.data_path)]
    assert list(night_job(kino, kino.default_location, environ, user=True).command) == [*command, "run-due"]
    (kino.data_path / "kino.db").touch()
    named = night_job(kino, kino.default_location, environ, user=True)
    assert list(named.command) == [*command, "--layout", "documented", "run-due"]
    assert named.owner.uid == os.geteuid()


def test_the_api_is_as_hardened_as_the_timer_and_leaves_a_restore_alone() -> None:
    """What a service of the host may do, it may do; but what it has begun outlives it."""
    timer, api = service_text(job()), api_service_text(api_job(job()))
    hardening = timer.partition("\n\nNoNewPrivileges=")[2]
    assert hardening
    assert api.endswith(hardening)
    assert line(api, "KillMode") == "process"
    assert line(api, "ExecStart").endswith('"serve"')
    assert line(api, "Requires") == "kino-backup-tui-api.socket"


def test_the_socket_is_for_this_host_alone() -> None:
    """Its port can be read back, also where an admin has added something."""
    text = socket_text(api_job(job()), 8799)
    assert line(text, "ListenStream") == "127.0.0.1:8799"
    assert line(text, "WantedBy") == "sockets.target"
    assert read_port(text + "# ListenStream=127.0.0.1:1\n") == 8799
    assert read_port("[Socket]\nListenStream=/run/kino.sock\n") is None
