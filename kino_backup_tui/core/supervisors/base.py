"""What a restore asks of whoever starts and stops Kino."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.kino.home import Kino


class ServiceState(NamedTuple):
    """How a supervised Kino is, at one moment."""

    active: bool
    """Whether it runs, or is being started."""
    text: str
    """For people, such as "failed, restarted 14 times"."""
    settled: bool = True
    """False while the supervisor is still starting, stopping or about to restart it."""
    pid: int | None = None
    """The main process."""
    restarts: int = 0
    """How often the supervisor has restarted it by itself."""
    ended: str = ""
    """How its last process ended, such as "exit code 1", while there is none; empty if that is not known."""


class Supervisor(Protocol):
    """Starts and stops the Kino of one data path, and no other.

    Each method may take seconds. What a supervisor cannot do raises `ServiceError`, or
    `NotPermittedError` where another user could.
    """

    @property
    def name(self) -> str:
        """What an admin calls it: "kino.service"; "Kino" where nobody supervises it."""
        ...

    @property
    def controls(self) -> bool:
        """Whether it can start and stop Kino; if not, a person does, and a restore waits for them."""
        ...

    def problem(self) -> KinoBackupError | None:
        """Why this user cannot have it stop, hold and start Kino now; None if they can."""
        ...

    def state(self) -> ServiceState:
        """How Kino is now."""
        ...

    def stop(self) -> None:
        """Stop Kino and wait until the supervisor says that it is stopped."""
        ...

    def start(self) -> None:
        """Start Kino; returns once the supervisor has taken the order, not when Kino is healthy."""
        ...

    def logs(self, lines: int) -> list[str]:
        """The last lines Kino has said, oldest first; empty where nobody keeps them."""
        ...

    def close_gate(self, gate: Sequence[str]) -> None:
        """Have the command `gate` decide at each start of Kino, by whomever; survives a reboot.

        The command exits with 0 to let Kino start, with 20 to keep it stopped.
        """
        ...

    def open_gate(self) -> None:
        """Take the gate away again; nothing happens if there is none."""
        ...


def gate_command(kino: Kino) -> tuple[str, ...]:
    """What has to allow each start of Kino until the restore is over."""
    return (
        sys.executable,
        "-m",
        "kino_backup_tui",
        "--data-path",
        str(kino.data_path),
        "--layout",
        kino.layout.name,
        "apply",
        "--gate",
    )
