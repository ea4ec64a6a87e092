"""Whether what was installed works for the user it shall run as: better seen now than missed at night."""

from __future__ import annotations

import http.client
import os
import pwd
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from kino_backup_tui.core.errors import NotPermittedError, ServiceError
from kino_backup_tui.core.kino.command import full_command
from kino_backup_tui.core.kino.systemctl import Manager
from kino_backup_tui.core.timers.base import NightJob
from kino_backup_tui.core.timers.units import account_name

_START_SECONDS = 60.0
_WATCHED_SECONDS = 20.0
_POLL_SECONDS = 0.2
_SHOWN = ("ActiveState", "Job", "Result", "ExecMainCode", "ExecMainStatus")
_LINES = 20
_EXITED = "1"
_FIRST_OWN, _LAST_OWN = 200, 245
"""Exit codes by which systemd says that it could not even start the program, see systemd.exec(5)."""
_REASONS = {
    203: "the program could not be executed",
    216: "the group could not be set",
    217: "the user could not be set",
    218: "the capabilities could not be set",
    226: "the sandbox could not be set up",
    243: "the configuration could not be handed over",
    228: "the filter of system calls could not be set up",
}


class Outcome(NamedTuple):
    """What is to be told of the first run."""

    done: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def require_runnable(job: NightJob) -> None:
    """Have the user of the job start this program; raises `NotPermittedError` if that does not work."""
    try:
        done = _as_owner(job, [*job.command[:3], "--version"])
        reason = done.stderr.decode(errors="replace").strip().rpartition("\n")[2].rstrip(".")
        works = done.returncode == 0
    except (OSError, subprocess.SubprocessError) as error:
        reason, works = str(error), False
    if not works:
        raise NotPermittedError(
            f"{account_name(job.owner)}, who owns Kino's database and has to make its backups, cannot run "
            f"this program, {sys.executable}: {reason or 'no reason given'}.",
            hint="Install it where all users can read it, such as /opt/kino-backup-tui.",
        )


def can_hand_over(manager: Manager, job: NightJob) -> bool:
    """Whether this systemd can hand a file to a service of that user: 247 can, but not in every container."""
    unit = f"{job.name}-probe-{os.getpid()}"
    settings = ("-p", f"User={job.owner.uid}", "-p", "SetCredential=probe:#")
    asked = ("test", "-r", f"/run/credentials/{unit}.service/probe")
    options = ("--quiet", "--wait", "--collect", f"--unit={unit}", *settings, "--", *asked)
    try:
        return manager.run("systemd-run", *options, seconds=_START_SECONDS).code == 0
    except ServiceError:
        return False


def is_readable(file: Path, job: NightJob) -> bool:
    """Whether the user of the job can read a file that may have been meant for root; so is a missing one."""
    return not file.exists() or _as_owner(job, ["test", "-r", str(file)]).returncode == 0


def first_run(manager: Manager, service: str, job: NightJob) -> Outcome:
    """Start the service once, and watch it for some seconds; raises `ServiceError` if systemd cannot.

    Whatever is due is made; a backup that takes longer goes on by itself.
    """
    answer = manager.systemctl("start", "--no-block", "--", service, seconds=_START_SECONDS)
    if answer.code != 0:
        raise ServiceError(f"{service} cannot be started: {answer.reason or 'systemd gave no reason'}.")
    deadline = time.monotonic() + _WATCHED_SECONDS
    while _is_running(shown := manager.show(service, *_SHOWN)):
        if time.monotonic() > deadline:
            return Outcome(done=(f"{service} is making the backup that is due now.",))
        time.sleep(_POLL_SECONDS)
    if shown.get("Result") == "success":
        return Outcome(done=(f"Started {service} once: it works.",))
    code = _own_code(shown)
    if code is not None:
        asked, said = _log_command(service, job), _last_error(manager, service)
        return Outcome(warnings=(f"Its first run ended with exit code {code}{said}; see `{asked}`.",))
    raise ServiceError(
        f"systemd cannot run {service} as {account_name(job.owner)}: {_refusal(shown)}.",
        hint="Nothing was changed. Have the schedule run by cron or by hand: "
        + full_command(job.kino, "run-due"),
    )


def first_answer(manager: Manager, service: str, job: NightJob, port: int) -> Outcome:
    """Ask at the socket of a service, which starts it; raises `ServiceError` if it does not answer.

    Without the key there is one answer: that it is missing.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_START_SECONDS)
    try:
        connection.request("GET", "/api/v1/backups")
        answers = connection.getresponse().status == http.client.UNAUTHORIZED
    except (OSError, http.client.HTTPException):
        answers = False
    finally:
        connection.close()
    if answers:
        return Outcome(done=(f"{service} answers at http://127.0.0.1:{port}: it works.",))
    shown = manager.show(service, *_SHOWN)
    code = _own_code(shown)
    reason = _refusal(shown) if code is None else f"exit code {code}{_last_error(manager, service)}"
    raise ServiceError(
        f"{service} does not answer at http://127.0.0.1:{port}: {reason}.",
        hint=f"`{_log_command(service, job)}` may say more.",
    )


def _own_code(shown: Mapping[str, str]) -> int | None:
    """The exit code of our program; None if it did not even start, or did not end by itself."""
    status = shown.get("ExecMainStatus", "")
    if shown.get("ExecMainCode") != _EXITED or not status.isdecimal():
        return None
    return None if _FIRST_OWN <= int(status) <= _LAST_OWN else int(status)


def _refusal(shown: Mapping[str, str]) -> str:
    """Why systemd could not start it."""
    status = shown.get("ExecMainStatus", "")
    if shown.get("ExecMainCode") == _EXITED and status.isdecimal():
        return _REASONS.get(int(status), f"exit code {status}")
    return shown.get("Result", "no reason given")


def _log_command(service: str, job: NightJob) -> str:
    return f"journalctl {'--user ' * job.user}-u {service}"


def _last_error(manager: Manager, service: str) -> str:
    """What it said was wrong, from the journal; empty without one."""
    asked = (f"--unit={service}", "--no-pager", "--quiet", "--output=cat", f"--lines={_LINES}")
    try:
        lines = manager.run("journalctl", *asked, seconds=_START_SECONDS).output.splitlines()
    except ServiceError:
        return ""
    found = [line.removeprefix("error: ").rstrip(".") for line in lines if line.startswith("error: ")]
    return f": {found[-1]}" if found else ""


def _as_owner(job: NightJob, command: list[str]) -> subprocess.CompletedProcess[bytes]:
    switched = os.geteuid() == 0 and job.owner.uid != 0
    return subprocess.run(
        command,
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_START_SECONDS,
        check=False,
        user=job.owner.uid if switched else None,
        group=job.owner.gid if switched else None,
        extra_groups=_groups(job) if switched else None,
    )


def _is_running(shown: dict[str, str]) -> bool:
    return shown.get("ActiveState") not in ("inactive", "failed") or shown.get("Job", "0") not in ("", "0")


def _groups(job: NightJob) -> list[int]:
    try:
        return os.getgrouplist(pwd.getpwuid(job.owner.uid).pw_name, job.owner.gid)
    except KeyError:
        return []
