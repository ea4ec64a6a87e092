"""Files that are private from their first byte, whole or absent, and owned by the right user."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from kino_backup_tui.core.errors import KinoBackupError, LocationError, NoSpaceError, NotPermittedError

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM}
_GONE = {
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EROFS,
    errno.ELOOP,
    errno.ESTALE,
    errno.EIO,
    errno.ENODEV,
    errno.ENXIO,
}


class Owner(NamedTuple):
    """A user and a group, by number."""

    uid: int
    gid: int

    def take(self, descriptor: int) -> bool:
        """Give an open file to this owner; False where the file system or the kernel refuses."""
        status = os.fstat(descriptor)
        if (status.st_uid, status.st_gid) == (self.uid, self.gid):
            return True
        try:
            os.fchown(descriptor, self.uid, self.gid)
        except OSError:
            return False
        return True


def storage_error(error: OSError, path: Path, doing: str) -> KinoBackupError:
    """Turn an operating-system error into ours: what was being done, where, and what to do.

    `doing` completes the sentence "Could not …".
    """
    text = f"Could not {doing} {path}: {error.strerror or error}."
    if error.errno in _FULL:
        return NoSpaceError(text, hint="Free space there, or move the backup location to a larger volume.")
    if error.errno in _FORBIDDEN:
        return NotPermittedError(f"{text} You are {user_name()}.", hint="Run as root or as Kino's own user.")
    if error.errno in _GONE:
        return LocationError(text, hint="Check that the disk is mounted and writable.")
    return LocationError(text)


def user_name() -> str:
    """The name of the current user, for messages."""
    return name_of_user(os.geteuid()) or f"user {os.geteuid()}"


def name_of_user(uid: int) -> str:
    """The name of a user; empty if the number has none."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return ""


def sync_folder(folder: Path) -> None:
    """Make renames and new names in a folder survive a power cut.

    EINVAL is tolerated: some FUSE and SMB file systems cannot sync a folder. EIO is not.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        sync_descriptor(descriptor)
    finally:
        os.close(descriptor)


def sync_descriptor(folder: int) -> None:
    """The same for a folder that is open."""
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise


def create_private(path: Path | str, owner: Owner, folder: int | None = None) -> BinaryIO:
    """Open a new file for writing and reading: 0600 under any umask, never through a link.

    With the descriptor of a folder, `path` is a name in it.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, PRIVATE_FILE, dir_fd=folder)
    owner.take(descriptor)
    return os.fdopen(descriptor, "w+b")


def open_regular(path: Path, *, follow: bool = False) -> BinaryIO:
    """Open a regular file for reading, unbuffered; raises `OSError`.

    A link is refused unless `follow`, and a pipe or device always: whoever may write to the folder could
    otherwise make us read, or wait for, something else than what was listed.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.ENXIO, "It is not a regular file")
    return os.fdopen(descriptor, "rb", buffering=0)


def is_foreign_link(path: Path) -> bool:
    """Whether a path is a symbolic link that somebody else than root or its target's owner has made.

    Raises `OSError` for a link whose target is not there or cannot be looked at.
    """
    return path.is_symlink() and path.lstat().st_uid not in (0, path.stat().st_uid)


def make_private_folder(folder: Path, owner: Owner, *, durable: bool = False) -> None:
    """Create a folder as 0700 unless it is there; its parent must exist.

    `durable` is for one that is to be there after a power cut, with what is in it.
    Raises `LocationError` if something else has that name, a symbolic link included.
    """
    try:
        folder.mkdir(PRIVATE_FOLDER)
    except FileExistsError:
        if not stat.S_ISDIR(folder.lstat().st_mode):
            raise LocationError(f"{folder} is not a folder.", hint="Move it away; it is not ours.") from None
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        os.fchmod(descriptor, PRIVATE_FOLDER)
        owner.take(descriptor)
    finally:
        os.close(descriptor)
    if durable:
        sync_folder(folder.parent)


def make_folders(folder: Path) -> None:
    """Create a folder that others may read, and those above it, and have them survive a power cut."""
    if folder.is_dir():
        return
    make_folders(folder.parent)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(0o755)
    sync_folder(folder.parent)


def replace_file(
    path: Path,
    data: bytes,
    owner: Owner,
    mode: int = PRIVATE_FILE,
    *,
    require_owner: bool = False,
    durable: bool = True,
) -> None:
    """Put `data` in place of a file so that after a power cut it is wholly the old or wholly the new.

    With `require_owner` the file stays as it is, with `PermissionError`, if the new one cannot be given to
    its owner, who otherwise might no longer be able to read it. Without `durable` a power cut may leave an
    empty file: good enough, and quick, for what can be found out again. What a process that was killed here
    has left is removed.
    """
    sweep_partials_of(path)
    partial = path.with_name(f".{path.name}.{os.urandom(4).hex()}.partial")
    try:
        with _create_locked(partial, owner) as stream:
            if require_owner and not owner.take(stream.fileno()):
                raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(path))
            stream.write(data)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            if durable:
                os.fsync(stream.fileno())
            partial.replace(path)  # while the lock is held, or it could be swept
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def _create_locked(path: Path, owner: Owner) -> BinaryIO:
    """Open a new private file that nobody takes for what a dead process has left."""
    while True:
        stream = create_private(path, owner)
        with contextlib.suppress(OSError):  # not on every file system
            fcntl.flock(stream.fileno(), fcntl.LOCK_EX)
        if os.path.lexists(path):
            return stream
        stream.close()  # swept between its creation and the lock


def sweep_partials_of(path: Path) -> None:
    """Remove what processes that were killed while they replaced a file have left. Best effort."""
    name = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{8}}\.partial")
    partials: list[Path] = []
    with contextlib.suppress(OSError):
        partials = [entry for entry in path.parent.iterdir() if name.fullmatch(entry.name)]
    for partial in partials:
        with contextlib.suppress(OSError):
            # NFS grants an exclusive lock only on what is open for writing, see flock(2).
            descriptor = os.open(partial, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                partial.unlink(missing_ok=True)
            finally:
                os.close(descriptor)


def free_bytes(folder: Path) -> int:
    """Bytes an ordinary user can still write on the file system of a folder."""
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


def mounts() -> Iterator[tuple[str, str]]:
    """Where each file system is mounted, and its type, in the order of proc_pid_mountinfo(5).

    Of several on one point the last one is seen. Nothing where the kernel has no such list.
    """
    try:
        lines = Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines()
    except OSError:
        return
    for line in lines:
        fields, _, rest = line.partition(" - ")
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields.split()[4])
        yield point, rest.split()[0]


def is_read_only(folder: Path) -> bool:
    """Whether the file system of a folder is mounted read-only; raises `OSError`."""
    return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)


@contextlib.contextmanager
def storage_errors(path: Path, doing: str) -> Iterator[None]:
    """Translate any `OSError` of the block with `storage_error`."""
    try:
        yield
    except OSError as error:
        raise storage_error(error, path, doing) from error
