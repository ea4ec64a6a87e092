"""What stands before every endpoint: limits, the key, the log, and a last answer for a bug."""

from __future__ import annotations

import contextlib
import logging
import re
import time
from collections.abc import Callable

from anyio import fail_after
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kino_backup_tui.api.auth import CHALLENGE, is_authorized
from kino_backup_tui.api.errors import error_response
from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.presentation.text import printable

logger = logging.getLogger("kino_backup_tui.api")

MAX_PATH_BYTES = 4096
MAX_HEADER_BYTES = 32 * 1024
LINGER_SECONDS = 10.0
"""How long what comes after an answer is received for nothing."""
_SILENCE_SECONDS = 1.0
ALWAYS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""Headers of every response."""


class Guard:
    """An ASGI application around another one; `key` reads the key, or raises `KinoBackupError`."""

    def __init__(self, app: ASGIApp, key: Callable[[], str]) -> None:
        self._app = app
        self._key = key
        self._problem = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await _Exchange(scope, receive, send).run(self._inner(scope))
        else:
            await send({"type": "websocket.close", "code": 1008})

    def _inner(self, scope: Scope) -> ASGIApp:
        return _refusal(scope) or self._without_key(scope) or self._app

    def _without_key(self, scope: Scope) -> ASGIApp | None:
        """The answer to who does not show the key; why there is none to compare with, the log says once."""
        try:
            key = self._key()
        except KinoBackupError as error:
            problem = printable(error.full_text)
            if problem != self._problem:
                logger.error("No request is answered: %s", problem)
            self._problem = problem
            return error_response(503, "This server cannot read its own key; its log says more.")
        self._problem = ""
        if is_authorized(scope["headers"], key):
            return None
        return error_response(401, "Unauthorized.", {"WWW-Authenticate": CHALLENGE})


class _Exchange:
    """One request and its response, as the log tells it."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        # A request without these headers has no body (RFC 9112, 6.3).
        self._has_ended = not {b"content-length", b"transfer-encoding"} & {
            name for name, _value in scope["headers"]
        }
        self._begun = time.monotonic()
        self._status: int | None = None
        self._bytes = 0

    async def run(self, app: ASGIApp) -> None:
        try:
            await app(self._scope, self._take, self._pass_on)
        except Exception as error:
            self._note_bug(error)
            if self._status is None:
                failed = error_response(500, "Internal error; the log of the server says more.")
                await failed(self._scope, self._take, self._pass_on)
            # One that has begun cannot be taken back: left unfinished, it is cut off, and so seen to be.
        finally:
            self._log()

    async def _take(self) -> Message:
        message = await self._receive()
        if not message.get("more_body", False):
            self._has_ended = True
        return message

    async def _pass_on(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in ALWAYS.items():
                headers.setdefault(name, value)
        elif message["type"] == "http.response.body":
            self._bytes += len(message.get("body", b""))
            if not self._has_ended and not message.get("more_body", False):
                await self._send({**message, "more_body": True})
                await self._take_the_rest()
                message = {"type": "http.response.body", "body": b""}
        await self._send(message)

    async def _take_the_rest(self) -> None:
        """Who sends before it reads would be reset, and lose the answer, if the connection ended now."""
        with contextlib.suppress(TimeoutError), fail_after(LINGER_SECONDS):
            while not self._has_ended:
                with fail_after(_SILENCE_SECONDS):
                    await self._take()

    def _note_bug(self, error: Exception) -> None:
        last = error.__traceback__
        while last is not None and last.tb_next is not None:
            last = last.tb_next
        where = "" if last is None else f" ({last.tb_frame.f_code.co_filename}:{last.tb_lineno})"
        logger.error("internal error: %s: %s%s", type(error).__name__, printable(str(error)), where)

    def _log(self) -> None:
        """One line; without the query and the headers, where secrets may be."""
        client = self._scope.get("client")
        logger.info(
            "%s %s %s %s, %d bytes in %.3f s",
            client[0] if client else "-",
            self._scope["method"],
            printable(self._scope["path"][:256]),
            self._status or "no answer",
            self._bytes,
            time.monotonic() - self._begun,
        )


def _refusal(scope: Scope) -> ASGIApp | None:
    """The answer to a request that no client in its right mind sends."""
    if len(scope.get("raw_path", b"")) + len(scope["query_string"]) > MAX_PATH_BYTES:
        return error_response(414, "The path is too long.")
    if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADER_BYTES:
        return error_response(431, "The headers are too large.")
    names = [name for name, _value in scope["headers"]]
    lengths = {value.strip() for name, value in scope["headers"] if name == b"content-length"}
    if len(lengths) > 1 or any(not re.fullmatch(rb"[0-9]{1,18}", length) for length in lengths):
        return error_response(400, "Content-Length is not one number.")
    if lengths and b"transfer-encoding" in names:
        # A proxy may see another request in it than we do (RFC 9112, 6.3).
        return error_response(400, "The length of the body is given twice.")
    return None
