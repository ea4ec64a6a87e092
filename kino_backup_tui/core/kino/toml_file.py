"""Reading a TOML settings file that somebody else wrote: bounded, regular files only, clear errors."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, NamedTuple

from kino_backup_tui.core.errors import InvalidSettingsError
from kino_backup_tui.core.files import user_name

LARGEST = 1 << 20
"""Bytes; a settings file is a few kilobytes."""

_BYTE_ORDER_MARK = "\ufeff"


class TomlFile(NamedTuple):
    """A settings file as it was at one moment."""

    path: Path
    mark: str
    """The byte order mark in front, which some Windows editors write and TOML does not know; else empty."""
    text: str
    """Everything after the mark, line endings untouched."""
    document: dict[str, Any]
    """The parsed text."""
    status: os.stat_result
    """Of the file that was read, not of a link to it."""


def read_toml(path: Path) -> TomlFile | None:
    """Read and parse a settings file; None if there is none.

    Raises `InvalidSettingsError` if it is there and cannot be read or is not TOML.
    """
    import tomllib

    try:
        data, status = _read(path)
    except FileNotFoundError:
        # A link into a disk that is not mounted must not turn every setting into its default.
        if path.is_symlink():
            raise InvalidSettingsError(f"{path} is a link to a file that is not there.") from None
        return None
    except PermissionError as error:
        raise InvalidSettingsError(
            f"{path} cannot be read by {user_name()}: {error.strerror}.",
            hint="Run as root or as the user who owns it.",
        ) from error
    except OSError as error:
        raise InvalidSettingsError(f"{path} cannot be read: {error.strerror or error}.") from error
    try:
        text = data.decode("utf-8")
        mark = _BYTE_ORDER_MARK if text.startswith(_BYTE_ORDER_MARK) else ""
        text = text.removeprefix(mark)
        document = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidSettingsError(
            f"{path} is not UTF-8 text (line {line}).", hint="Save it as UTF-8."
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidSettingsError(
            f"{path} is not valid TOML: {error}.", hint="Correct the file there."
        ) from error
    except RecursionError as error:
        raise InvalidSettingsError(f"{path} is nested too deeply to be a settings file.") from error
    return TomlFile(path, mark, text, document, status)


def shown(value: object) -> str:
    """A value as one would write it in the file, shortened to fit a message."""
    import json

    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:79] + "…"


def _read(path: Path) -> tuple[bytes, os.stat_result]:
    # O_NONBLOCK: a named pipe in this place must be an error, not a program that waits for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise InvalidSettingsError(f"{path} is not a regular file.")
        data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise InvalidSettingsError(f"{path} is larger than {LARGEST >> 20} MiB: not a settings file.")
    return data, status
