"""The real application on a real server and a real socket, as clients see it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from starlette.types import ASGIApp

from kino_backup_tui.api.app import create_app
from kino_backup_tui.api.protocol import server_config
from kino_backup_tui.api.service import Service
from kino_backup_tui.core.operations.api_key import ensure_api_key
from kino_backup_tui.core.operations.context import Context

TIMEOUT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Api:
    """A server, and the key that it answers to."""

    service: Service
    port: int
    key: str

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @contextlib.contextmanager
    def client(self, **options: Any) -> Iterator[httpx.Client]:
        """A client that shows the key."""
        options = {"headers": {"X-Api-Key": self.key}, "timeout": TIMEOUT_SECONDS, **options}
        with httpx.Client(base_url=self.url, trust_env=False, **options) as client:
            yield client

    def raw(self, request: bytes) -> bytes:
        """Send bytes as they are, which must ask for the connection to be closed; return all that comes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT_SECONDS) as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(65536), b""))


@contextlib.contextmanager
def listening(app: ASGIApp) -> Iterator[int]:
    """Run an application on a real server during the block, on a port of the system's choice."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(server_config(app))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(TIMEOUT_SECONDS)


@contextlib.contextmanager
def serving(context: Context, **options: Any) -> Iterator[Api]:
    """Serve one Kino during the block."""
    service = Service(context, **options)
    key = ensure_api_key(context)
    with listening(create_app(service)) as port:
        try:
            yield Api(service, port, key)
        finally:
            service.work.stop()
