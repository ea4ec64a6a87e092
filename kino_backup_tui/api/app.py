"""The application: its endpoints behind the guard, and the description of them at /openapi.json."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.types import ASGIApp

from kino_backup_tui import __version__
from kino_backup_tui.api.errors import install_error_handlers
from kino_backup_tui.api.guard import Guard
from kino_backup_tui.api.service import Service
from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.operations.api_key import read_api_key

PREFIX = "/api/v1"
_ROUTERS: tuple[APIRouter, ...] = ()


def create_app(service: Service) -> ASGIApp:
    """The whole API of one service, ready for an ASGI server; nothing is answered without the key.

    The key is read for each request, so that one that was rotated is worth nothing at once.
    """
    app = FastAPI(
        title="kino-backup-tui",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
    )
    app.state.service = service
    install_error_handlers(app)
    for router in _ROUTERS:
        app.include_router(router, prefix=PREFIX)
    return Guard(app, lambda: _key(service))


def _operation_id(route: APIRoute) -> str:
    return route.name


def _key(service: Service) -> str | None:
    try:
        return read_api_key(service.context)
    except KinoBackupError:
        return None
