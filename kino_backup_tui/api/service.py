"""What every endpoint works with: one Kino, the limits of this server, and the threads for the core."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request

from kino_backup_tui.api.work import Work
from kino_backup_tui.core.operations.context import Context

UPLOAD_LIMIT_BYTES = 16 * 1024**3
"""How large an uploaded archive may be unless the admin says otherwise."""


@dataclass(frozen=True, slots=True)
class Service:
    """One server of one Kino."""

    context: Context
    upload_limit: int = UPLOAD_LIMIT_BYTES
    work: Work = field(default_factory=Work)


def _service_of(request: Request) -> Service:
    return cast(Service, request.app.state.service)


ServiceOf = Annotated[Service, Depends(_service_of)]
"""The annotation of an endpoint's parameter that gets the service."""
