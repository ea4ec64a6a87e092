"""A server for each test, on a Kino of its own."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from kino_backup_tui.core.operations.context import Context
from tests.api.harness import Api, serving


@pytest.fixture
def api(context: Context) -> Iterator[Api]:
    """A server of a small Kino without backups."""
    with serving(context) as api:
        yield api


@pytest.fixture
def client(api: Api) -> Iterator[httpx.Client]:
    """A client of it that shows the key."""
    with api.client() as client:
        yield client
