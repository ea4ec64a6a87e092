"""The application: its endpoints behind the guard, and the description of them at /openapi.json."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.types import ASGIApp

from kino_backup_tui import __version__
from kino_backup_tui.api.documented import describe
from kino_backup_tui.api.errors import install_error_handlers
from kino_backup_tui.api.guard import Guard
from kino_backup_tui.api.routes.backups import router as backups
from kino_backup_tui.api.routes.jobs import router as jobs
from kino_backup_tui.api.routes.restore import router as restores
from kino_backup_tui.api.service import Service
from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.operations.api_key import read_api_key

PREFIX = "/api/v1"
_ROUTERS: tuple[APIRouter, ...] = (backups, restores, jobs)
_TAGS = [
    {"name": "restore", "description": "Put Kino back to the state in an archive."},
    {"name": "jobs", "description": "Operations that run and have run, whoever began them."},
]


def create_app(service: Service) -> ASGIApp:
    """The whole API of one service, ready for an ASGI server; nothing is answered without the key.

    The key is read for each request, so that one that was rotated is worth nothing at once.
    """
    app = _App(
        title="kino-backup-tui",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_tags=_TAGS,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
    )
    app.state.service = service
    install_error_handlers(app)
    for router in _ROUTERS:
        app.include_router(router, prefix=PREFIX)
    return Guard(app, lambda: _key(service))


class _App(FastAPI):
    """A FastAPI application whose description of itself is completed."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = describe(self, super().openapi())
        return self.openapi_schema


def _operation_id(route: APIRoute) -> str:
    return route.name


def _key(service: Service) -> str | None:
    try:
        return read_api_key(service.context)
    except KinoBackupError:
        return None
