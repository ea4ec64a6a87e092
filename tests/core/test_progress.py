"""Asking an operation to stop."""

from __future__ import annotations

import subprocess
import sys

IMPATIENT = """
import signal
from kino_backup_tui.core.progress import CancelToken

token = CancelToken()
signal.signal(signal.SIGALRM, lambda *_: token.cancel())
signal.setitimer(signal.ITIMER_REAL, 1e-3, 1e-3)
for _ in range(500_000):
    token.cancel()
signal.setitimer(signal.ITIMER_REAL, 0)
print(token.cancelled)
"""


def test_a_signal_may_interrupt_the_handler_of_the_one_before() -> None:
    """Ctrl-C pressed again and again never hangs the program that is already stopping."""
    done = subprocess.run(
        [sys.executable, "-c", IMPATIENT], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")
