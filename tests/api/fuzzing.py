"""Requests that schemathesis makes up from /openapi.json, against the real server on the sample Kino.

`python -m tests.api.fuzzing 300` makes up to 300 for each endpoint in each of its phases, and prints how many
that were in all and what was wrong; a seed may follow.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from kino_backup_tui.core.clock import SystemClock
from kino_backup_tui.core.jobs.lock import current_holder
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.workspace import workspace_of
from kino_backup_tui.demo.sample import write_sample
from tests.api.process import Server, server, until
from tests.cli.harness import Cli, clean_environ

PROGRAM = Path(sys.executable).with_name("schemathesis")
CONFIG = Path(__file__).with_name("schemathesis.toml")
_GENERATED = re.compile(r"^ +([0-9,]+) generated", re.MULTILINE)


class Fuzzed(NamedTuple):
    """How a run ended."""

    passed: bool
    cases: int
    report: str


def fuzz(running: Server, folder: Path, examples: int, seed: int = 1) -> Fuzzed:
    """Make up requests, with every check that there is; `folder` is where the program may write."""
    done = subprocess.run(
        [
            *(PROGRAM, "--config-file", CONFIG, "run", f"{running.url}/openapi.json", "--no-color"),
            *("--header", f"X-Api-Key: {running.key}", "--checks", "all", "--max-examples", str(examples)),
            *("--seed", str(seed), "--generation-database", "none", "--request-timeout", "120"),
            # How quick it is depends on what else this machine does.
            *("--max-response-time", "120"),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=clean_environ(),
    )
    report = done.stdout + done.stderr
    cases = _GENERATED.search(report)
    return Fuzzed(done.returncode == 0, int(cases[1].replace(",", "")) if cases else 0, report)


def main() -> int:
    """Run for as long as it was asked for."""
    examples = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kino = Cli(folder / "kino")
        write_sample(kino.data_path, SystemClock())
        with server(kino) as running:
            fuzzed = fuzz(running, folder, examples, seed)
            alive = running.process.poll() is None
        sys.stdout.write(
            f"{fuzzed.report}\n{fuzzed.cases} cases, the server {'goes on' if alive else 'has died'}\n"
        )
        # The worker of a restore goes on without the server, and still writes into the folder.
        until(lambda: current_holder(workspace_of(Kino(kino.data_path))) is None)
    return 0 if fuzzed.passed and alive else 1


if __name__ == "__main__":
    sys.exit(main())
