"""Instants as Kino 0.3 writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(instant: datetime) -> str:
    """In the database and in manifests: nine digits of a second, `+00:00` for UTC."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}789+00:00"
