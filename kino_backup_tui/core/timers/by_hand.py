"""The way where this program cannot install a timer: a line for cron(8), a command for Windows."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence

from kino_backup_tui.core.timers.base import BASE_NAME, MINUTES


def cron_line(command: Sequence[str]) -> str:
    """A line for `crontab -e` of the user it shall run as; to crontab(5) a percent sign is a line break."""
    return f"*/{MINUTES} * * * * {shlex.join(command)}".replace("%", "\\%")


def schtasks_command(command: Sequence[str]) -> str:
    """The command that has the Task Scheduler of Windows wake it as often."""
    run = subprocess.list2cmdline(command).replace('"', '\\"')
    return f'schtasks /Create /TN {BASE_NAME} /SC MINUTE /MO {MINUTES} /RU SYSTEM /TR "{run}"'
