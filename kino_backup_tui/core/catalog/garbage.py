"""Python's search for garbage, put off while a long list is built."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_search_for_garbage() -> Iterator[None]:
    """Hold back the cyclic garbage collector, if it is on: a block in which what is made is also kept.

    It runs after every so many new objects and goes through all of them, which is a quarter of the time of
    a listing of thousands of archives, and finds nothing.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
