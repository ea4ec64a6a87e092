"""Connections before a request has come: how many, for how long, and what is said to what is no HTTP."""

from __future__ import annotations

import asyncio
import logging
import resource
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from kino_backup_tui.api.errors import error_response
from kino_backup_tui.api.guard import ALWAYS

logger = logging.getLogger("kino_backup_tui.api")

REQUEST_SECONDS = 30.0
"""How long a connection may be without a request that is being answered."""
_MOST_CONNECTIONS = 256
_BACKLOG = 128


def server_config(app: ASGIApp) -> uvicorn.Config:
    """How uvicorn serves an application with these limits; it logs no requests."""
    return uvicorn.Config(
        app,
        loop="asyncio",
        http=Protocol,
        ws="none",
        lifespan="off",
        # As many are taken in one go. If descriptors run out then, asyncio complains once for each.
        backlog=min(_BACKLOG, _most_connections()),
        log_config=None,
        access_log=False,
        server_header=False,
        # Whom a proxy names is not known better than who has connected.
        proxy_headers=False,
    )


class Protocol(H11Protocol):
    """That of uvicorn, which has no limit for those who show no key, and refuses in a form of its own."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, unless there are too many."""
        super().connection_made(transport)
        if len(self.connections) > _most_connections():
            logger.warning("%d connections are open: one more was refused.", len(self.connections) - 1)
            transport.abort()
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self._cancel_deadline()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Go on to the next request."""
        super().on_response_complete()
        self._await_request()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP and end the connection; an answer that has begun is cut off."""
        if self._is_answering():
            # Its endpoint may go on; what it says is for nobody any more.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            refusal = error_response(400, "This is no HTTP request.", {**ALWAYS, "Connection": "close"})
            headers = [*self.server_state.default_headers, *refusal.raw_headers]
            response = h11.Response(status_code=400, reason=b"Bad Request", headers=headers)
            for event in (response, h11.Data(data=bytes(refusal.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _should_upgrade(self) -> bool:
        """There is nothing to upgrade to: whoever offers it is answered as if not (RFC 9110, 7.8)."""
        return False

    def _is_answering(self) -> bool:
        cycle: Any = self.cycle  # None before the first request, whatever its type says
        return cycle is not None and not cycle.response_complete

    def _await_request(self) -> None:
        self._cancel_deadline()
        self._deadline = self.loop.call_later(REQUEST_SECONDS, self._end_unless_answering)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()

    def _end_unless_answering(self) -> None:
        if not self._is_answering():
            self.transport.close()


def _most_connections() -> int:
    """Most of the descriptors of this process are for files."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(_MOST_CONNECTIONS, soft // 4)
