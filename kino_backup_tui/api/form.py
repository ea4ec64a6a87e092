"""A form with an archive in it (RFC 7578), read piece by piece."""

from __future__ import annotations

import logging
from typing import NamedTuple

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from kino_backup_tui.api.errors import ApiError

ARCHIVE_FIELD = "archive"
"""The name of the field with the file, as Kino has it."""
_MAX_FIELDS = 16
_MAX_FIELD_BYTES = 4096

# The parser warns of each form that it refuses; that is answered, and the log has the answer.
logging.getLogger("python_multipart").setLevel(logging.ERROR)


class _Part(NamedTuple):
    """A field that is being read."""

    name: str
    value: bytearray


class ArchiveForm:
    """Takes the pieces of a body, gives the bytes of the archive in them, and keeps the other fields.

    Raises `ApiError`: 415 for another kind of body, 400 for one that is no such form, 413 for an archive over
    the limit, 422 for an empty one.
    """

    def __init__(self, content_type: str, limit: int) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data":
            raise ApiError(
                415, "The body must be multipart/form-data, with the archive in the field archive."
            )
        boundary = options.get(b"boundary", b"")
        try:
            if not boundary:
                raise FormParserError("the boundary is missing")
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": self._take_header_name,
                    "on_header_value": self._take_header_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": self._take_data,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise ApiError(400, f"The form cannot be read: {error}.") from error
        self.fields: dict[str, str] = {}
        """The other fields, once the body has ended."""
        self._limit = limit
        self._archive_bytes = 0
        self._has_archive = False
        self._pieces: list[bytes] = []
        self._name, self._value = bytearray(), bytearray()
        self._disposition = ""
        self._part: _Part | None = None
        self._parts = 0
        self._ended = False

    def feed(self, piece: bytes) -> bytes:
        """Take a piece of the body; returns what of the archive is in it."""
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise ApiError(400, f"The form cannot be read: {error}.") from error
        archive = b"".join(self._pieces)
        self._pieces.clear()
        return archive

    def end(self) -> None:
        """Take note that the body has ended."""
        if not self._ended:
            raise ApiError(400, "The form ends in the middle.")
        if not self._has_archive:
            raise ApiError(400, f"The form has no field {ARCHIVE_FIELD}.")
        if self._archive_bytes == 0:
            raise ApiError(422, "The archive is empty.")

    def _begin_part(self) -> None:
        self._disposition = ""
        self._parts += 1
        if self._parts > _MAX_FIELDS:
            raise ApiError(400, f"The form has more than {_MAX_FIELDS} fields.")

    def _take_header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _take_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value.decode("latin-1")
        self._name, self._value = bytearray(), bytearray()

    def _end_headers(self) -> None:
        kind, options = parse_options_header(self._disposition)
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if kind != b"form-data" or not name:
            raise ApiError(400, "A field of the form has no name.")
        if name in self.fields or (name == ARCHIVE_FIELD and self._has_archive):
            raise ApiError(400, "A field of the form is there twice.")
        if name == ARCHIVE_FIELD:
            self._has_archive = True
            self._part = None
        else:
            self._part = _Part(name, bytearray())

    def _take_data(self, data: bytes, start: int, end: int) -> None:
        if self._part is not None:
            self._part.value.extend(data[start:end])
            if len(self._part.value) > _MAX_FIELD_BYTES:
                raise ApiError(400, f"A field of the form has more than {_MAX_FIELD_BYTES} bytes.")
            return
        self._archive_bytes += end - start
        if self._archive_bytes > self._limit:
            raise too_large(self._limit)
        self._pieces.append(data[start:end])

    def _end_part(self) -> None:
        if self._part is not None:
            self.fields[self._part.name] = self._part.value.decode("utf-8", "replace")
            self._part = None

    def _end(self) -> None:
        self._ended = True


def too_large(limit: int) -> ApiError:
    """The refusal of an upload that has more bytes than it may have."""
    return ApiError(413, f"An archive may have {limit} bytes.")
