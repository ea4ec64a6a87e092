"""How long a listing takes: 1,000 archives in-process, and `list --json` as a whole process.

    python -m tests.benchmarks.listing

The whole process is compared with one that only imports what any such program imports.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kino_backup_tui.core.catalog.cache import Cache, Known, fingerprint_of
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.models import Backup, BackupStatus
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.operations.listing import list_backups
from kino_backup_tui.core.progress import Control
from kino_backup_tui.core.workspace import workspace_of
from tests.benchmarks.databases import temporary_kino
from tests.benchmarks.measure import print_table, quickest, run, say, whole_process

ARCHIVES = 1000
_ROUNDS = 25
_IMPORTS = "import click, tomllib, hashlib, json"
_NEWEST = datetime(2026, 4, 26, 3, 0, tzinfo=UTC)


def fill(kino: Kino, count: int) -> None:
    """Make one backup and copies of it under the names of other nights, until there are `count`."""
    made = create_backup(Context(kino), Control(), version="0.4.2").backup.path
    for night in range(1, count):
        stamp = f"{_NEWEST - timedelta(days=night):%Y-%m-%dT%H-%M-%S}"
        shutil.copyfile(made, made.with_name(f"kino-backup-scheduled-{stamp}-v0.4.2.tar.gz"))


def call_verified(kino: Kino) -> None:
    """Have the cache say of each archive what it would of a verified one with a database of its own."""
    backups = list_backups(Context(kino)).backups
    Cache(workspace_of(kino)).remember(
        (backup.path, _verified(backup, night)) for night, backup in enumerate(backups)
    )


def _verified(backup: Backup, night: int) -> Known:
    manifest = backup.manifest
    if manifest is None:
        raise RuntimeError(f"{backup.filename} has no manifest")
    created_at = _NEWEST - timedelta(days=night)
    digest = hashlib.sha256(backup.filename.encode()).hexdigest()
    contents = tuple(
        content._replace(size=content.size + night, sha256=digest) if content.path == "db.sqlite" else content
        for content in manifest.contents
    )
    return Known(
        fingerprint_of(backup.path.lstat()),
        BackupStatus.VERIFIED,
        replace(manifest, created_at=created_at, contents=contents),
        digest,
        created_at,
    )


def furnish(kino: Kino, count: int) -> float:
    """Fill a location and the cache; returns the seconds of a listing that knows nothing yet.

    In a process of its own, so that the memory it takes is not in anybody's measurement.
    """
    command = [sys.executable, "-m", "tests.benchmarks.listing", str(kino.data_path), str(count)]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def _furnish(kino: Kino, count: int) -> float:
    fill(kino, count)
    first = seconds_to_list(kino, count)
    call_verified(kino)
    return first


def seconds_to_list(kino: Kino, count: int) -> float:
    """List once in this process."""
    began = time.perf_counter()
    found = len(list_backups(Context(kino)).backups)
    seconds = time.perf_counter() - began
    if found != count:
        raise RuntimeError(f"{found} backups were listed, not {count}")
    return seconds


def in_process() -> None:
    """1,000 archives: nothing known of them, and everything cached."""
    with temporary_kino(0) as kino:
        say(f"writing {ARCHIVES} archives …")
        first = furnish(kino, ARCHIVES)
        cached = min(seconds_to_list(kino, ARCHIVES) for _ in range(5))
    rows = [("first", f"{first * 1000:.0f} ms"), ("cached", f"{cached * 1000:.0f} ms")]
    print_table(f"{ARCHIVES} archives, in-process", ("", "time"), rows)


def whole() -> None:
    """`list --json` with ten archives; the two programs take turns."""
    with temporary_kino(0) as kino:
        fill(kino, 10)
        imports = [sys.executable, "-c", _IMPORTS]
        pairs = [(run(imports), whole_process(kino, "list", "--json")) for _ in range(_ROUNDS)]
    base, ours = quickest([pair[0] for pair in pairs]), quickest([pair[1] for pair in pairs])
    rows = [
        (f'python -c "{_IMPORTS}"', f"{base.seconds * 1000:.0f} ms", "1.00"),
        (
            "kino-backup-tui list --json",
            f"{ours.seconds * 1000:.0f} ms",
            f"{ours.seconds / base.seconds:.2f}",
        ),
    ]
    print_table(f"10 archives, whole process, best of {_ROUNDS}", ("", "time", "ratio"), rows)


if __name__ == "__main__":
    if sys.argv[1:]:
        say(str(_furnish(Kino(Path(sys.argv[1])), int(sys.argv[2]))))
    else:
        in_process()
        whole()
