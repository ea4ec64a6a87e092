"""Starting a process that outlives the one that starts it: the terminal may close, the work goes on.

Where systemd runs, as a transient unit (systemd-run(1)), since logind may end a whole session with its
terminal (logind.conf(5), KillUserProcesses=); elsewhere in a session of its own (setsid(2)).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import kino_backup_tui

_SYSTEMD_RUNS = Path("/run/systemd/system")
_START_SECONDS = 20.0
_PASSED_ON = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "PYTHONPATH")
_PASSED_ON_PREFIXES = ("KINO_", "XDG_", "LC_")
_PACKAGE_PARENT = Path(kino_backup_tui.__file__).parents[1]


def start_detached(module: str, arguments: Sequence[str], name: str) -> subprocess.Popen[bytes] | None:
    """Run `python -m module arguments` on its own; `name` is the transient unit's.

    Returns the process where it is a child of this one, for the caller to see it end. Raises `OSError`.
    """
    command = [sys.executable, "-m", module, *arguments]
    if _start_unit(command, name, os.environ):
        return None
    return subprocess.Popen(
        command,
        cwd=_PACKAGE_PARENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _start_unit(command: Sequence[str], name: str, environ: Mapping[str, str]) -> bool:
    runner = shutil.which("systemd-run", path=environ.get("PATH"))
    if runner is None or not _SYSTEMD_RUNS.is_dir():
        return False
    scope = [] if os.geteuid() == 0 else ["--user"]
    settings = [
        f"--setenv={variable}={value}"
        for variable, value in environ.items()
        if variable in _PASSED_ON or variable.startswith(_PASSED_ON_PREFIXES)
    ]
    try:
        started = subprocess.run(
            [
                *(runner, *scope, "--quiet", "--collect", f"--unit={name}"),
                *("--description=Restore of Kino", f"--working-directory={_PACKAGE_PARENT}"),
                # Stopping the unit asks the worker to stop; it must not be killed between two renames.
                *("--property=KillMode=process", "--property=TimeoutStopSec=infinity"),
                *settings,
                "--",
                *command,
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_START_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return started.returncode == 0
