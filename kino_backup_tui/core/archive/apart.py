"""Opening a database from an archive in a process of its own, with limits.

Somebody may have built the file to attack SQLite ("Defense Against The Dark Arts" in its manual). What it
manages to crash, fill or keep busy is a child that holds nothing.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import kino_backup_tui
from kino_backup_tui.core import errors
from kino_backup_tui.core.errors import ArchiveRefusedError, KinoBackupError
from kino_backup_tui.core.kino.database import (
    DatabaseFacts,
    check_integrity,
    database_error,
    open_untrusted,
    read_facts,
)
from kino_backup_tui.core.kino.rows import Columns, Rows, Wanted, read_rows
from kino_backup_tui.core.models import Migration
from kino_backup_tui.core.progress import CancelToken

MEMORY_BYTES = 1 << 30
"""Address space of the child, Python included."""
_CPU_SECONDS = 60
_CPU_SECONDS_A_GIB = 300
_POLL_SECONDS = 0.05
_CHECK, _COUNT, _READ = "check", "count", "read"
_ERRORS = {
    error.code: error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, KinoBackupError)
}
_PACKAGE_PARENT = Path(kino_backup_tui.__file__).parents[1]


def facts_apart(copy: Path, cancel: CancelToken, *, check: bool = True) -> DatabaseFacts:
    """What a database says of itself, and with `check`, whether it is sound, found out by a child process.

    Raises what `check_integrity` and `read_facts` raise, `ArchiveRefusedError` if the child did not survive
    it, `OperationCancelledError` within a tenth of a second.
    """
    fields = _answered(copy, cancel, _CHECK if check else _COUNT)
    migrations = tuple(Migration(*item) for item in fields["migrations"])
    return DatabaseFacts(migrations, fields["tables"])


def rows_apart(copy: Path, wanted: Wanted, cancel: CancelToken) -> Rows:
    """Some columns of some tables, see `read_rows`, found out in the same way; raises the same."""
    rows: Rows = _answered(copy, cancel, _READ, json.dumps(wanted)) if wanted else {}
    return rows


def _answered(copy: Path, cancel: CancelToken, *what: str) -> Any:
    with subprocess.Popen(
        [sys.executable, "-m", __name__, copy, *what],
        cwd=_PACKAGE_PARENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C reaches it through us alone
    ) as child:
        answer = _wait(child, cancel)
    try:
        fields = json.loads(answer)
    except ValueError:
        raise ArchiveRefusedError(
            "Checking the database took more memory or time than an honest one needs, or crashed SQLite.",
            hint="Do not use this archive unless you know where it comes from.",
        ) from None
    if "error" in fields:
        raise _ERRORS[fields["error"]](fields["message"], hint=fields["hint"])
    return fields["answer"]


def _wait(child: subprocess.Popen[bytes], cancel: CancelToken) -> bytes:
    while True:
        if cancel.cancelled:
            child.kill()
            cancel.raise_if_cancelled()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return child.communicate(timeout=_POLL_SECONDS)[0]


def main(arguments: Sequence[str]) -> None:
    """The child: one line of JSON on standard output."""
    path = Path(arguments[0])
    _limit_ourselves(path)
    try:
        answer = {"answer": _answer(path, *arguments[1:])}
    except KinoBackupError as error:
        answer = {"error": error.code, "message": error.message, "hint": error.hint}
    sys.stdout.write(json.dumps(answer))


def _answer(path: Path, what: str, wanted: str = "{}") -> object:
    cancel = CancelToken()
    if what == _CHECK:
        check_integrity(path, cancel)
    with closing(open_untrusted(path)) as connection:
        if what != _READ:
            return read_facts(connection, cancel)._asdict()
        try:
            return read_rows(
                connection, {name: Columns(*columns) for name, columns in json.loads(wanted).items()}
            )
        except sqlite3.Error as error:
            raise database_error(error, path) from error


def _limit_ourselves(path: Path) -> None:
    import resource

    seconds = _CPU_SECONDS + _CPU_SECONDS_A_GIB * path.stat().st_size // (1 << 30)
    for limit, value in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
        # macOS knows this limit and does not keep it.
        *([(resource.RLIMIT_AS, MEMORY_BYTES)] if sys.platform.startswith("linux") else []),
    ):
        _, most = resource.getrlimit(limit)
        wanted = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(limit, (wanted, most))


if __name__ == "__main__":
    main(sys.argv[1:])
