"""An uploaded archive, on its way from the socket to the disk: never more of it in memory than one piece.

The form is read as it comes, and its file goes straight into the working folder: web frameworks would keep it
in memory, or in a temporary folder that may be small.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from anyio import from_thread
from fastapi import Request

from kino_backup_tui.api.body import Body
from kino_backup_tui.api.errors import ApiError
from kino_backup_tui.api.form import ARCHIVE_FIELD, ArchiveForm, too_large
from kino_backup_tui.api.service import Service
from kino_backup_tui.core.operations.restore import Received, receive

_OVERHEAD_BYTES = 1024**2
"""How much a form may have besides its archive."""

UPLOAD_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A form with the archive, which is streamed to disk.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [ARCHIVE_FIELD],
                    "properties": {
                        ARCHIVE_FIELD: {
                            "type": "string",
                            "format": "binary",
                            "description": "An archive of Kino or of this program.",
                        }
                    },
                }
            }
        },
    }
}
"""What OpenAPI says of the body, for the `openapi_extra` of an endpoint that takes one."""


class Upload:
    """An archive that has arrived whole, in a private file of the working folder."""

    def __init__(self, received: Received, fields: dict[str, str]) -> None:
        self.fields = fields
        """The other fields of the form."""
        self._received = received
        self._kept = False

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._received.path

    def keep(self) -> None:
        """Leave the file to the restore of it that has begun, which removes it."""
        self._kept = True

    def end(self) -> None:
        """Remove the file unless it is kept."""
        if self._kept:
            self._received.hand_over()
        else:
            self._received.discard()


def require_unpacked(request: Request) -> None:
    """Refuse a body with a coding; raises `ApiError` 415."""
    coding = request.headers.get("content-encoding", "").strip().lower()
    if coding not in ("", "identity"):
        message = f"The body must not be packed with {coding}."
        raise ApiError(415, message, {"Accept-Encoding": "identity"})


@contextlib.asynccontextmanager
async def received_archive(request: Request, service: Service) -> AsyncIterator[Upload]:
    """Receive the archive of a form; after the block it is gone unless it is kept.

    Nothing stays of one that does not come whole. Raises `ApiError` 400, 408, 413, 415 and 422, and what
    the core's `receive` raises.
    """
    require_unpacked(request)
    form = ArchiveForm(request.headers.get("content-type", ""), service.upload_limit)
    if int(request.headers.get("content-length", "0")) > service.upload_limit + _OVERHEAD_BYTES:
        raise too_large(service.upload_limit)
    stream = _ArchiveStream(Body(request, service), form)
    received = await service.work.receive(
        lambda control: receive(service.context, stream, control, keep_reserve=True)
    )
    upload = Upload(received, form.fields)
    try:
        yield upload
    finally:
        upload.end()


class _ArchiveStream:
    """The archive in a request, to be read by a thread; the server's loop fetches each piece for it."""

    def __init__(self, body: Body, form: ArchiveForm) -> None:
        self._body = body
        self._form = form

    def read(self, _size: int, /) -> bytes:
        """The next bytes of the archive, as many as came at once; none at the end."""
        while piece := from_thread.run(self._body.next_piece):
            if archive := self._form.feed(piece):
                return archive
        self._form.end()
        return b""
