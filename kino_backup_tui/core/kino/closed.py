"""The proof that nobody has the database open, without which no file of it may be moved.

Two looks, since each has a blind spot. /proc shows every open file, but not of processes this user may not
look into. The locks of SQLite show any process of this machine, but only one that has used the database:
in WAL mode each such connection holds a lock as long as it is open (sqlite.org/walformat.html), in the
other modes only while it reads or writes.
"""

from __future__ import annotations

import os
import re
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from kino_backup_tui.core.errors import NotPermittedError, ServiceError
from kino_backup_tui.core.files import storage_error, user_name
from kino_backup_tui.core.kino.home import SIDE_FILES, Kino
from kino_backup_tui.core.kino.process_facts import effective_user, process_name
from kino_backup_tui.core.kino.processes import hidden_processes, holders, lockers, looking_hint

PATIENCE_SECONDS = 30.0
"""Somebody who only looks at the database is done by then."""

_POLL_SECONDS = 0.25
_DATABASE_LOCKS = (0x40000000, 512)
"""Where SQLite locks a database: the pending byte, the reserved byte and the shared ones behind it."""
_INDEX_LOCKS = (120, 9)
"""Where it locks the -shm file: eight locks of the WAL index, and the one that every user of it holds."""
_FLOCK = "@hhqqi0q"
_WAL_MODE = b"\x02\x02"
"""Bytes 18 and 19 of a database in WAL mode."""
_CAP_SYS_PTRACE = 19


class Openers(NamedTuple):
    """Who has the database open."""

    pids: tuple[int, ...]
    locked: bool = False
    """Whether a process that cannot be named has a lock on it."""


def require_closed(
    kino: Kino,
    *,
    seconds: float = PATIENCE_SECONDS,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Return once no other process has the database, or a file that belongs to it, open.

    This process must not have it open either: to look at the locks drops its own.
    Raises `ServiceError` naming the process if one still has it after `seconds`, `NotPermittedError` if
    this user cannot know, `LocationError` if the files cannot be read.
    """
    deadline = clock() + seconds
    while found := find_openers(kino):
        if clock() >= deadline:
            who = " and ".join(process_name(pid) for pid in found.pids) or "Another process"
            raise ServiceError(
                f"{who[0].upper()}{who[1:]} still {'have' if len(found.pids) > 1 else 'has'} "
                f"{kino.database} open.",
                hint="End it, then try again; nothing was replaced.",
            )
        sleep(_POLL_SECONDS)


def find_openers(kino: Kino) -> Openers | None:
    """Who else has the database open; None if it is proven that nobody has.

    Raises `NotPermittedError` and `LocationError` as above.
    """
    database = Path(os.path.realpath(kino.database))
    wal, index, journal = (database.with_name(database.name + end) for end in SIDE_FILES)
    files = [database, wal, index, journal]
    lock = kino.lock_file
    seen = holders([*files, lock] if lock else files)
    pids = {*seen.pids, *(lockers(lock) if lock else ())}
    probed = {_lock_holder(database, *_DATABASE_LOCKS), _lock_holder(index, *_INDEX_LOCKS)} - {None}
    pids |= {pid for pid in probed if pid is not None and pid > 0}
    if pids or probed:
        return Openers(tuple(sorted(pids)), bool(probed))
    if not (seen.complete or _locks_are_proof(database)):
        raise NotPermittedError(
            f"{user_name()} may not look into every process, so {kino.database} may still be open somewhere.",
            hint=looking_hint(),
        )
    return None


def _locks_are_proof(database: Path) -> bool:
    """Whether no lock means that nobody has it open, although some processes are hidden from us."""
    try:
        with database.open("rb") as stream:
            in_wal_mode = stream.read(20)[18:] == _WAL_MODE
        owner = database.stat().st_uid
    except FileNotFoundError:
        return True  # what is not there cannot be opened
    except OSError:
        return False
    if not sys.platform.startswith("linux"):
        return os.geteuid() in (0, owner)
    # A process that this capability does not open is the kernel's or hidden by policy: nobody sees more.
    return in_wal_mode or _may_look_everywhere() or owner not in set(map(effective_user, hidden_processes()))


def _lock_holder(path: Path, start: int, length: int) -> int | None:
    """The process that locks a part of a file: 0 or -1 if it has no number here, None if nobody does."""
    if not sys.platform.startswith("linux"):
        return None
    import fcntl

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise storage_error(error, path, "look at the locks of") from error
    try:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, start, length, 0)
        kind, _, _, _, pid = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, asked))
    except OSError as error:
        raise storage_error(error, path, "look at the locks of") from error
    finally:
        os.close(descriptor)
    return None if kind == fcntl.F_UNLCK else int(pid)


def _may_look_everywhere() -> bool:
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    effective = re.search(r"^CapEff:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return bool(effective and int(effective.group(1), 16) >> _CAP_SYS_PTRACE & 1)
