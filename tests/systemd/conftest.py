"""A real systemd, for what only systemd itself can answer."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

SYSTEMD = Path("/lib/systemd/systemd")
BOOT = Path(__file__).with_name("boot.sh")


@pytest.fixture
def under_systemd(tmp_path: Path) -> Callable[[str], str]:
    """Run a shell script with systemd as PID 1 and return what it printed."""
    if os.geteuid() != 0 or not SYSTEMD.exists() or shutil.which("dbus-daemon") is None:
        pytest.skip("needs root, systemd and dbus")

    def run(script: str) -> str:
        job = tmp_path / "job.sh"
        job.write_text(script)
        booted = subprocess.run([BOOT, tmp_path, job], capture_output=True, text=True, check=False)
        log, code = tmp_path / "job.log", tmp_path / "rc"
        if not log.exists():
            pytest.skip(f"systemd cannot be started here: {booted.stderr[-300:] or booted.stdout[-300:]}")
        printed = log.read_text()
        # A script that hangs without a word is no reason to skip: systemd has been started then.
        assert code.exists(), f"it did not come to its end in time: {printed}"
        assert code.read_text().strip() == "0", printed
        return printed

    return run
