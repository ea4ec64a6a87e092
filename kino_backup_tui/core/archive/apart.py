"""Opening a database from an archive in a process of its own, with limits.

Somebody may have built the file to attack SQLite ("Defense Against The Dark Arts" in its manual). What it
manages to crash, fill or keep busy is a child that holds nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import kino_backup_tui
from kino_backup_tui.core import errors
from kino_backup_tui.core.errors import ArchiveRefusedError, KinoBackupError
from kino_backup_tui.core.kino.database import DatabaseFacts, check_integrity, open_untrusted, read_facts
from kino_backup_tui.core.models import Migration
from kino_backup_tui.core.progress import CancelToken

MEMORY_BYTES = 1 << 30
"""Address space of the child, Python included."""
_CPU_SECONDS = 60
_CPU_SECONDS_A_GIB = 300
_POLL_SECONDS = 0.05
_CHECK, _COUNT = "check", "count"
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
    with subprocess.Popen(
        [sys.executable, "-m", __name__, _CHECK if check else _COUNT, copy],
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
    migrations = tuple(Migration(*item) for item in fields["migrations"])
    return DatabaseFacts(migrations, fields["tables"])


def _wait(child: subprocess.Popen[bytes], cancel: CancelToken) -> bytes:
    while True:
        try:
            return child.communicate(timeout=_POLL_SECONDS)[0]
        except subprocess.TimeoutExpired:
            if cancel.cancelled:
                child.kill()
                cancel.raise_if_cancelled()


def main(arguments: Sequence[str]) -> None:
    """The child: one line of JSON on standard output."""
    what, path = arguments[0], Path(arguments[1])
    _limit_ourselves(path)
    sys.stdout.write(json.dumps(_answer(path, check=what == _CHECK)))


def _answer(path: Path, *, check: bool) -> dict[str, Any]:
    cancel = CancelToken()
    try:
        if check:
            check_integrity(path, cancel)
        with closing(open_untrusted(path)) as connection:
            facts = read_facts(connection, cancel)
    except KinoBackupError as error:
        return {"error": error.code, "message": error.message, "hint": error.hint}
    return {"migrations": facts.migrations, "tables": facts.tables}


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
