"""The same work with the tools that every system has, as an admin's own script would do it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from kino_backup_tui.core.kino.home import Kino
from tests.benchmarks.measure import Run, run

_COPY = """
sqlite3 "$1/db.sqlite" ".backup '$2/db.sqlite'"
"""
_CHECK = """
test "$(sqlite3 "$2/db.sqlite" 'PRAGMA integrity_check')" = ok
"""
_PACK: Mapping[str, str] = {
    "gzip": """
tar czf "$2/archive.tar.gz" -C "$1" config.toml secrets -C "$2" db.sqlite
""",
    "pigz": """
tar -I pigz -cf "$2/archive.tar.gz" -C "$1" config.toml secrets -C "$2" db.sqlite
""",
}
_PROVE = """
gzip -t "$3"
mkdir "$2/new"
tar xzf "$3" -C "$2/new"
cd "$2/new"
jq -r '.contents[] | "\\(.sha256)  \\(.path)"' manifest.json | sha256sum --check --strict --quiet
cd "$1"
test "$(sqlite3 "$2/new/db.sqlite" 'PRAGMA integrity_check')" = ok
"""
_SWAP = """
rm -f "$1/db.sqlite-wal" "$1/db.sqlite-shm"
mkdir "$2/old"
mv "$1/db.sqlite" "$1/config.toml" "$1/secrets" "$2/old"
mv "$2/new/db.sqlite" "$2/new/config.toml" "$2/new/secrets" "$1"
sync
"""
_LIST = """
for archive in "$1"/backups/*.tar.gz; do
    tar xzOf "$archive" --occurrence=1 manifest.json |
        jq -c '[.kind, .created_at, .kino_version, .schema_version]'
done
"""


def create(kino: Kino, *, check: bool = True, packer: str = "gzip") -> tuple[Run, int]:
    """Copy, check, pack; `packer` is gzip or pigz. Returns the size of the archive, too."""
    script = _COPY + (_CHECK if check else "") + _PACK[packer]
    return _run(script, kino, kino.default_location)


def verify(kino: Kino, archive: Path) -> Run:
    """Test gzip, unpack, compare each SHA-256, check the database."""
    return _run(_PROVE, kino, archive)[0]


def restore(kino: Kino, archive: Path) -> Run:
    """Prove an archive, save the current state, check and pack that, and change places."""
    return _run(_PROVE + _COPY + _CHECK + _PACK["gzip"] + _SWAP, kino, archive)[0]


def list_archives(kino: Kino) -> Run:
    """Read the manifest of each archive."""
    return _run(_LIST, kino, kino.default_location)[0]


def _run(script: str, kino: Kino, last: Path) -> tuple[Run, int]:
    work = kino.data_path.parent / "by-hand"
    work.mkdir()
    try:
        result = run(["sh", "-c", f"set -e\n{script}", "sh", str(kino.data_path), str(work), str(last)])
        archive = work / "archive.tar.gz"
        return result, archive.stat().st_size if archive.exists() else 0
    finally:
        shutil.rmtree(work)
