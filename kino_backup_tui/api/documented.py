"""What /openapi.json says beyond what the code itself says: errors, headers, the key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI

from kino_backup_tui.api.auth import SECURITY_SCHEMES
from kino_backup_tui.api.downloads import MEDIA_TYPE
from kino_backup_tui.api.errors import CODE_OF
from kino_backup_tui.api.models import Error
from kino_backup_tui.api.preference import APPLIED

_EVERYWHERE = (400, 401, 414, 431, 500)
"""What any request may be answered with."""
_MEANING = {
    400: ("The request makes no sense.", "Invalid path id: Input should be less than or equal to 2**48-1."),
    401: ("The key is missing or wrong.", "Unauthorized."),
    403: ("This server may not do that.", "Could not delete the archive: Permission denied. You are kino."),
    404: ("There is no such thing.", "There is no backup 7."),
    408: ("The client stopped sending.", "Nothing came for 60 seconds."),
    409: ("Another operation runs, or the state of Kino forbids it.", "Another operation is running."),
    412: ("The condition of the request does not hold.", "The archive is not the one that was asked for."),
    413: ("The upload is too large.", "An upload may have 17179869184 bytes."),
    414: ("The path is too long.", "The path is too long."),
    415: ("The body is not of the type that is asked for.", "The body must be multipart/form-data."),
    416: ("The archive has no such range of bytes.", "The archive has 4823117 bytes."),
    422: ("The archive is damaged, refused, or not for this Kino.", "The archive ends in the middle."),
    431: ("The headers are too large.", "The headers are too large."),
    500: ("An error in this program.", "Internal error; the log of the server says more."),
    503: ("Kino, its settings or the location do not allow that now.", "Could not read /mnt/nas."),
    507: ("There is no space left.", "The archive needs 512.0 MB in /mnt/nas; 100.0 MB are free."),
}
_CHALLENGE = {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "`Bearer`"}}
_RANGE = {"Content-Range": {"schema": {"type": "string"}, "description": "`bytes */` and the whole size."}}
_HEADERS: Mapping[int, dict[str, Any]] = {401: _CHALLENGE, 416: _RANGE}

PREFERENCE_HEADER = {
    APPLIED: {"schema": {"type": "string"}, "description": "What was granted of `Prefer`, as `wait=30`."}
}
"""The header of a response to a request that may prefer to wait."""

CREATED_RESPONSE: dict[int | str, dict[str, Any]] = {
    201: {
        "description": "The new backup, which has been read back.",
        "headers": {
            **PREFERENCE_HEADER,
            "Location": {"schema": {"type": "string"}, "description": "The path of the new backup."},
        },
    }
}
DELETED_RESPONSE: dict[int | str, dict[str, Any]] = {
    204: {"description": "It is gone.", "headers": PREFERENCE_HEADER}
}

_VERSION_HEADERS: dict[str, Any] = {
    "ETag": {"schema": {"type": "string"}, "description": "Changes with the bytes of the archive."},
    "Last-Modified": {"schema": {"type": "string"}, "description": "When the archive was written."},
    "Accept-Ranges": {"schema": {"type": "string"}, "description": "`bytes`"},
}
_FILE_HEADERS: dict[str, Any] = {
    **_VERSION_HEADERS,
    "Content-Length": {"schema": {"type": "integer"}, "description": "How many bytes follow, exactly."},
    "Content-Disposition": {"schema": {"type": "string"}, "description": "With the name of the archive."},
}
_PART_HEADERS: dict[str, Any] = {
    **_FILE_HEADERS,
    "Content-Range": {"schema": {"type": "string"}, "description": "Which bytes of how many these are."},
}
_BYTES = {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}
_NOT_MODIFIED = {"description": "The client has it already.", "headers": _VERSION_HEADERS}

DOWNLOAD_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The whole archive.", "content": _BYTES, "headers": _FILE_HEADERS},
    206: {"description": "The range that was asked for.", "content": _BYTES, "headers": _PART_HEADERS},
    304: _NOT_MODIFIED,
}
"""What a download is answered with unless it fails."""
HEAD_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "What a download would begin with.", "headers": _FILE_HEADERS},
    304: _NOT_MODIFIED,
}
"""The same for a request that asks for the headers alone."""

_DESCRIPTION = """\
Backups of a Kino media server. The endpoints for backups are Kino's own.

Every request shows the key, in `X-Api-Key` or as a bearer token. Every failure is an `Error`. One operation
that changes something runs at a time: another one is answered 409 with the job that runs, unless the request
says `Prefer: wait` or `Prefer: wait=SECONDS` (RFC 7240).
"""


def error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The failures of an endpoint, for its `responses`; those of every endpoint are added."""
    return {status: _error_response(status) for status in sorted({*_EVERYWHERE, *statuses})}


def describe(app: FastAPI, schema: dict[str, Any]) -> dict[str, Any]:
    """Complete the description of an application that FastAPI has made from its endpoints."""
    schema["info"] |= {
        "summary": "Backups of a Kino media server",
        "description": _DESCRIPTION,
        "license": {"name": "MIT", "identifier": "MIT"},
    }
    schema["servers"] = [{"url": "/", "description": "This server"}]
    schema["tags"] = [
        {"name": "backups", "description": "Archives: list, make, download, delete."},
        *(tag for tag in app.openapi_tags or [] if tag["name"] != "backups"),
    ]
    components = schema["components"]
    components["securitySchemes"] = SECURITY_SCHEMES
    schema["security"] = [{name: []} for name in SECURITY_SCHEMES]
    for path in schema["paths"].values():
        for operation in path.values():
            # FastAPI's own form of a validation error, which is never sent.
            if "HTTPValidationError" in str(operation["responses"].get("422", "")):
                del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    return schema


def _error_response(status: int) -> dict[str, Any]:
    meaning, message = _MEANING[status]
    example = {"error": {"code": CODE_OF[status], "message": message}}
    response = {
        "model": Error,
        "description": meaning,
        "content": {"application/json": {"example": example}},
    }
    return response | ({"headers": _HEADERS[status]} if status in _HEADERS else {})
