"""An archive can be proven with tar, sha256sum, jq and sqlite3 alone."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kino_backup_tui.core.models import Backup

pytestmark = pytest.mark.skipif(
    not all(shutil.which(tool) for tool in ("tar", "sha256sum", "jq", "sqlite3")),
    reason="needs tar, sha256sum, jq and sqlite3",
)


def shell(script: str, folder: Path) -> str:
    """Run what an admin would type, stopping at the first failure."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def unpacked(create: Callable[[], Backup], tmp_path: Path) -> Path:
    """A backup, unpacked by GNU tar."""
    folder = tmp_path / "unpacked"
    folder.mkdir()
    shell(f"tar xzf {create().path}", folder)
    return folder


def test_the_manifest_comes_first(create: Callable[[], Backup], tmp_path: Path) -> None:
    """tar lists the manifest, then the members in order."""
    listing = shell(f"tar tzf {create().path}", tmp_path)

    assert listing.splitlines() == ["manifest.json", "config.toml", "db.sqlite", "secrets/trakt.json"]


def test_sha256sum_confirms_every_member(unpacked: Path) -> None:
    """The contents of the manifest are what `sha256sum --check` reads."""
    checked = shell(
        """jq -r '.contents[] | "\\(.sha256)  \\(.path)"' manifest.json | sha256sum --check""", unpacked
    )

    assert checked.splitlines() == ["config.toml: OK", "db.sqlite: OK", "secrets/trakt.json: OK"]


def test_the_checksum_is_that_of_the_list_of_checksums(unpacked: Path) -> None:
    """checksum_sha256 is the SHA-256 of what sha256sum prints for the members."""
    total = shell("jq -r '.contents[].path' manifest.json | xargs -d '\\n' sha256sum | sha256sum", unpacked)

    assert total.split()[0] == shell("jq -r .checksum_sha256 manifest.json", unpacked)


def test_sqlite_confirms_the_database(unpacked: Path) -> None:
    """The database alone, without any log beside it, is whole and has the rows that the manifest counts."""
    assert shell("sqlite3 db.sqlite 'PRAGMA integrity_check'", unpacked) == "ok"
    assert shell("sqlite3 db.sqlite 'SELECT count(*) FROM film'", unpacked) == shell(
        "jq .tables.film manifest.json", unpacked
    )


def test_gzip_finds_the_file_whole(create: Callable[[], Backup], tmp_path: Path) -> None:
    """gzip's own test reads the file to its end."""
    assert shell(f"gzip -t {create().path} && echo whole", tmp_path) == "whole"
