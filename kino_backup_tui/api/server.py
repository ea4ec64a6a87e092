"""serve: the server around the application, and the schedule beside it, from start to last answer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Iterator, MutableMapping
from types import FrameType
from typing import NamedTuple

import uvicorn
from anyio import to_thread

from kino_backup_tui.api.app import create_app
from kino_backup_tui.api.log import log_to_stderr, logger
from kino_backup_tui.api.protocol import server_config
from kino_backup_tui.api.scheduler import Scheduler
from kino_backup_tui.api.service import Service
from kino_backup_tui.api.sockets import bind, inherited_sockets, is_local, url_of
from kino_backup_tui.core.operations.api_key import ensure_api_key
from kino_backup_tui.core.operations.restore import sweep_received

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SILENT_SECONDS = 2.0
"""How long it may take to end without a word."""


class Listening(NamedTuple):
    """Where a server answers."""

    urls: tuple[str, ...]
    local: bool
    """Whether nobody but this host can reach it."""
    handed_over: bool
    """Whether the sockets are those of a service manager."""


def serve(
    service: Service,
    host: str,
    port: int,
    environ: MutableMapping[str, str],
    ready: Callable[[Listening], None],
) -> None:
    """Answer requests and run the schedule until a signal comes; `ready` is called when both have begun.

    The sockets are those of the service manager, if it has handed over any, else one at host and port.
    SIGINT, SIGTERM and SIGHUP close them; what is being answered is answered to its end, an operation in this
    process is cancelled, and a restore goes on in its own. The second signal ends the process at once, with
    the exit code that shells give it. For the main thread only.
    Raises `UsageError`, `NotPermittedError`, and what making the key raises.
    """
    inherited = inherited_sockets(environ)
    sockets = inherited or bind(host, port)
    ensure_api_key(service.context)
    sweep_received(service.context)
    listening = Listening(
        tuple(url_of(each) for each in sockets), all(map(is_local, sockets)), bool(inherited)
    )
    log_to_stderr(environ)
    scheduler = Scheduler(service.context, environ)
    _Server(service, scheduler, lambda: ready(listening)).run(sockets)


class _Server(uvicorn.Server):
    """Uvicorn with our signals, and with more to begin and to end."""

    def __init__(self, service: Service, scheduler: Scheduler, ready: Callable[[], None]) -> None:
        super().__init__(server_config(create_app(service)))
        self._service = service
        self._scheduler = scheduler
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, then to run the schedule."""
        await super().startup(sockets)
        self._scheduler.start()
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Have what runs here undone, and what is being answered answered."""
        self._scheduler.stop()
        self._service.work.stop()
        telling = asyncio.create_task(self._tell_what_it_waits_for())
        await super().shutdown(sockets)
        telling.cancel()
        await to_thread.run_sync(self._scheduler.join)

    async def _tell_what_it_waits_for(self) -> None:
        """Or who has pressed Ctrl-C takes it for hung."""
        await asyncio.sleep(_SILENT_SECONDS)
        if count := len(self.server_state.tasks):
            requests = "1 request is" if count == 1 else f"{count} requests are"
            logger.info("Ending: %s not answered to its end. A second signal ends all at once.", requests)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take those that are not ignored, for good: what is left to do after the last answer is not much."""
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self.handle_exit)
        yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal asks for the end, the second one is it."""
        if self.should_exit:
            os._exit(128 + sig)
        self.should_exit = True
