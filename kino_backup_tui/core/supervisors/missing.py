"""What stands for a configured supervisor that nobody can tell of, so that no other one is taken instead."""

from __future__ import annotations

from collections.abc import Sequence

from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.supervisors.base import ServiceState


class MissingContainer:
    """Stands for a configured container that nobody can tell of: all it says is why."""

    controls = True

    def __init__(self, name: str, why: KinoBackupError) -> None:
        self.name = f"container {name}"
        self._why = why

    def problem(self) -> KinoBackupError | None:
        """Why nothing can be done with it."""
        return self._why

    def state(self) -> ServiceState:
        """Not known."""
        return ServiceState(False, "not known", settled=False)

    def stop(self) -> None:
        """Raise why."""
        raise self._why

    def start(self) -> None:
        """Raise why."""
        raise self._why

    def logs(self, lines: int) -> list[str]:
        """None can be had."""
        return []

    def close_gate(self, gate: Sequence[str]) -> None:
        """Raise why."""
        raise self._why

    def open_gate(self) -> None:
        """Raise why: nothing may be forgotten that cannot be undone."""
        raise self._why
