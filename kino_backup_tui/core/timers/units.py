"""The text of the units of systemd: a timer or a socket, and the service that it starts.

See systemd.timer(5), systemd.socket(5), systemd.service(5) and systemd.exec(5). When a backup is due is not
written here but computed at each wake-up, so the units stay as they are when the schedule changes.
"""

from __future__ import annotations

import grp
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from kino_backup_tui.core.files import Owner, name_of_user
from kino_backup_tui.core.kino.systemd_text import mount_units, quoted, quoted_command, quoted_path
from kino_backup_tui.core.kino.tool_config import CONFIG_VARIABLE
from kino_backup_tui.core.timers.base import BASE_NAME, MINUTES, NightJob

_MARK = f"# Written by {BASE_NAME} install-service."
_DATA_PATH = "# Data path: "
_LOCATION = "# Location: "
_CREDENTIAL = "config.toml"
_LISTEN = "ListenStream=127.0.0.1:"
_HOMES = ("/home", "/root", "/run/user")
"""What `ProtectHome=` hides."""
_TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108 - what `PrivateTmp=` hides
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")

_SECURITY = """\
NoNewPrivileges=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
# To ask whether the clock is set; setting it takes a capability.
SystemCallFilter=adjtimex clock_adjtime
SystemCallErrorNumber=EPERM
"""
_KERNEL = """\
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectHostname=yes
PrivateDevices=yes
"""


class Written(NamedTuple):
    """What a unit file of ours says of itself."""

    data_path: Path
    location: Path


def service_text(job: NightJob) -> str:
    """The service: one run, hardened, writing nothing but the data path and the location."""
    lines = _service_head(job, "Make the backup of Kino that is due", "oneshot")
    # It wakes often and mostly finds nothing to do: only what it says itself goes into the journal.
    lines += ["KillMode=mixed", "SyslogLevel=notice", "LogLevelMax=notice"]
    return _text([*lines, "", *_hardening(job)])


def api_service_text(job: NightJob) -> str:
    """The service of the HTTP API: hardened in the same way, started by its socket."""
    lines = _service_head(job, "Backups of Kino over HTTP", "exec", needed=(f"{job.name}.socket",))
    # A restore that it has begun outlives it. 143: SIGTERM came before it could end by itself.
    return _text([*lines, "KillMode=process", "SuccessExitStatus=143", "", *_hardening(job)])


def socket_text(job: NightJob, port: int) -> str:
    """The socket of the HTTP API, which nobody but this host can reach."""
    lines = [*_head(job), "", "[Unit]", f"Description=Backups of Kino over HTTP ({_shown(job)})"]
    lines += ["", "[Socket]", f"{_LISTEN}{port}"]
    return _text([*lines, "", "[Install]", "WantedBy=sockets.target"])


def read_port(text: str) -> int | None:
    """The port in the text of such a socket; None if there is none."""
    found = re.search(f"^{re.escape(_LISTEN)}([0-9]{{1,5}})$", text, re.MULTILINE)
    return int(found[1]) if found else None


def timer_text(job: NightJob) -> str:
    """The timer; a wake-up that the host sleeps through is made up at once when it wakes."""
    start = "OnStartupSec" if job.user else "OnBootSec"
    lines = [*_head(job), "", "[Unit]", f"Description=See whether a backup of Kino is due ({_shown(job)})"]
    lines += ["", "[Timer]", f"OnCalendar=*:0/{MINUTES}", f"{start}=2min", "AccuracySec=30s"]
    return _text([*lines, "", "[Install]", "WantedBy=timers.target"])


def read_written(text: str) -> Written | None:
    """What a file of ours says of itself; None if it is not ours."""
    found = {}
    for line in text.split("\n")[:8]:
        for start in (_DATA_PATH, _LOCATION):
            if line.startswith(start):
                try:
                    found[start] = json.loads(line.removeprefix(start))
                except ValueError:
                    return None
    paths = [Path(value) for value in found.values() if isinstance(value, str)]
    return Written(*paths) if text.startswith(_MARK) and len(paths) == 2 else None


