"""Config and secrets: which of them a backup holds, and copies of them that did not change while copied."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from kino_backup_tui.core.archive.manifest import LeftOut
from kino_backup_tui.core.archive.members import alias, is_content_path
from kino_backup_tui.core.archive.writer import CHUNK_BYTES
from kino_backup_tui.core.errors import BusyError, KinoBackupError, LocationError, NotPermittedError
from kino_backup_tui.core.files import (
    create_private,
    is_foreign_link,
    make_private_folder,
    open_regular,
    storage_errors,
)
from kino_backup_tui.core.jobs.job import Job
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.operations.space import Space

_TRIES = 3
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def copy_small_files(
    kino: Kino, scratch: Path, left_out: list[LeftOut], job: Job, space: Space, *, lenient: bool = False
) -> list[str]:
    """Copy config.toml and secrets/ below the scratch folder; returns the names of the members.

    A link, device or oddly named file among the secrets goes to `left_out`. config.toml may be a link, as for
    Kino. Raises `NotPermittedError`, `LocationError`, `BusyError` (a file that keeps changing),
    `NoSpaceError`, `OperationCancelledError`; if `lenient`, what the first three are about is left out.
    """
    copied: list[str] = []
    seen: dict[str, str] = {}
    for path in _names(kino, left_out, lenient):
        other = seen.setdefault(alias(path), path)
        if other != path:
            # A reader on another system could not tell the two apart, so no archive may have both.
            left_out.append(LeftOut(path, f"its name differs from {other} only in case"))
            continue
        try:
            regular = _copy(kino, path, scratch, job, space)
        except (NotPermittedError, LocationError, BusyError) as error:
            if not lenient:
                raise
            (scratch / path).unlink(missing_ok=True)
            left_out.append(LeftOut(path, _reason(error)))
            continue
        if regular:
            copied.append(path)
        else:
            left_out.append(LeftOut(path, "it is not a regular file"))
    return copied


def _reason(error: KinoBackupError) -> str:
    """The end of "… is not in the backup:"."""
    if isinstance(error.__cause__, OSError):
        return f"it cannot be read ({error.__cause__.strerror})"
    return error.message.rstrip(".")


def _names(kino: Kino, left_out: list[LeftOut], lenient: bool) -> Iterator[str]:
    """The names, relative to the data path, of config and secrets."""
    if kino.layout.config is not None:
        missing = _missing(kino.config_file)
        if missing:
            left_out.append(LeftOut(kino.layout.config, missing))
        else:
            yield kino.layout.config
    if kino.layout.secrets is not None and os.path.lexists(kino.secrets):
        yield from _secret_names(kino, left_out, lenient)


def _missing(path: Path) -> str:
    """Why there is no such file; empty if there is one, be it one that cannot be looked at."""
    try:
        path.stat()
    except FileNotFoundError:
        return "it is a link to a file that is not there" if path.is_symlink() else "there is none"
    except OSError:
        return ""
    return ""


def _secret_names(kino: Kino, left_out: list[LeftOut], lenient: bool) -> Iterator[str]:
    if kino.secrets.is_symlink() or not kino.secrets.is_dir():
        left_out.append(LeftOut(str(kino.layout.secrets), "it is not a folder"))
        return

    def refuse(error: OSError) -> None:
        if not lenient:
            raise error
        folder = Path(error.filename or kino.secrets).relative_to(kino.data_path).as_posix()
        left_out.append(LeftOut(f"{folder}/", f"it cannot be read ({error.strerror})"))

    with storage_errors(kino.secrets, "read"):
        for folder, folders, names in os.walk(kino.secrets, onerror=refuse):
            folders.sort()
            links = [name for name in folders if (Path(folder) / name).is_symlink()]
            for name in sorted(names + links):
                path = (Path(folder) / name).relative_to(kino.data_path).as_posix()
                if is_content_path(path):
                    yield path
                else:
                    shown = path.encode("utf-8", "backslashreplace").decode()
                    left_out.append(LeftOut(shown, "its name cannot be stored safely"))


def _copy(kino: Kino, path: str, scratch: Path, job: Job, space: Space) -> bool:
    """Copy one file until two reads of it agree; False if it is not a regular file."""
    source, target = kino.data_path / path, scratch / path
    parts = Path(path).parts[:-1]
    with storage_errors(target, "copy to"), contextlib.ExitStack() as stack:
        for depth in range(len(parts)):
            make_private_folder(scratch.joinpath(*parts[: depth + 1]), kino.owner)
        out = stack.enter_context(create_private(target, kino.owner))
        digest = b""
        for _ in range(_TRIES):
            with storage_errors(source, "read"):
                stream = _open(kino, path)
            if stream is None:
                target.unlink()
                return False
            with stream:
                out.seek(0)
                out.truncate()
                again = _transfer(stream, out, source, scratch, job, space)
            if again == digest:
                return True
            digest = again
    raise BusyError(f"{source} keeps changing.", hint="Try again in a moment.")


def _transfer(stream: BinaryIO, out: BinaryIO, source: Path, scratch: Path, job: Job, space: Space) -> bytes:
    digest = hashlib.sha256()
    while True:
        job.cancel.raise_if_cancelled()
        with storage_errors(source, "read"):
            piece = stream.read(CHUNK_BYTES)
        if not piece:
            return digest.digest()
        digest.update(piece)
        out.write(piece)
        space.spend(scratch, len(piece))


def _open(kino: Kino, path: str) -> BinaryIO | None:
    """Open a file below the data path; None for anything that is not one."""
    if path == kino.layout.config:
        # Root would follow a link that Kino's user planted to another user's file.
        if is_foreign_link(kino.config_file):
            raise NotPermittedError(f"{kino.config_file} is a link to another user's file.")
        return open_regular(kino.config_file, follow=True)
    return _open_below(kino.data_path, path)


def _open_below(root: Path, path: str) -> BinaryIO | None:
    """Open by one folder after the other; no link is followed, for others may write there."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name in Path(path).parts:
            try:
                deeper = os.open(name, _OPEN, dir_fd=descriptor)
            except OSError as error:
                if error.errno in (errno.ELOOP, errno.ENXIO):
                    return None
                raise
            os.close(descriptor)
            descriptor = deeper
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        return os.fdopen(os.dup(descriptor), "rb", buffering=0)
    finally:
        os.close(descriptor)
