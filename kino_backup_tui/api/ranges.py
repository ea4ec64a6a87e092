"""Conditional and partial downloads (RFC 9110, sections 13 and 14), as decisions about header values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import NamedTuple

_RANGE = re.compile(r"bytes[ \t]*=[ \t]*([0-9]{0,18})[ \t]*-[ \t]*([0-9]{0,18})[ \t]*", re.IGNORECASE)
_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')


class Version(NamedTuple):
    """Which bytes a download has: their number, and what changes with them."""

    size: int
    etag: str
    """A strong validator, quoted."""
    modified: int
    """In seconds since 1970."""

    @property
    def last_modified(self) -> str:
        """The date as a header has it."""
        return format_datetime(datetime.fromtimestamp(self.modified, UTC), usegmt=True)


class Span(NamedTuple):
    """Bytes from `start` up to and without `stop`."""

    start: int
    stop: int


def refused_status(headers: Mapping[str, str], version: Version) -> int | None:
    """304 or 412 if the conditions of a GET or HEAD do not hold, evaluated in the order of section 13.2.2."""
    if (wanted := headers.get("if-match")) is not None:
        if not _names(wanted, version.etag, weak=False):
            return 412
    elif (date := _seconds(headers.get("if-unmodified-since"))) is not None and version.modified > date:
        return 412
    if (known := headers.get("if-none-match")) is not None:
        return 304 if _names(known, version.etag, weak=True) else None
    if (date := _seconds(headers.get("if-modified-since"))) is not None and version.modified <= date:
        return 304
    return None


def wanted_span(headers: Mapping[str, str], version: Version) -> Span | None:
    """The bytes that a GET asks for; None for all of them.

    All are sent as well where the range makes no sense, asks for several pieces, or is of another version of
    the file. Raises `IndexError` if the file has none of the bytes of a range.
    """
    match = _RANGE.fullmatch(headers.get("range", "").strip())
    condition = headers.get("if-range")
    if match is None or match[1] == match[2] == "":
        return None
    if condition is not None and condition.strip() not in (version.etag, version.last_modified):
        return None
    if match[1] == "":
        start, stop = max(version.size - int(match[2]), 0), version.size
    else:
        start = int(match[1])
        stop = min(int(match[2]) + 1, version.size) if match[2] else version.size
        if match[2] and int(match[2]) < start:
            return None
    if start >= stop:
        raise IndexError(start)
    return Span(start, stop)


def _names(header: str, etag: str, *, weak: bool) -> bool:
    if header.strip() == "*":
        return True
    return any(tag == etag and (weak or not prefix) for prefix, tag in _TAG.findall(header))


def _seconds(header: str | None) -> float | None:
    """The instant of a date; None if there is none, for what is not a date is ignored."""
    if header is None:
        return None
    try:
        date = parsedate_to_datetime(header)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
