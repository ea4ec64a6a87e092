"""Scripts for a machine with a Kino that systemd runs, as its packages set it up."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
_INTERPRETER = (Path(sys.executable), Path(os.path.realpath(sys.executable)), Path(sys.base_prefix), ROOT)
ON_THE_WAY = sorted({folder for path in _INTERPRETER for folder in path.parents})
"""Folders that another user must be able to pass to reach the interpreter and this package."""
_OPEN = " ".join(f"'{folder}'" for folder in ON_THE_WAY)

PREPARE = f"""
cd '{ROOT}'
# Another user must reach the interpreter; this machine's files are thrown away.
chmod o+x {_OPEN}
'{sys.executable}' -m kino_backup_tui demo '/srv/my kino' > /dev/null 2>&1
chown -R daemon: '/srv/my kino'
unit() {{
  cat > "$1" <<UNIT
[Unit]
# However slow this machine is, the fifth start in a row is one too many.
StartLimitIntervalSec=1h
[Service]
$3
WorkingDirectory={ROOT}
ExecStart='{sys.executable}' -m kino_backup_tui.demo.server --data-path '$2'
Restart=on-failure
RestartSec=100ms
SuccessExitStatus=75
UNIT
}}
sandboxed='User=daemon
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths="/srv/my kino"
Environment="KINO_DATA_PATH=/srv/my kino"'
unit /etc/systemd/system/kino.service '/srv/my kino' "$sandboxed"
systemctl daemon-reload
"""

_PREAMBLE = """
import os, signal, subprocess, sys, time
from pathlib import Path
from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.kino.closed import require_closed
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.running import observe
from kino_backup_tui.core.progress import CancelToken
from kino_backup_tui.core.restore.health import wait_until_healthy
from kino_backup_tui.core.supervisors.detect import find_supervisor

kino = Kino(Path("/srv/my kino"))
found = find_supervisor(kino, os.environ)
drop_in = Path("/etc/systemd/system/kino.service.d/zz-kino-backup-tui.conf")

def systemctl(*words):
    return subprocess.run(["systemctl", *words], capture_output=True, text=True, check=False).stdout.strip()

def until(condition):
    for _ in range(400):
        if condition():
            return
        time.sleep(0.05)
    raise SystemExit(f"still {found.state()}")

def healthy():
    return wait_until_healthy(
        kino,
        found,
        seconds=60,
        expect_http=True,
        cancel=CancelToken(),
        is_set_up=False,
        note=lambda _text: None,
    )
"""


def python(program: str) -> str:
    """The line of a script that runs a Python program there, with what it needs to judge this Kino."""
    return f"'{sys.executable}' - <<'PROGRAM'\n{_PREAMBLE}\n{program}\nPROGRAM\n"


def in_machine(program: str) -> str:
    """The script that runs a Python program in the machine with all of `tests.systemd.inside`."""
    begin = "from tests.systemd.inside import *"
    return f"cd '{ROOT}'\n'{sys.executable}' - <<'PROGRAM'\n{begin}\n{program}\nPROGRAM\n"
