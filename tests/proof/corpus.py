"""Honest archives to damage: ours, the same packed again by other programs, and one as Kino 0.3 writes."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.progress import Control
from tests.conftest import CONFIG, write_database
from tests.core.archive.archives import manifest_for, member, packed, tar
from tests.fakes import FakeClock

_REPACKERS = {
    "GNU tar": "tar czf {out} -C {folder} .",
    "GNU tar, pax": "tar --format=pax -czf {out} -C {folder} manifest.json config.toml db.sqlite secrets",
    "bsdtar": "bsdtar czf {out} -C {folder} .",
}


@contextmanager
def honest_archives() -> Iterator[tuple[Context, dict[str, bytes]]]:
    """A small Kino, and archives of it by who has packed them; programs that are missing are left out."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kino = Kino(folder / "kino")
        (kino.data_path / "secrets").mkdir(parents=True)
        write_database(kino.database)
        kino.config_file.write_text(CONFIG)
        (kino.secrets / "trakt.json").write_text('{"token": "not a real one"}')
        context = Context(kino, FakeClock(), host="nas01")
        ours = create_backup(context, Control()).backup.path
        archives = {"ours": ours.read_bytes()}
        unpacked = folder / "unpacked"
        unpacked.mkdir()
        subprocess.run(["tar", "xzf", ours, "-C", unpacked], check=True)
        for packer, command in _REPACKERS.items():
            if shutil.which(command.split()[0]):
                out = folder / "repacked.tar.gz"
                subprocess.run(["sh", "-c", command.format(out=out, folder=unpacked)], check=True)
                archives[packer] = out.read_bytes()
        database = (unpacked / "db.sqlite").read_bytes()
        archives["Kino 0.3"] = _by_kino(database)
        archives["raw"] = _raw(database)
        yield context, archives


def _by_kino(database: bytes) -> bytes:
    """GNU headers, the database first, and last a manifest that lists nothing."""
    manifest = (
        b'{\n  "kino_version": "0.3.2",\n  "schema_version": 1,\n  "kind": "manual",\n'
        b'  "created_at": "2026-04-26T01:00:00+00:00",\n  "size_bytes": 0,\n  "checksum_sha256": ""\n}'
    )
    return gzip.compress(
        tar(
            member("kino.db", database, mode=0o100644, uid=997, gid=997),
            member("manifest.json", manifest, kind=tarfile.AREGTYPE),
            form=tarfile.GNU_FORMAT,
        ),
        mtime=0,
    )


def _raw(database: bytes) -> bytes:
    """A database that was kept as it was found, with its log."""
    members = {"db.sqlite": database[:5000], "db.sqlite-wal": b"log" * 100}
    manifest = manifest_for(members, kind="pre_restore", database_state="raw")
    return packed(
        tar(member("manifest.json", manifest), *(member(name, data) for name, data in members.items()))
    )
