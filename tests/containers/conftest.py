"""A real Podman, for what only an engine of containers can answer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MACHINE = Path(__file__).with_name("machine.sh")
_FOLDERS = sorted({"/usr", "/lib", "/lib64", "/etc/ssl", str(ROOT), sys.prefix, sys.base_prefix})
SEEN = " ".join(f"--volume '{folder}:{folder}:ro'" for folder in _FOLDERS if Path(folder).exists())

LIMITS = "--cgroups=disabled --ulimit nofile=1024:1024 --ulimit nproc=1024:1024"
# Limits as they are and no control groups: a machine in a sandbox may set neither.
_PROBE = f"""
podman run --rm --network=none {LIMITS} {SEEN} --rootfs /mnt/fs /usr/bin/true || exit 77
"""
_PREPARE = f"""
'{sys.executable}' -m kino_backup_tui demo '/mnt/my kino' > /dev/null 2>&1
# What the image of Kino says of itself, with the interpreter of this machine for its program.
kino() {{
  name=$1; shift
  podman create --name "$name" --network=host {LIMITS} --stop-signal SIGINT --workdir '{ROOT}' \\
    {SEEN} --env KINO_DATA_PATH=/data --env PYTHONDONTWRITEBYTECODE=1 \\
    --volume "${{DATA:-/mnt/my kino}}:/data" "$@" \\
    --rootfs /mnt/fs '{sys.executable}' -m kino_backup_tui.demo.server --data-path /data > /dev/null
}}
cd '{ROOT}'
"""

_PREAMBLE = """
import json, os, signal, subprocess, sys, time
from pathlib import Path
from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.kino.closed import require_closed
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.running import database_holders, observe
from kino_backup_tui.core.supervisors.detect import find_supervisor

kino = Kino(Path("/mnt/my kino"))

def podman(*words):
    return subprocess.run(["podman", *words], capture_output=True, text=True, check=False).stdout.strip()

def until(condition):
    for _ in range(400):
        if condition():
            return
        time.sleep(0.05)
    raise SystemExit(f"still {find_supervisor(kino, os.environ).state()}")
"""


def python(program: str) -> str:
    """The line of a script that runs a Python program there, with what it needs to look at this Kino."""
    return f"'{sys.executable}' - <<'PROGRAM'\n{_PREAMBLE}\n{program}\nPROGRAM\n"


@pytest.fixture
def with_podman(tmp_path: Path) -> Callable[[str], str]:
    """Run a shell script that can create containers of a sample Kino, and return what it printed."""
    missing = [name for name in ("podman", "crun", "unshare") if shutil.which(name) is None]
    if os.geteuid() != 0 or missing:
        pytest.skip(f"needs root and {', '.join(missing) or 'nothing else'}")

    def run(script: str) -> str:
        job = tmp_path / "job.sh"
        job.write_text(_PROBE + _PREPARE + script)
        started = subprocess.run([MACHINE, tmp_path, job], capture_output=True, text=True, check=False)
        log, code = tmp_path / "job.log", tmp_path / "rc"
        printed = log.read_text() if log.exists() else ""
        if not code.exists() or code.read_text().strip() == "77":
            pytest.skip(f"no container runs here: {(started.stderr + printed)[-300:]}")
        assert code.read_text().strip() == "0", printed
        return printed

    return run
