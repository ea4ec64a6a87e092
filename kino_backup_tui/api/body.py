"""The body of a request, for no longer than its client goes on sending it."""

from __future__ import annotations

import asyncio
import time

from fastapi import Request

from kino_backup_tui.api.errors import ApiError
from kino_backup_tui.api.service import Service
from kino_backup_tui.core.errors import OperationCancelledError

IDLE_SECONDS = 60.0
"""How long a client may pause in the middle before the request is given up."""
_POLL_SECONDS = 0.25


class Body:
    """Gives the pieces as they come."""

    def __init__(self, request: Request, service: Service) -> None:
        self._pieces = request.stream()
        self._work = service.work

    async def next_piece(self) -> bytes:
        """The next bytes; none at the end.

        Raises `ApiError` 408 when nothing comes for too long, `OperationCancelledError` when this server is
        about to end: nobody knows when the rest would come. `ClientDisconnect` if the client has gone.
        """
        coming = asyncio.ensure_future(anext(self._pieces))
        given_up_at = time.monotonic() + IDLE_SECONDS
        try:
            while not coming.done():
                await asyncio.wait({coming}, timeout=_POLL_SECONDS)
                if self._work.stopping:
                    raise OperationCancelledError("This server is being stopped; what came is not kept.")
                if not coming.done() and time.monotonic() >= given_up_at:
                    raise ApiError(408, f"Nothing came for {IDLE_SECONDS:.0f} seconds.")
            return await coming
        finally:
            coming.cancel()
