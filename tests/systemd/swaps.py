"""Many restores of a Kino that everything tries to start: `python -m tests.systemd.swaps [SWAPS]`.

systemd restarts it as soon as it ends, a timer starts it, somebody orders `systemctl start` all the time, and
in every second restore it ends by itself after a second, so that the restore is undone: one swap more. Each
rename is slowed down, as on a busy disk. After each restore Kino is stopped and its state is looked at.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.systemd import inside
from tests.systemd.machine import ROOT

RENAME_SECONDS = 0.05
_SECONDS_A_SWAP = 15
_TIMER = "[Timer]\nOnActiveSec=0\nOnUnitInactiveSec=100ms\nOnUnitActiveSec=300ms\nAccuracySec=1ms\n"
_OTHERS = "while :; do systemctl start kino.service; sleep 0.05; done"


def main(swaps: int) -> None:
    """In the machine: restore until there were so many swaps, then print what came of it."""
    archive = inside.furnish({"Restart": "always", "RestartSec": "100ms"})
    (inside.UNITS / "kino.timer").write_text(_TIMER)
    slow = inside.slow_renames(RENAME_SECONDS)
    found: Counter[str] = Counter()
    done = 0
    while done < swaps:
        restless = sum(found.values()) % 2 == 0
        inside.set_state(inside.KINO, inside.LIVE)
        _settle_in(restless=restless)
        with subprocess.Popen(["sh", "-c", _OTHERS], stderr=subprocess.DEVNULL) as others:
            inside.systemctl("start", "kino.timer")
            patience = ["--health-timeout", "1"] if restless else []
            code, result = inside.cli("restore", str(archive), "--yes", *patience, environ=slow)
            inside.systemctl("stop", "kino.timer")
            others.kill()
        inside.systemctl("stop", "--job-mode=replace-irreversibly", "kino.service")
        inside.until(lambda: inside.shown("ActiveState") in ("inactive", "failed"), "the stop")
        outcome = str(result.get("outcome", result))
        done += {"ok": 1, "rolled_back": 2}.get(outcome, 0)
        found[f"{code} {outcome}, {inside.state()}, left nothing: {inside.nothing_left()}"] += 1
        if outcome not in ("ok", "rolled_back"):
            break
    refused = sum("Kino stays stopped" in line for line in inside.log_of("kino.service"))
    lines = [f"{number} times {what}" for what, number in sorted(found.items())]
    sys.stdout.write("\n".join([f"{done} swaps", *lines, f"starts refused: {refused}", ""]))


def _settle_in(*, restless: bool) -> None:
    """Start Kino; with or without ending by itself each second."""
    folder = Path("/run/systemd/system/kino.service.d")
    folder.mkdir(parents=True, exist_ok=True)
    limit = "RuntimeMaxSec=1\n" if restless else ""
    (folder / "restless.conf").write_text(f"[Unit]\nStartLimitIntervalSec=0\n[Service]\n{limit}")
    inside.systemctl("daemon-reload")
    inside.start()


def boot(swaps: int) -> str:
    """From outside: boot a machine for it; what it has printed."""
    with tempfile.TemporaryDirectory(prefix="kino-swaps-") as folder:
        job = Path(folder) / "job.sh"
        job.write_text(f"cd '{ROOT}'\n'{sys.executable}' -m tests.systemd.swaps --inside {swaps}\n")
        environ = {**os.environ, "BOOT_SECONDS": str(60 + swaps * _SECONDS_A_SWAP)}
        subprocess.run(
            [Path(__file__).with_name("boot.sh"), folder, job], check=False, env=environ, capture_output=True
        )
        return (Path(folder) / "job.log").read_text()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        main(int(sys.argv[2]))
    else:
        sys.stdout.write(boot(int(sys.argv[1]) if sys.argv[1:] else 240))
