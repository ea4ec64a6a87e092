"""A client that waits for its answer, and may go away before it has one."""

from __future__ import annotations

from enum import Enum

from starlette.types import Receive

from kino_backup_tui.core.progress import CancelToken, JobEvent


class Leaving(Enum):
    """What it means for an operation that its client goes away."""

    CANCELS = "cancels"
    """Nothing is to be begun for somebody who will not learn of it."""
    CANCELS_A_WAIT = "cancels a wait"
    """It is not begun any more; what has begun is done."""
    NOTHING = "nothing"
    """Nobody looks: what the client sends has still to be read, and is no more to be read by this."""


async def until_gone(receive: Receive) -> None:
    """Return when a client has gone: servers say so only to those who ask."""
    while (await receive())["type"] != "http.disconnect":
        pass


class Visit:
    """One request, seen by the server's loop and by the thread that works for it."""

    def __init__(self, leaving: Leaving) -> None:
        self.cancel = CancelToken()
        self.gone = False
        """Whether the client has been seen to go."""
        self._leaving = leaving
        self._begun = False

    def note(self, event: JobEvent) -> None:
        """Take what the operation reports."""
        self._begun = self._begun or event.event == "start"

    async def watch(self, receive: Receive) -> None:
        """Wait for the client to go, and cancel what is to be cancelled then."""
        if self._leaving is Leaving.NOTHING:
            return
        await until_gone(receive)
        self.gone = True
        if self._leaving is Leaving.CANCELS or not self._begun:
            self.cancel.cancel()
