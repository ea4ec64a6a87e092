"""api-key: the secret that every request to the HTTP API has to show."""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path

from kino_backup_tui.core.errors import NotFoundError, NotPermittedError, UsageError
from kino_backup_tui.core.files import open_regular, replace_file, storage_errors
from kino_backup_tui.core.kino.command import command_for
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.workspace import workspace_of

KEY_FILE = "api-key"
"""Its name in the working folder."""
_KEY_BYTES = 32
_KEY = re.compile(rb"[!-~]{16,512}")


def read_api_key(context: Context) -> str:
    """The key; changes nothing.

    Raises `NotFoundError` if there is none yet, `NotPermittedError` if its file is a link or another user's,
    if others than its owner may read it or this user may not, `UsageError` if the file holds no key.
    """
    workspace = workspace_of(context.kino)
    for path in workspace.readable(KEY_FILE):
        if os.path.lexists(path):
            return _read(path, context)
    raise NotFoundError(f"There is no key in {workspace.folder / KEY_FILE}.", hint=_rotate(context))


def ensure_api_key(context: Context) -> str:
    """The key, made now if there is none; raises what `read_api_key` and `rotate_api_key` raise."""
    try:
        return read_api_key(context)
    except NotFoundError:
        return rotate_api_key(context)


def rotate_api_key(context: Context) -> str:
    """Make a new key and return it; the old one is worth nothing from now on, in a running server, too.

    Raises `LocationError`, `NotPermittedError`, `NoSpaceError`.
    """
    workspace = workspace_of(context.kino)
    workspace.ensure()
    key = secrets.token_urlsafe(_KEY_BYTES)
    path = workspace.folder / KEY_FILE
    with storage_errors(path, "write"):
        replace_file(path, f"{key}\n".encode(), workspace.owner)
    return key


def _rotate(context: Context) -> str:
    return f"`{command_for(context.kino, 'api-key', 'rotate')}` makes a new one."


def _read(path: Path, context: Context) -> str:
    with storage_errors(path, "read"):
        if not stat.S_ISREG(path.lstat().st_mode):
            raise NotPermittedError(f"{path} is no file of its own.", hint=_rotate(context))
        with open_regular(path) as stream:
            status = os.fstat(stream.fileno())
            text = stream.read(1024).strip()
        # Who owns the folder could put another file there anyway.
        trusted = {0, os.geteuid(), path.parent.stat().st_uid}
    if status.st_uid not in trusted:
        raise NotPermittedError(f"{path} belongs to another user, who knows it.", hint=_rotate(context))
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise NotPermittedError(
            f"{path} can be read or written by others than its owner.", hint=_rotate(context)
        )
    if not _KEY.fullmatch(text):
        raise UsageError(f"{path} holds no key.", hint=_rotate(context))
    return text.decode("ascii")