def account_name(owner: Owner) -> str:
    """The name of a user, else the number."""
    name = name_of_user(owner.uid)
    return name if _NAME.fullmatch(name) else str(owner.uid)


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _service_head(job: NightJob, what: str, kind: str, needed: tuple[str, ...] = ()) -> list[str]:
    lines = [*_head(job), "", "[Unit]", f"Description={what} ({_shown(job)})"]
    lines += [f"RequiresMountsFor={quoted_path(job.kino.data_path)}", *_mounts(job)]
    lines += [f"Requires={unit}" for unit in needed]
    lines += ["", "[Service]", f"Type={kind}", f"ExecStart={quoted_command(job.command)}"]
    lines += _configuration(job)
    return [*lines, "UMask=0077", "Nice=19", "IOSchedulingClass=idle", f"SyslogIdentifier={BASE_NAME}"]


def _hardening(job: NightJob) -> Iterator[str]:
    yield from _SECURITY.splitlines()
    if not job.user:
        # A user's own manager has not the right to any of this without namespaces of users, which not every
        # kernel lets it make; and it is a user who may write nothing else anyway.
        yield from (*_KERNEL.splitlines(), *_as_owner(job.owner), *_files(job))


def _head(job: NightJob) -> list[str]:
    unit = f"systemctl {'--user ' * job.user}edit {job.name}"
    return [
        f"{_MARK} `{BASE_NAME} uninstall-service` removes it.",
        f"# Changes in here are lost at the next install-service; make them with `{unit}`.",
        f"{_DATA_PATH}{json.dumps(str(job.kino.data_path))}",
        f"{_LOCATION}{json.dumps(str(job.location))}",
    ]


def _shown(job: NightJob) -> str:
    return str(job.kino.data_path).replace("%", "%%")


def _mounts(job: NightJob) -> Iterator[str]:
    """Have the disk of the location mounted first if it can be.

    Not required: where it cannot, somebody has to run and report it.
    """
    if job.location not in job.written:
        return
    units = " ".join(mount_units(job.location))
    yield f"Wants={units}"
    yield f"After={units}"


def _configuration(job: NightJob) -> list[str]:
    """The file that names the webhook may be root's alone; one that is not there is an empty one."""
    environment = job.environment
    lines = []
    if job.handed_over and job.config_file:
        path = str(job.config_file).replace("%", "%%")
        lines = [f"LoadCredential={_CREDENTIAL}:{path}", f"SetCredential={_CREDENTIAL}:#"]
        # Not by its specifier, which is newer than credentials are.
        environment = {CONFIG_VARIABLE: f"/run/credentials/{job.name}.service/{_CREDENTIAL}"}
    return lines + [f"Environment={quoted(f'{name}={value}')}" for name, value in environment.items()]


def _as_owner(owner: Owner) -> Iterator[str]:
    if owner.uid == 0:
        # The database is root's. Its location need not be, and root by hand could write there, too.
        yield "CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER"
        return
    yield f"User={account_name(owner)}"
    yield f"Group={_group_name(owner)}"
    yield "CapabilityBoundingSet="


def _group_name(owner: Owner) -> str:
    try:
        name = grp.getgrgid(owner.gid).gr_name
    except KeyError:
        return str(owner.gid)
    return name if _NAME.fullmatch(name) else str(owner.gid)


def _files(job: NightJob) -> Iterator[str]:
    needed = (*job.written, *job.read)
    yield "ProtectSystem=strict"
    yield f"ProtectHome={'read-only' if _any_below(needed, _HOMES) else 'yes'}"
    yield f"PrivateTmp={'no' if _any_below(needed, _TEMPORARY) else 'yes'}"
    # A location that is not there is told by the program, in words; systemd would only not start it.
    yield f"ReadWritePaths={' '.join(quoted_path(path, '-') for path in job.written)}"


def _any_below(paths: Iterable[Path], folders: Iterable[str]) -> bool:
    both = [path for given in paths for path in (given, Path(os.path.realpath(given)))]
    return any(path.is_relative_to(folder) for path in both for folder in folders)
