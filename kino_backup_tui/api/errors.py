"""Every failure as Kino's error body: `{"error": {"code", "message"}}`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from kino_backup_tui.api.preference import preference_headers
from kino_backup_tui.api.service import Service
from kino_backup_tui.core import errors
from kino_backup_tui.core.operations.jobs import running_job
from kino_backup_tui.presentation.objects import job_object
from kino_backup_tui.presentation.text import utf8_text

logger = logging.getLogger("kino_backup_tui.api")

STATUS_OF: Mapping[type[errors.KinoBackupError], int] = {
    errors.KinoBackupError: 500,
    errors.UsageError: 400,
    errors.NotFoundError: 404,
    errors.ArchiveError: 422,
    errors.IncompatibleError: 422,
    errors.NoSpaceError: 507,
    errors.BusyError: 409,
    errors.LocationError: 503,
    errors.NotPermittedError: 403,
    errors.InvalidSettingsError: 503,
    errors.ServiceError: 503,
    errors.UndecidedError: 409,
    errors.OperationCancelledError: 503,
}
"""A class that is not listed has the status of its nearest listed ancestor."""

CODE_OF: Mapping[int, str] = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    409: "conflict",
    412: "precondition_failed",
    413: "content_too_large",
    414: "uri_too_long",
    415: "unsupported_media_type",
    416: "range_not_satisfiable",
    422: "unprocessable_entity",
    431: "request_header_fields_too_large",
    500: "internal_error",
    503: "service_unavailable",
    507: "insufficient_storage",
}
"""Kino's own codes where Kino has the status; else the name of the status (RFC 9110, RFC 6585, RFC 4918)."""

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


class ApiError(Exception):
    """A failure as only HTTP knows it: its status, what is wrong, headers, and more fields of the body."""

    def __init__(
        self, status: int, message: str, headers: Mapping[str, str] | None = None, **more: object
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers
        self.more = more


def status_of(kind: type[errors.KinoBackupError]) -> int:
    """The HTTP status of a class of the core's errors."""
    return next(STATUS_OF[ancestor] for ancestor in kind.__mro__ if ancestor in STATUS_OF)


def error_response(
    status: int, message: str, headers: Mapping[str, str] | None = None, **more: object
) -> JSONResponse:
    """An error as a response; `more` are fields besides code and message, None for one that is left out."""
    body: dict[str, Any] = {"code": CODE_OF.get(status, "bad_request"), "message": utf8_text(message)}
    body |= {name: value for name, value in more.items() if value is not None}
    return JSONResponse({"error": body}, status, headers=None if headers is None else dict(headers))


def install_error_handlers(app: FastAPI) -> None:
    """Have every failure of an endpoint, of validation and of routing answered in this form."""
    app.add_exception_handler(errors.KinoBackupError, _answer_core_error)
    app.add_exception_handler(ApiError, _answer_api_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http_error)
    app.add_exception_handler(ClientDisconnect, _answer_nobody)


async def _answer_core_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.KinoBackupError)  # noqa: S101 - what the handler is registered for
    service: Service = request.app.state.service
    running = None
    if isinstance(error, errors.BusyError):
        running = await service.work.call(running_job, service.context)
    job = None if running is None else job_object(running)
    headers = preference_headers(request)
    return error_response(status_of(type(error)), error.message, headers, cause=error.code, job=job)


async def _answer_api_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)  # noqa: S101 - what the handler is registered for
    headers = {**preference_headers(request), **(error.headers or {})}
    return error_response(error.status, error.message, headers, **error.more)


async def _answer_invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - what the handler is registered for
    first = error.errors()[0]
    # Where it is and its name; what may follow is a type of Python's.
    place = " ".join(str(step) for step in first["loc"][:2])
    return error_response(400, f"Invalid {place}: {first['msg']}.")


async def _answer_http_error(request: Request, error: Exception) -> JSONResponse:
    """What routing itself refuses: an unknown path or method."""
    assert isinstance(error, HTTPException)  # noqa: S101 - what the handler is registered for
    headers = dict(error.headers or {})
    message = f"{error.detail}."
    if error.status_code == HTTPStatus.NOT_FOUND:
        message = "Nothing has this path."
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_allowed_methods(request))
        message = f"This path takes {headers['Allow']}."
    return error_response(error.status_code, message, headers)


async def _answer_nobody(_request: Request, _error: Exception) -> JSONResponse:
    """The client has gone in the middle of its request: this is read by the log alone."""
    return error_response(400, "The request ended early.")


def _allowed_methods(request: Request) -> list[str]:
    """All methods of a path; routing knows only those of the first endpoint that fits."""
    routes = request.app.router.routes
    scopes = [{**request.scope, "method": method} for method in _METHODS]
    return [
        str(scope["method"])
        for scope in scopes
        if any(route.matches(scope)[0] is Match.FULL for route in routes)
    ]
