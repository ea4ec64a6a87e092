"""Which processes have certain files open, and where they listen.

On Linux by device and inode in /proc (proc(5)), which sees through containers and mounts; elsewhere by
path, with psutil.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from kino_backup_tui.core.files import open_regular

_PROC = "/proc"
_LISTEN = "0A"
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - recognised, not bound


class Holders(NamedTuple):
    """Who has files open."""

    pids: tuple[int, ...]
    """Without this process, ascending."""
    complete: bool
    """False if some processes of other users could not be looked into."""


class Endpoint(NamedTuple):
    """An address at which a process accepts TCP connections, reachable from here."""

    host: str
    port: int


def holders(paths: list[Path]) -> Holders:
    """Find the processes that have any of these files open, or one that had such a path and was removed."""
    if not sys.platform.startswith("linux"):
        return _psutil_holders(paths)
    files = {(status.st_dev, status.st_ino) for path in paths if (status := _status(str(path)))}
    names = {path.name for path in paths}
    # Who has a removed one open may still believe in the path (proc(5), "(deleted)").
    removed = {f"{path} (deleted)" for path in paths}
    found = []
    # Mounted with hidepid=invisible, /proc leaves out other users' processes, the first one among them.
    complete = not files or _status(f"{_PROC}/1") is not None
    for pid in _other_pids():
        try:
            if _holds(pid, files, names, removed):
                found.append(pid)
        except PermissionError:
            complete = complete and not files
        except OSError:
            continue
    return Holders(tuple(sorted(found)), complete)


def lockers(path: Path) -> tuple[int, ...]:
    """The processes that have a file locked as a whole, see flock(2) and "/proc/locks" in proc(5).

    Told to every user, also of processes that they may not look into; nobody is locked out to find it out.
    """
    if not sys.platform.startswith("linux"):
        return ()
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return ()
    try:
        status = os.fstat(descriptor)
        devices = _devices(descriptor, status)
        fields = [line.split() for line in _text(f"{_PROC}/locks").splitlines() if " FLOCK " in line]
        files = [f"{os.major(device):02x}:{os.minor(device):02x}:{status.st_ino}" for device in devices]
        # One that waits for the lock has an arrow in front, "1: -> FLOCK".
        found = {int(words[4]) for words in fields if words[1] == "FLOCK" and words[5] in files}
        # On btrfs files of two subvolumes may have the same number: one that is not locked is told apart.
        if found and len(files) > 1 and not _is_locked(path):
            return ()
        return tuple(sorted(found - {os.getpid()}))
    finally:
        os.close(descriptor)


def _devices(descriptor: int, status: os.stat_result) -> set[int]:
    """What the kernel may call the device of an open file: on btrfs a subvolume has a number of its own, and
    the list of locks has that of the whole file system, as that of mounts does ("mountinfo" in proc(5))."""
    info = dict(line.partition(":")[::2] for line in _text(f"{_PROC}/self/fdinfo/{descriptor}").splitlines())
    mount = info.get("mnt_id", "").strip()
    for line in _text(f"{_PROC}/self/mountinfo").splitlines():
        number, _parent, device, *_ = line.split()
        if number == mount:
            major, _, minor = device.partition(":")
            return {status.st_dev, os.makedev(int(major), int(minor))}
    return {status.st_dev}


def _is_locked(path: Path) -> bool:
    """Whether it would have to be waited for; what cannot be opened speaks for it."""
    import fcntl

    try:
        with open_regular(path, follow=True) as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def looking_hint() -> str:
    """What to do where this user may not look into every process."""
    if os.geteuid() == 0:
        return "Even root may not look into every process here, as in a container: run it on the host itself."
    return "Run as root or as Kino's own user."


def hidden_processes() -> tuple[int, ...]:
    """The processes that this user may not look into, as far as they can be seen at all."""
    hidden = []
    for pid in _other_pids() if sys.platform.startswith("linux") else ():
        try:
            os.listdir(f"{_PROC}/{pid}/fd")  # noqa: PTH208
        except PermissionError:
            hidden.append(pid)
        except OSError:
            continue
    return tuple(sorted(hidden))


def endpoints(pid: int) -> tuple[Endpoint, ...]:
    """Where a process listens, by port; nothing for one in another network (a container), whose ports are
    not ours to reach, or one that may not be looked into."""
    if not sys.platform.startswith("linux"):
        return _psutil_endpoints(pid)
    try:
        if os.stat(f"{_PROC}/{pid}/ns/net").st_ino != os.stat(f"{_PROC}/self/ns/net").st_ino:  # noqa: PTH116
            return ()
        sockets = {
            target[len("socket:[") : -1] for _fd, target in _descriptors(pid) if target.startswith("socket:[")
        }
    except OSError:
        return ()
    tables = [_text(f"{_PROC}/{pid}/net/{name}") for name in ("tcp", "tcp6")]
    found = {endpoint for table in tables for endpoint in listening(table, sockets)}
    return tuple(sorted(found, key=lambda endpoint: (endpoint.port, ":" in endpoint.host)))


def listening(table: str, sockets: set[str]) -> Iterator[Endpoint]:
    """The listening sockets among these inodes in the text of /proc/net/tcp or /proc/net/tcp6."""
    import socket

    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 10 or fields[3] != _LISTEN or fields[9] not in sockets:
            continue
        address, _, port = fields[1].partition(":")
        raw = bytes.fromhex(address)
        # The kernel prints each 32 bits as a number in the byte order of the machine.
        if sys.byteorder == "little":
            raw = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
        host = socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)
        yield Endpoint(_ANY_ADDRESS.get(host, host), int(port, 16))


def _other_pids() -> Iterator[int]:
    own = str(os.getpid())
    try:
        names = os.listdir(_PROC)  # noqa: PTH208 - thousands of names, and most are not wanted
    except OSError:
        return
    for name in names:
        if name.isdecimal() and name != own:
            yield int(name)


def _holds(pid: int, files: set[tuple[int, int]], names: set[str], removed: set[str]) -> bool:
    for descriptor, target in _descriptors(pid):
        if target in removed:
            return True
        # Only what has the right name is looked at: asking for the status of a file on a network share that
        # is gone would wait for it. Other names for a database are no use to SQLite: its -wal would be lost.
        if target.rpartition("/")[2].removesuffix(" (deleted)") not in names:
            continue
        status = _status(f"{_PROC}/{pid}/fd/{descriptor}")
        if status is not None and (status.st_dev, status.st_ino) in files:
            return True
    return False


def _descriptors(pid: int) -> Iterator[tuple[str, str]]:
    folder = f"{_PROC}/{pid}/fd"
    for descriptor in os.listdir(folder):  # noqa: PTH208
        try:
            yield descriptor, os.readlink(f"{folder}/{descriptor}")  # noqa: PTH115
        except FileNotFoundError:
            continue


def _text(path: str) -> str:
    """A small file of the kernel; empty if it is not there, as tcp6 is not where IPv6 is off."""
    try:
        return Path(path).read_text("ascii", errors="replace")
    except OSError:
        return ""


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116
    except OSError:
        return None


def _psutil_holders(paths: list[Path]) -> Holders:
    import psutil

    wanted = {str(path) for path in paths}
    found, complete = [], True
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        try:
            if any(file.path in wanted for file in process.open_files()):
                found.append(process.pid)
        except psutil.AccessDenied:
            complete = False
        except psutil.Error:
            continue
    return Holders(tuple(sorted(found)), complete)


def _psutil_endpoints(pid: int) -> tuple[Endpoint, ...]:
    import psutil

    try:
        connections = psutil.Process(pid).connections("tcp")
    except psutil.Error:
        return ()
    return tuple(
        Endpoint(_ANY_ADDRESS.get(connection.laddr.ip, connection.laddr.ip), connection.laddr.port)
        for connection in connections
        if connection.status == psutil.CONN_LISTEN
    )
