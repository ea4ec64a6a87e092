"""An archive as a response: streamed, exact in its length, from a file that is opened once."""

from __future__ import annotations

import os
from urllib.parse import quote

from anyio import CancelScope, create_task_group
from fastapi import Request
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from kino_backup_tui.api.errors import ApiError
from kino_backup_tui.api.ranges import Span, Version, refused_status, wanted_span
from kino_backup_tui.api.visit import until_gone
from kino_backup_tui.api.work import Work
from kino_backup_tui.core.operations.open_archive import OpenArchive

MEDIA_TYPE = "application/gzip"
PIECE_BYTES = 256 * 1024


class Download(Response):
    """The bytes of an open archive, or those a range asks for; closes it in the end."""

    def __init__(self, archive: OpenArchive, span: Span, work: Work, status: int, headers: dict[str, str]):
        self._archive = archive
        self._span = span
        self._work = work
        self.background = None
        self.status_code = status
        self.init_headers(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, until the client goes away.

        If the file turns out to be shorter than it was, `OSError` cuts the response off.
        """
        try:
            start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            await send(start)
            if scope["method"] != "HEAD":
                await self._send_while_wanted(receive, send)
            await send({"type": "http.response.body", "body": b""})
        finally:
            self._archive.stream.close()

    async def _send_while_wanted(self, receive: Receive, send: Send) -> None:
        failure: OSError | None = None
        async with create_task_group() as both:
            both.start_soon(_cancel_when_gone, receive, both.cancel_scope)
            try:
                await self._send_span(send)
            except OSError as error:
                failure = error
            both.cancel_scope.cancel()
        if failure is not None:
            raise failure

    async def _send_span(self, send: Send) -> None:
        at, stop = self._span
        descriptor = self._archive.stream.fileno()
        while at < stop:
            piece = await self._work.read(descriptor, min(PIECE_BYTES, stop - at), at)
            if not piece:
                raise OSError(f"{self._archive.backup.path} ends at byte {at} of {stop}")
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            at += len(piece)


async def _cancel_when_gone(receive: Receive, sending: CancelScope) -> None:
    await until_gone(receive)
    sending.cancel()


def answer_download(request: Request, archive: OpenArchive, work: Work) -> Response:
    """The response to a GET or HEAD for an archive, which is closed by it, or by this if there is none.

    Raises `ApiError` 412 and 416.
    """
    try:
        version = version_of(archive)
        asked = {name: ", ".join(request.headers.getlist(name)) for name in request.headers}
        headers = {"ETag": version.etag, "Last-Modified": version.last_modified, "Accept-Ranges": "bytes"}
        if (status := refused_status(asked, version)) is not None:
            archive.stream.close()
            if status == 412:
                raise ApiError(412, "The archive is not the one that the condition names.", headers)
            return Response(status_code=status, headers=headers)
        # A range means something for GET alone (RFC 9110, 14.2).
        span = wanted_span(asked, version) if request.method == "GET" else None
    except IndexError:
        archive.stream.close()
        wanted = {"Content-Range": f"bytes */{version.size}", "Accept-Ranges": "bytes"}
        raise ApiError(416, f"The archive has {version.size} bytes.", wanted) from None
    except BaseException:
        archive.stream.close()
        raise
    headers |= {"Content-Type": MEDIA_TYPE, "Content-Disposition": disposition(archive.backup.filename)}
    if span is None:
        headers["Content-Length"] = str(version.size)
        return Download(archive, Span(0, version.size), work, 200, headers)
    headers["Content-Length"] = str(span.stop - span.start)
    headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{version.size}"
    return Download(archive, span, work, 206, headers)


def version_of(archive: OpenArchive) -> Version:
    """What a client may compare: an archive is never written to under its name, so its inode tells."""
    status = archive.status
    etag = f'"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_size:x}"'
    return Version(status.st_size, etag, max(int(status.st_mtime), 0))


def disposition(filename: str) -> str:
    """`Content-Disposition` with the name of the file, whatever is in it (RFC 6266, RFC 8187)."""
    plain = "".join(letter if _is_plain(letter) else "_" for letter in filename)
    if plain == filename:
        return f'attachment; filename="{filename}"'
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(os.fsencode(filename), safe='')}"


def _is_plain(letter: str) -> bool:
    return letter.isascii() and letter.isprintable() and letter not in '"\\%'
