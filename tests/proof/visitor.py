"""Somebody who works over HTTP meanwhile, where this program has an API."""

from __future__ import annotations

from collections.abc import Callable

from tests.proof.crowd import Crowd


def visitors() -> tuple[Callable[[Crowd], None], ...]:
    """Those who work over HTTP."""
    return ()
