"""The core's work in threads: it blocks, and the server must not."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Request
from starlette.requests import ClientDisconnect

from kino_backup_tui.api.preference import apply_preference, preferred_wait
from kino_backup_tui.api.visit import Leaving, Visit
from kino_backup_tui.core.errors import OperationCancelledError
from kino_backup_tui.core.progress import CancelToken, Control

_T = TypeVar("_T")

_THREADS = 40
_PATIENT_THREADS = 16
_RECEIVING_THREADS = 8
_READING_THREADS = 8


class Work:
    """Runs functions of the core in threads, and can ask those that change something to stop."""

    def __init__(self) -> None:
        self._threads = CapacityLimiter(_THREADS)
        # Each kind has threads of its own: who waits for another operation, or for a slow client or disk,
        # does not take those of the others.
        self._patient = CapacityLimiter(_PATIENT_THREADS)
        self._receiving = CapacityLimiter(_RECEIVING_THREADS)
        self._reading = CapacityLimiter(_READING_THREADS)
        self._waiting = 0
        self._running: set[CancelToken] = set()
        self._catching_up = False
        self.stopping = False
        """Whether this server is about to end: what would go on for long is to end by itself."""

    async def call(self, function: Callable[..., _T], *arguments: Any, **options: Any) -> _T:
        """Run a function that ends soon; raises what it raises."""
        return await to_thread.run_sync(partial(function, *arguments, **options), limiter=self._threads)

    async def operate(
        self, request: Request, function: Callable[[Control], _T], leaving: Leaving = Leaving.CANCELS
    ) -> _T:
        """Run an operation that may have to wait for another one, as long as the request prefers to.

        Raises what it raises, `BusyError` at once where the request does not say that it will wait, or where
        too many are waiting already; `ClientDisconnect` if it was cancelled because its client went away.
        """
        visit = Visit(leaving)
        watching = asyncio.create_task(visit.watch(request.receive))
        try:
            return await self._in_turn(request, function, visit)
        except OperationCancelledError:
            if visit.gone:
                raise ClientDisconnect from None
            raise
        finally:
            watching.cancel()

    async def _in_turn(self, request: Request, function: Callable[[Control], _T], visit: Visit) -> _T:
        wait = preferred_wait(request.headers.getlist("prefer"))
        if wait is None or self._waiting == _PATIENT_THREADS:
            return await self._controlled(function, Control(visit.cancel, visit.note, 0), self._threads)
        apply_preference(request, wait)
        self._waiting += 1
        try:
            control = Control(visit.cancel, visit.note, wait.seconds)
            return await self._controlled(function, control, self._patient)
        finally:
            self._waiting -= 1

    async def receive(self, function: Callable[[Control], _T]) -> _T:
        """Run an operation that takes what a client sends, at the client's pace; raises what it raises."""
        return await self._controlled(function, Control(wait_seconds=0), self._receiving)

    async def catch_up(self, function: Callable[[Control], object]) -> None:
        """Run something that nobody waits for, unless it runs already; it may be stopped at any time."""
        if self._catching_up:
            return
        self._catching_up = True
        try:
            with contextlib.suppress(OperationCancelledError):
                await self._controlled(function, Control(wait_seconds=0), self._threads)
        finally:
            self._catching_up = False

    async def read(self, descriptor: int, size: int, offset: int) -> bytes:
        """Read from a file; raises `OSError`."""
        return await to_thread.run_sync(os.pread, descriptor, size, offset, limiter=self._reading)

    def stop(self) -> None:
        """Ask every operation to stop that runs or waits here: each undoes what it had begun."""
        self.stopping = True
        for cancel in tuple(self._running):
            cancel.cancel()

    async def _controlled(
        self, function: Callable[[Control], _T], control: Control, limiter: CapacityLimiter
    ) -> _T:
        if self.stopping:
            control.cancel.cancel()
        self._running.add(control.cancel)
        try:
            return await to_thread.run_sync(function, control, limiter=limiter)
        finally:
            self._running.discard(control.cancel)
